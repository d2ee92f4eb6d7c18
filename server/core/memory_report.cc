#include "server/core/memory_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace larder::core {
namespace {

void raise_to(std::atomic<uint64_t>& peak, uint64_t bytes) {
  uint64_t known = peak.load(std::memory_order_relaxed);
  while (known < bytes && !peak.compare_exchange_weak(known, bytes, std::memory_order_relaxed)) {
  }
}

}  // namespace

double ratio(size_t a, size_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

int64_t difference(size_t a, size_t b) {
  return static_cast<int64_t>(a) - static_cast<int64_t>(b);
}

size_t MemoryReport::dataset_bytes() const {
  return used_bytes() - std::min(used_bytes(), overhead_bytes());
}

double MemoryReport::dataset_percent() const {
  return 100 * ratio(dataset_bytes(), used_bytes() - std::min(used_bytes(), startup_bytes));
}

double MemoryReport::peak_percent() const {
  return 100 * ratio(used_bytes(), peak_bytes);
}

MemoryReport measure(Server& server, std::vector<storage::DatabaseSize> databases) {
  MemoryReport report;
  report.databases = std::move(databases);
  for (const storage::DatabaseSize& database : report.databases) {
    report.keys += database.keys;
    report.table_bytes += database.table_bytes;
  }
  server.clients.each([&](const Client& client) {
    report.client_bytes += client.buffers().total_bytes + client.kept_bytes();
  });
  report.use = storage::measure_memory();
  raise_to(server.used_memory_peak, report.used_bytes());
  report.peak_bytes = server.used_memory_peak.load(std::memory_order_relaxed);
  report.startup_bytes = server.startup_memory.load(std::memory_order_relaxed);
  return report;
}

void note_used_memory(Server& server) {
  const storage::MemoryUse use = storage::measure_memory();
  server.memory_limit.note_resident(use.rss_bytes);
  raise_to(server.used_memory_peak, use.allocated_bytes);
}

std::string diagnose(const MemoryReport& report) {
  constexpr size_t kMegabyte = 1024 * 1024;
  constexpr size_t kTooSmallToJudge = 5 * kMegabyte;
  if (report.used_bytes() < kTooSmallToJudge) {
    return "There is too little in memory to judge: less than 5 MB are in use.\n";
  }
  const storage::MemoryUse& use = report.use;
  std::string text;
  if (report.peak_bytes > report.used_bytes() / 2 * 3) {
    text += fmt::format(
        "* Past peak: {} MB were in use once, {:.1f} times what is now. A resident size above what "
        "is used comes from then; MEMORY PURGE gives free pages back.\n",
        report.peak_bytes / kMegabyte, ratio(report.peak_bytes, report.used_bytes()));
  }
  if (ratio(use.active_bytes, use.allocated_bytes) > 1.4 &&
      use.active_bytes - use.allocated_bytes > 10 * kMegabyte) {
    text += fmt::format(
        "* Fragmentation: pages that the allocator cannot free hold {} MB more than is used. It "
        "follows a change in the size of values, and shrinks as they are replaced.\n",
        (use.active_bytes - use.allocated_bytes) / kMegabyte);
  }
  if (ratio(use.resident_bytes, use.active_bytes) > 1.1 &&
      use.resident_bytes - use.active_bytes > 10 * kMegabyte) {
    text += fmt::format(
        "* Free pages: the allocator keeps {} MB for later. They go back to the system within "
        "seconds, or at once by MEMORY PURGE.\n",
        (use.resident_bytes - use.active_bytes) / kMegabyte);
  }
  if (report.client_bytes > report.used_bytes() / 4) {
    text += fmt::format(
        "* Connections: their buffers hold {} MB. CLIENT LIST says whose (tot-mem, omem); "
        "client-output-buffer-limit bounds it.\n",
        report.client_bytes / kMegabyte);
  }
  return text.empty() ? "Nothing unusual was found in the use of memory.\n" : text;
}

}  // namespace larder::core
