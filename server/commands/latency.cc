// Watching commands as they run: SLOWLOG, LATENCY and MONITOR.
#include <string>
#include <utility>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void slowlog_get(Call& call) {
  constexpr int64_t kDefaultCount = 10;
  if (call.argument_count() > 3) {
    return call.fail(errors::unknown_subcommand_or_arity("slowlog", call.argument(1)));
  }
  Args args = call.args(2);
  const int64_t count =
      args.done() ? kDefaultCount : args.integer(-1, INT64_MAX, errors::kSlowlogCount);
  if (args.failed()) return call.fail(args.error());

  const std::vector<SlowCommand> entries = call.server().slowlog.newest(count);
  Reply& reply = call.reply();
  reply.array(entries.size());
  for (const SlowCommand& entry : entries) {
    reply.array(6);
    reply.integer(static_cast<int64_t>(entry.id));
    reply.integer(entry.at_s);
    reply.integer(entry.duration_us);
    reply.array(entry.arguments.size());
    for (const std::string& argument : entry.arguments) reply.bulk(argument);
    reply.bulk(entry.peer);
    reply.bulk(entry.client_name);
  }
}

void slowlog_len(Call& call) {
  call.reply().integer(static_cast<int64_t>(call.server().slowlog.size()));
}

void slowlog_reset(Call& call) {
  call.server().slowlog.clear();
  call.reply().simple("OK");
}

void latency_latest(Call& call) {
  const std::vector<LatencyEvent> events = call.server().latency.latest();
  Reply& reply = call.reply();
  reply.array(events.size());
  for (const LatencyEvent& event : events) {
    reply.array(4);
    reply.bulk(event.name);
    reply.integer(event.latest.at_s);
    reply.integer(event.latest.latency_ms);
    reply.integer(event.max_ms);
  }
}

void latency_history(Call& call) {
  const std::vector<LatencySample> samples = call.server().latency.history(call.argument(2));
  Reply& reply = call.reply();
  reply.array(samples.size());
  for (const LatencySample& sample : samples) {
    reply.array(2);
    reply.integer(sample.at_s);
    reply.integer(sample.latency_ms);
  }
}

void latency_graph(Call& call) {
  const std::string graph = call.server().latency.graph(call.argument(2), call.now_ms() / 1000);
  if (graph.empty()) return call.fail(errors::no_latency_samples(call.argument(2)));
  call.reply().verbatim(graph);
}

void latency_reset(Call& call) {
  LatencyMonitor& latency = call.server().latency;
  size_t forgotten = call.argument_count() == 2 ? latency.reset("") : 0;
  for (size_t i = 2; i < call.argument_count(); i++) {
    // To the monitor an empty name means every event; here it is one that never happens.
    if (!call.argument(i).empty()) forgotten += latency.reset(call.argument(i));
  }
  call.reply().integer(static_cast<int64_t>(forgotten));
}

void latency_doctor(Call& call) {
  std::string text = call.server().latency.describe();
  if (!text.empty()) {
    text +=
        "SLOWLOG GET names the commands that were slow; CONFIG SET slowlog-log-slower-than decides "
        "which count as slow.\n";
  } else if (call.config().values.latency_threshold_ms.load() == 0) {
    text =
        "Spikes are not recorded: CONFIG SET latency-monitor-threshold <milliseconds> turns that "
        "on.\n";
  } else {
    text = "No spike was seen.\n";
  }
  call.reply().verbatim(text);
}

// How many calls took at most so long, for the powers of two of nanoseconds from 1024 on; a bound
// that adds no call is left out. Redis' histogram rounds its bounds up by 1/128 before it cuts them
// to microseconds (33, 66, 132 ...), and clients know these numbers.
struct HistogramStep {
  int64_t microseconds;
  int64_t calls;
};

std::vector<HistogramStep> histogram_steps(const DurationSummary& durations) {
  constexpr int kFirstPower = 10;
  constexpr int kLastPower = 42;  // DurationHistogram ends there
  std::vector<HistogramStep> steps;
  uint64_t counted = 0;
  for (int power = kFirstPower; power <= kLastPower && counted < durations.count(); power++) {
    const uint64_t bound_ns = uint64_t{1} << power;
    const uint64_t within = durations.count_within_ns(bound_ns - 1);
    if (within == counted) continue;
    counted = within;
    const uint64_t shown_us = (bound_ns + bound_ns / 128 - 1) / 1000;
    steps.push_back({static_cast<int64_t>(shown_us), static_cast<int64_t>(within)});
  }
  return steps;
}

void write_histogram(Reply& reply, const Command& command, const DurationSummary& durations) {
  const std::vector<HistogramStep> steps = histogram_steps(durations);
  reply.bulk(command.row->name);
  reply.map(2);
  reply.bulk("calls");
  reply.integer(static_cast<int64_t>(durations.count()));
  reply.bulk("histogram_usec");
  reply.map(steps.size());
  for (const HistogramStep& step : steps) {
    reply.integer(step.microseconds);
    reply.integer(step.calls);
  }
}

// The commands that LATENCY HISTOGRAM names, a container standing for itself and its subcommands;
// without names all of them.
std::vector<const Command*> commands_to_show(Call& call) {
  const CommandTable& table = call.server().commands;
  std::vector<const Command*> shown;
  if (call.argument_count() == 2) {
    for (size_t i = 0; i < table.size(); i++) shown.push_back(&table.at(i));
  }
  for (size_t i = 2; i < call.argument_count(); i++) {
    const std::string name = to_lower(call.argument(i));
    const Command* command = table.find_full(name);
    if (command == nullptr) continue;
    shown.push_back(command);
    shown.insert(shown.end(), command->subcommands.begin(), command->subcommands.end());
  }
  return shown;
}

void latency_histogram(Call& call) {
  std::vector<std::pair<const Command*, DurationSummary>> found;
  for (const Command* command : commands_to_show(call)) {
    const DurationSummary durations = call.server().statistics.command(command->index).durations;
    if (durations.count() > 0) found.emplace_back(command, durations);
  }
  call.reply().map(found.size());
  for (const auto& [command, durations] : found) write_histogram(call.reply(), *command, durations);
}

// A client that watches already gets no second answer, as in Redis.
void monitor(Call& call) {
  // Its lines would come into the middle of the reply of EXEC.
  if (call.held() != nullptr) return call.fail(errors::kMonitorNested);
  if (call.client().has(Client::kMonitor)) return;
  call.client().set(Client::kMonitor);
  call.server().monitors.fetch_add(1, std::memory_order_relaxed);
  call.reply().simple("OK");
}

constexpr uint32_t kOperator = kAdmin | kLoading | kStale;

constexpr CommandRow kRows[] = {
    {.name = "slowlog",
     .arity = -2,
     .group = Group::kServer,
     .since = "2.2.12",
     .complexity = "Depends on the subcommand.",
     .syntax = "",
     .summary = "The commands that took longest lately."},
    {.name = "slowlog|get",
     .handler = slowlog_get,
     .arity = -2,
     .flags = kOperator,
     .group = Group::kServer,
     .since = "2.2.12",
     .complexity = "O(N) with N entries answered",
     .syntax = "[count]",
     .summary = "Answers the newest entries of the slow log: ten, or count, or with -1 all."},
    {.name = "slowlog|len",
     .handler = slowlog_len,
     .arity = 2,
     .flags = kOperator,
     .group = Group::kServer,
     .since = "2.2.12",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers how many entries the slow log has."},
    {.name = "slowlog|reset",
     .handler = slowlog_reset,
     .arity = 2,
     .flags = kOperator,
     .group = Group::kServer,
     .since = "2.2.12",
     .complexity = "O(N) with N entries",
     .syntax = "",
     .summary = "Empties the slow log."},
    {.name = "slowlog|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .group = Group::kServer,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands."},
    {.name = "latency",
     .arity = -2,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "Depends on the subcommand.",
     .syntax = "",
     .summary = "How long commands take, and when something took too long."},
    {.name = "latency|histogram",
     .handler = latency_histogram,
     .arity = -2,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "7.0.0",
     .complexity = "O(N) with N commands shown",
     .syntax = "[command [command ...]]",
     .summary = "Answers for each command how many calls took at most so many microseconds."},
    {.name = "latency|latest",
     .handler = latency_latest,
     .arity = 2,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the latest and the worst spike of each kind of event."},
    {.name = "latency|history",
     .handler = latency_history,
     .arity = 3,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "event",
     .summary = "Answers the recorded spikes of one kind of event, with their times."},
    {.name = "latency|graph",
     .handler = latency_graph,
     .arity = 3,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "event",
     .summary = "Draws the recorded spikes of one kind of event as columns of text."},
    {.name = "latency|reset",
     .handler = latency_reset,
     .arity = -2,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "[event [event ...]]",
     .summary = "Forgets the spikes of some kinds of event, or of all."},
    {.name = "latency|doctor",
     .handler = latency_doctor,
     .arity = 2,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Says in sentences which spikes were seen."},
    {.name = "latency|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands."},
    {.name = "monitor",
     .handler = monitor,
     .arity = 1,
     .flags = kOperator | kNoscript,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Shows this connection every command that the server runs from now on."},
};

}  // namespace

core::Family latency_commands() {
  return kRows;
}

}  // namespace larder::commands
