#include "server/core/info_sections.h"
#include "server/core/machine_memory.h"
#include "server/core/memory_report.h"
#include "storage/garbage.h"

namespace larder::core {
namespace {

// "512B", "1.50K", "2.00G": as Redis writes sizes for people.
std::string for_people(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  auto amount = static_cast<double>(bytes) / 1024;
  for (const char unit : {'K', 'M', 'G', 'T'}) {
    if (amount < 1024) return fmt::format("{:.2f}{}", amount, unit);
    amount /= 1024;
  }
  return fmt::format("{:.2f}P", amount);
}

void allocator_ratios(InfoSection& out, const storage::MemoryUse& use) {
  out.ratio("allocator_frag_ratio", ratio(use.active_bytes, use.allocated_bytes));
  out.field("allocator_frag_bytes", difference(use.active_bytes, use.allocated_bytes));
  out.ratio("allocator_rss_ratio", ratio(use.resident_bytes, use.active_bytes));
  out.field("allocator_rss_bytes", difference(use.resident_bytes, use.active_bytes));
  out.ratio("rss_overhead_ratio", ratio(use.rss_bytes, use.resident_bytes));
  out.field("rss_overhead_bytes", difference(use.rss_bytes, use.resident_bytes));
  out.ratio("mem_fragmentation_ratio", ratio(use.rss_bytes, use.allocated_bytes));
  out.field("mem_fragmentation_bytes", difference(use.rss_bytes, use.allocated_bytes));
}

// EVAL's scripts and functions share their interpreters here; what these take is shown with the
// scripts.
void script_memory(InfoSection& out) {
  const Scripts::Sizes sizes = out.server.scripts.sizes();
  const size_t vm_bytes = out.server.scripts.vm_bytes.load(std::memory_order_relaxed);
  out.field("used_memory_vm_eval", vm_bytes);
  out.bytes("used_memory_lua", vm_bytes);
  out.field("used_memory_scripts_eval", sizes.script_bytes);
  out.field("number_of_cached_scripts", sizes.scripts);
  out.field("number_of_functions", sizes.functions);
  out.field("number_of_libraries", sizes.libraries);
  out.field("used_memory_vm_functions", 0);
  out.bytes("used_memory_vm_total", vm_bytes);
  out.field("used_memory_functions", sizes.library_bytes);
  out.bytes("used_memory_scripts", sizes.script_bytes + sizes.library_bytes);
}

}  // namespace

void InfoSection::bytes(std::string_view name, uint64_t value) {
  field(name, value);
  fmt::format_to(std::back_inserter(text_), "{}_human:{}\r\n", name, for_people(value));
}

void info_memory(InfoSection& out) {
  const MemoryReport report = measure(out.server, out.databases());
  const Config& config = out.server.config;
  out.bytes("used_memory", report.used_bytes());
  out.bytes("used_memory_rss", report.use.rss_bytes);
  out.bytes("used_memory_peak", report.peak_bytes);
  out.field("used_memory_peak_perc", fmt::format("{:.2f}%", report.peak_percent()));
  out.field("used_memory_overhead", report.overhead_bytes());
  out.field("used_memory_startup", report.startup_bytes);
  out.field("used_memory_dataset", report.dataset_bytes());
  out.field("used_memory_dataset_perc", fmt::format("{:.2f}%", report.dataset_percent()));
  out.field("allocator_allocated", report.use.allocated_bytes);
  out.field("allocator_active", report.use.active_bytes);
  out.field("allocator_resident", report.use.resident_bytes);
  out.bytes("total_system_memory", system_memory_bytes());
  out.bytes("maxmemory", static_cast<uint64_t>(config.values.maxmemory_bytes.load()));
  out.field("maxmemory_policy", config.get("maxmemory-policy").value_or(""));
  script_memory(out);
  allocator_ratios(out, report.use);
  out.zeros({"mem_not_counted_for_evict", "mem_replication_backlog",
             "mem_total_replication_buffers", "mem_clients_slaves"});
  out.field("mem_clients_normal", report.client_bytes);
  out.zeros({"mem_cluster_links", "mem_aof_buffer"});
  out.field("mem_allocator", storage::allocator_name());
  out.field("active_defrag_running", out.server.compaction.running() ? 1 : 0);
  out.field("lazyfree_pending_objects", storage::Garbage::waiting_objects());
}

}  // namespace larder::core
