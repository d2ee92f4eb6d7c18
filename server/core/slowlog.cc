#include "server/core/slowlog.h"

#include <algorithm>

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
