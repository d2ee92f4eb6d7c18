#include "storage/page_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace larder::storage {
namespace {

// Debian 12's C library does not name it yet.
constexpr int kMadviseCollapse = 25;

AddressRange page_range(char* begin, size_t bytes) {
  static const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t before = reinterpret_cast<uintptr_t>(begin) % page_bytes;
  return {begin - before, (before + bytes + page_bytes - 1) / page_bytes * page_bytes};
}

char* map_addresses(size_t bytes) {
  void* begin = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return begin == MAP_FAILED ? nullptr : static_cast<char*>(begin);
}

}  // namespace

AddressRange reserve_addresses(size_t bytes_max, size_t bytes_min) {
  size_t bytes = bytes_max;
  char* begin = map_addresses(bytes);
  while (begin == nullptr && bytes / 2 >= bytes_min) begin = map_addresses(bytes /= 2);
  if (begin == nullptr) return {};
  if (bytes < bytes_max) {
    munmap(begin + bytes / 2, bytes - bytes / 2);
    bytes /= 2;
  }
  return {begin, bytes};
}

bool open_pages(char* begin, size_t bytes) {
  const AddressRange pages = page_range(begin, bytes);
  return mprotect(pages.begin, pages.bytes, PROT_READ | PROT_WRITE) == 0;
}

void touch_pages(char* begin, size_t bytes) {
  if (madvise(begin, bytes, MADV_POPULATE_WRITE) == 0) return;
  constexpr size_t kSmallestPageBytes = 4096;  // the kernel is older than 5.14
  for (size_t at = 0; at < bytes; at += kSmallestPageBytes) {
    volatile char* byte = begin + at;
    *byte = *byte;
  }
}

void discard_pages(char* begin, size_t bytes) {
  madvise(begin, bytes, MADV_DONTNEED);
}

void advise_huge_pages(char* begin, size_t bytes, bool huge) {
  madvise(begin, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

CollapseResult collapse_pages(char* begin, size_t bytes) {
  if (madvise(begin, bytes, kMadviseCollapse) == 0) return CollapseResult::kDone;
  return errno == EINVAL ? CollapseResult::kUnsupported : CollapseResult::kNotNow;
}

}  // namespace larder::storage
