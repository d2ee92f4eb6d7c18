#include <algorithm>

#include "server/core/info_sections.h"
#include "storage/number.h"

namespace larder::core {
namespace {

// An error code is made of whatever a script says; what would break INFO's lines becomes '_'.
std::string safe_name(std::string_view name) {
  std::string safe(name);
  std::replace_if(
      safe.begin(), safe.end(),
      [](char c) { return std::string_view("#:\n\r").find(c) != std::string_view::npos; }, '_');
  return safe;
}

std::vector<double> shown_percentiles(const Config& config) {
  std::vector<double> percentiles;
  const auto words = split_words(config.values.latency_percentiles.get());
  if (!words) return percentiles;
  for (const std::string& word : *words) {
    double percentile = 0;
    if (storage::parse_double(word, percentile)) percentiles.push_back(percentile);
  }
  return percentiles;
}

}  // namespace

void info_command_statistics(InfoSection& out) {
  const Server& server = out.server;
  for (uint32_t i = 0; i < server.commands.size(); i++) {
    const CommandTotals totals = server.statistics.command(i);
    if (totals.calls == 0 && totals.rejected == 0 && totals.failed == 0) continue;
    const double microseconds = static_cast<double>(totals.nanoseconds) / 1000;
    out.field(fmt::format("cmdstat_{}", server.commands.at(i).row->name),
              fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                          totals.calls, totals.nanoseconds / 1000,
                          totals.calls == 0 ? 0 : microseconds / static_cast<double>(totals.calls),
                          totals.rejected, totals.failed));
  }
}

void info_error_statistics(InfoSection& out) {
  for (const auto& [code, count] : out.server.statistics.errors()) {
    out.field(fmt::format("errorstat_{}", safe_name(code)), fmt::format("count={}", count));
  }
}

void info_latency_statistics(InfoSection& out) {
  const Server& server = out.server;
  if (server.config.values.latency_tracking.load() == 0) return;
  const std::vector<double> percentiles = shown_percentiles(server.config);
  for (uint32_t i = 0; i < server.commands.size(); i++) {
    const DurationSummary durations = server.statistics.command(i).durations;
    if (durations.count() == 0) continue;
    std::string values;
    for (const double percentile : percentiles) {
      fmt::format_to(std::back_inserter(values), "{}p{}={:.3f}", values.empty() ? "" : ",",
                     percentile, static_cast<double>(durations.percentile_ns(percentile)) / 1000);
    }
    out.field(fmt::format("latency_percentiles_usec_{}", server.commands.at(i).row->name), values);
  }
}

}  // namespace larder::core
