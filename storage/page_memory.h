// Pages from the operating system: address space is reserved once, and memory comes and goes behind
// it. These are thin doors to mmap, mprotect and madvise; everything is rounded outwards to pages.
//
// All functions may be called from any thread. None throws.
#pragma once

#include <cstddef>

namespace larder::storage {

struct AddressRange {
  char* begin = nullptr;
  size_t bytes = 0;
};

// Address space without memory: touching it is an error until it is opened. If `bytes_max` cannot
// be had (a limit on the process' address space), less is tried; then half of what could be had is
// left to the rest of the process. Zero bytes if less than `bytes_min` would be left.
AddressRange reserve_addresses(size_t bytes_max, size_t bytes_min);

// Makes reserved addresses usable: zero bytes, whose memory comes when they are touched. False if
// the system refuses.
bool open_pages(char* begin, size_t bytes);

// Gets the memory now rather than when it is touched. The contents stay as they are, but nobody may
// write to the range meanwhile.
void touch_pages(char* begin, size_t bytes);

// Gives the memory back. The addresses stay usable and read as zero.
void discard_pages(char* begin, size_t bytes);

// Whether memory of the range may come in huge pages (transparent huge pages; nothing happens where
// the kernel has none, or always uses them).
void advise_huge_pages(char* begin, size_t bytes, bool huge);

// Moves what lies in the range into huge pages at once, which takes some 100 microseconds for each.
// kNotNow: the system has no huge page to spare; kUnsupported: the kernel cannot (before 6.1).
enum class CollapseResult { kDone, kNotNow, kUnsupported };
CollapseResult collapse_pages(char* begin, size_t bytes);

}  // namespace larder::storage
