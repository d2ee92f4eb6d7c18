#include "server/core/slowlog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace larder::core {
namespace {

std::string cut(std::string_view argument) {
  if (argument.size() <= Slowlog::kArgumentBytesMax) return std::string(argument);
  return std::string(argument.substr(0, Slowlog::kArgumentBytesMax)) + "... (" +
         std::to_string(argument.size() - Slowlog::kArgumentBytesMax) + " more bytes)";
}

std::vector<std::string> cut_all(std::span<const std::string_view> arguments) {
  std::vector<std::string> kept;
  const bool too_many = arguments.size() > Slowlog::kArgumentsMax;
  const size_t whole = too_many ? Slowlog::kArgumentsMax - 1 : arguments.size();
  for (size_t i = 0; i < whole; i++) kept.push_back(cut(arguments[i]));
  if (too_many) {
    kept.push_back("... (" + std::to_string(arguments.size() - whole) + " more arguments)");
  }
  return kept;
}

// "12s", "3m", "5h", "2d".
std::string short_age(int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 24 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / (24 * 3600));
}

}  // namespace

void Slowlog::add(std::span<const std::string_view> arguments, int64_t at_s, int64_t duration_us,
                  std::string_view peer, std::string_view client_name, size_t max_entries) {
  SlowCommand entry{
      0, at_s, duration_us, cut_all(arguments), std::string(peer), std::string(client_name)};
  const std::lock_guard lock(mutex_);
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  while (entries_.size() > max_entries) entries_.pop_back();
}

std::vector<SlowCommand> Slowlog::newest(int64_t count) const {
  const std::lock_guard lock(mutex_);
  const size_t wanted =
      count < 0 ? entries_.size() : std::min(entries_.size(), static_cast<size_t>(count));
  return {entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(wanted)};
}

size_t Slowlog::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void Slowlog::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

void LatencyMonitor::add(std::string_view event, int64_t at_s, int64_t latency_ms) {
  const std::lock_guard lock(mutex_);
  if (events_.size() >= kEventsMax && events_.find(event) == events_.end()) return;
  Series& series = events_[std::string(event)];
  series.max_ms = std::max(series.max_ms, latency_ms);
  if (!series.samples.empty() && series.samples.back().at_s == at_s) {
    series.samples.back().latency_ms = std::max(series.samples.back().latency_ms, latency_ms);
    return;
  }
  series.samples.push_back({at_s, latency_ms});
  if (series.samples.size() > kSamplesMax) series.samples.pop_front();
}

std::vector<LatencyEvent> LatencyMonitor::latest() const {
  const std::lock_guard lock(mutex_);
  std::vector<LatencyEvent> events;
  for (const auto& [name, series] : events_) {
    events.push_back({name, series.samples.back(), series.max_ms});
  }
  return events;
}

std::vector<LatencySample> LatencyMonitor::history(std::string_view event) const {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(event);
  if (found == events_.end()) return {};
  return {found->second.samples.begin(), found->second.samples.end()};
}

std::string LatencyMonitor::describe(std::string_view event, const Series& series) {
  const auto count = static_cast<double>(series.samples.size());
  double sum = 0;
  for (const LatencySample& sample : series.samples) sum += static_cast<double>(sample.latency_ms);
  const double mean = sum / count;
  double deviations = 0;
  for (const LatencySample& sample : series.samples) {
    deviations += std::abs(static_cast<double>(sample.latency_ms) - mean);
  }
  const auto span_s = static_cast<double>(series.samples.back().at_s - series.samples.front().at_s);
  return fmt::format(
      "* {}: {} spikes, {:.0f} ms on average (mean deviation {:.0f} ms), one every {:.0f} s; the "
      "worst took {} ms.\n",
      event, series.samples.size(), mean, deviations / count, span_s / count, series.max_ms);
}

std::string LatencyMonitor::describe() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [event, series] : events_) text += describe(event, series);
  return text;
}

std::string LatencyMonitor::graph(std::string_view event, int64_t now_s) const {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(event);
  if (found == events_.end()) return "";
  const Series& series = found->second;
  const auto [low, high] = std::minmax_element(
      series.samples.begin(), series.samples.end(),
      [](const LatencySample& a, const LatencySample& b) { return a.latency_ms < b.latency_ms; });
  std::string text =
      fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n{}\n", event, high->latency_ms,
                  low->latency_ms, series.max_ms, std::string(80, '-'));
  const int64_t range_ms = std::max<int64_t>(1, high->latency_ms - low->latency_ms);
  for (int64_t row = kGraphRows - 1; row >= 0; row--) {
    for (const LatencySample& sample : series.samples) {
      const int64_t height = (sample.latency_ms - low->latency_ms) * (kGraphRows - 1) / range_ms;
      text += height == row ? '#' : height > row ? '|' : ' ';
    }
    text += '\n';
  }
  return text + "\n" + ages(series, now_s);
}

// One age a column, written downwards.
std::string LatencyMonitor::ages(const Series& series, int64_t now_s) {
  std::vector<std::string> labels;
  size_t longest = 0;
  for (const LatencySample& sample : series.samples) {
    labels.push_back(short_age(now_s - sample.at_s));
    longest = std::max(longest, labels.back().size());
  }
  std::string text;
  for (size_t line = 0; line < longest; line++) {
    for (const std::string& label : labels) text += line < label.size() ? label[line] : ' ';
    text += '\n';
  }
  return text;
}

size_t LatencyMonitor::reset(std::string_view event) {
  const std::lock_guard lock(mutex_);
  if (!event.empty()) {
    const auto found = events_.find(event);
    if (found == events_.end()) return 0;
    events_.erase(found);
    return 1;
  }
  const size_t count = events_.size();
  events_.clear();
  return count;
}

}  // namespace larder::core
