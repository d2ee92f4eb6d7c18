#include "server/core/config_options.h"

#include "server/core/args.h"
#include "server/core/keyspace_events.h"
#include "storage/number.h"
#include "storage/prefix_table.h"

namespace larder::core {
namespace {

using V = ConfigValues;
using K = OptionKind;

constexpr std::string_view kLogLevels[] = {"debug", "verbose", "notice", "warning", "nothing"};
// In the order of storage::EvictionKind, then ConfigValues::kAutomaticPolicy.
constexpr std::string_view kPolicies[] = {
    "noeviction",       "allkeys-lru",       "allkeys-lfu",  "allkeys-random",
    "allkeys-adaptive", "volatile-lru",      "volatile-lfu", "volatile-random",
    "volatile-ttl",     "volatile-adaptive", "auto"};
static_assert(std::size(kPolicies) == V::kAutomaticPolicy + 1);
constexpr std::string_view kNever[] = {"no"};
constexpr std::string_view kDebugAccess[] = {"no", "yes", "local"};

std::string only_empty(std::string_view text) {
  return text.empty() ? "" : "Larder keeps nothing on disk: only \"\" is possible";
}

std::string one_byte_at_most(std::string_view text) {
  return text.size() <= 1 ? "" : "argument must be one byte or empty";
}

std::string percentiles(std::string_view text) {
  constexpr const char* kInvalid = "Invalid latency-tracking-info-percentiles parameters";
  const auto words = split_words(text);
  if (!words) return kInvalid;
  for (const std::string& word : *words) {
    double value = 0;
    if (!storage::parse_double(word, value)) return kInvalid;
    if (value < 0 || value > 100) {
      return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    }
  }
  return "";
}

constexpr OptionRow kRows[] = {
    {.section = "Network",
     .name = "bind",
     .kind = K::kWords,
     .text = &V::bind,
     .initial = "127.0.0.1 -::1",
     .help =
         "Addresses to listen on, IPv4 and IPv6, separated by blanks. An address with a '-' in\n"
         "front may be missing on this machine. \"*\" is every IPv4 address, \"::*\" every IPv6 "
         "one."},
    {.section = "Network",
     .name = "port",
     .number = &V::port,
     .initial = "6379",
     .max = 65535,
     .help = "TCP port. 0: do not listen on TCP."},
    {.section = "Network",
     .name = "unixsocket",
     .kind = K::kText,
     .text = &V::unixsocket,
     .initial = "",
     .help = "Path of a Unix socket to listen on; empty for none."},
    {.section = "Network",
     .name = "unixsocketperm",
     .kind = K::kOctal,
     .number = &V::unixsocketperm,
     .initial = "0",
     .max = 0777,
     .help = "Permissions of the Unix socket, octal; 0 leaves what the umask gives."},
    {.section = "Network",
     .name = "tcp-backlog",
     .number = &V::tcp_backlog,
     .initial = "511",
     .help = "Connections that may wait to be accepted; the kernel's somaxconn bounds it."},
    {.section = "Network",
     .name = "tcp-keepalive",
     .number = &V::tcp_keepalive_s,
     .initial = "300",
     .live = true,
     .max = INT32_MAX,
     .help = "Seconds between probes of silent connections, 0 for none. For new connections."},
    {.section = "Network",
     .name = "timeout",
     .number = &V::timeout_s,
     .initial = "0",
     .live = true,
     .max = INT32_MAX,
     .help = "Close a connection that was idle for so many seconds; 0: never."},
    {.section = "Network",
     .name = "threads",
     .number = &V::threads,
     .initial = "auto",
     .max = 128,
     .help = "Threads that serve connections; auto: one a core."},

    {.section = "Access",
     .name = "protected-mode",
     .kind = K::kYesNo,
     .number = &V::protected_mode,
     .initial = "yes",
     .live = true,
     .help = "While there is no password, refuse clients from other machines."},
    {.section = "Access",
     .name = "requirepass",
     .kind = K::kText,
     .text = &V::requirepass,
     .initial = "",
     .live = true,
     .help = "Password that clients must give with AUTH; empty: none."},
    {.section = "Access",
     .name = "enable-debug-command",
     .kind = K::kChoice,
     .number = &V::enable_debug_command,
     .initial = "local",
     .choices = kDebugAccess,
     .help = "Who may use DEBUG: no (nobody), local (connections from this machine), yes (all)."},
    {.section = "Access",
     .name = "rename-command",
     .kind = K::kRename,
     .initial = "",
     .help =
         "rename-command OLD NEW gives a command another name, \"\" takes it away. Repeatable."},

    {.section = "Limits",
     .name = "maxclients",
     .number = &V::maxclients,
     .initial = "10000",
     .live = true,
     .min = 1,
     .max = UINT32_MAX,
     .help = "Most connections at once. The limit on open files is raised to fit, if it can be."},
    {.section = "Limits",
     .name = "client-query-buffer-limit",
     .kind = K::kMemory,
     .number = &V::client_query_buffer_bytes_max,
     .initial = "1gb",
     .live = true,
     .min = 1024 * 1024,
     .help = "Most bytes of one incomplete request; a connection that sends more is closed."},
    {.section = "Limits",
     .name = "proto-max-bulk-len",
     .kind = K::kMemory,
     .number = &V::bulk_bytes_max,
     .initial = "512mb",
     .live = true,
     .min = 1024 * 1024,
     .help = "Longest string, as an argument and as a value."},
    {.section = "Limits",
     .name = "client-output-buffer-limit",
     .kind = K::kOutputLimit,
     .initial = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
     .live = true,
     .help =
         "<class> <hard> <soft> <seconds>, for the classes normal, replica and pubsub: a client\n"
         "whose unread replies pass the hard limit, or the soft one for so many seconds, is "
         "closed."},
    {.section = "Limits",
     .name = "maxmemory",
     .kind = K::kMemory,
     .number = &V::maxmemory_bytes,
     .initial = "0",
     .live = true,
     .help = "Most memory for everything, in bytes or with a unit (100mb, 2gb); 0: no limit.\n"
             "50%: of the machine's memory, or of the control group's limit; auto: 80% of it."},
    {.section = "Limits",
     .name = "maxmemory-policy",
     .kind = K::kChoice,
     .number = &V::maxmemory_policy,
     .initial = "auto",
     .live = true,
     .choices = kPolicies,
     .help =
         "What happens at the limit. noeviction: commands that need memory are refused.\n"
         "allkeys-... may evict any key, volatile-... only those with an expiry; adaptive: what\n"
         "is least worth keeping, as learnt from the hits; lru, lfu, random, ttl: as in Redis.\n"
         "auto: allkeys-adaptive if there is a maxmemory, else noeviction."},
    {.section = "Limits",
     .name = "maxmemory-samples",
     .number = &V::maxmemory_samples,
     .initial = "5",
     .live = true,
     .min = 1,
     .max = INT32_MAX,
     .help = "Keys looked at for each one evicted. More: a better choice, more work; 64 at most. "
             "The adaptive\n"
             "policies do not ask; they look at ten."},
    {.section = "Limits",
     .name = "lfu-log-factor",
     .number = &V::lfu_log_factor,
     .initial = "10",
     .live = true,
     .max = INT32_MAX,
     .help = "lfu: how many hits it takes to count one more; 255 is reached at about a million."},
    {.section = "Limits",
     .name = "lfu-decay-time",
     .number = &V::lfu_decay_minutes,
     .initial = "1",
     .live = true,
     .max = INT32_MAX,
     .help = "lfu: minutes without a hit after which the counter goes down by one; 0: never."},
    {.section = "Limits",
     .name = "databases",
     .number = &V::databases,
     .initial = "16",
     .min = 1,
     .max = 1024,
     .help = "How many databases SELECT can choose from."},
    {.section = "Limits",
     .name = "tracking-table-max-keys",
     .number = &V::tracking_keys_max,
     .initial = "1000000",
     .live = true,
     .max = INT64_MAX,
     .help = "Keys remembered with their readers for CLIENT TRACKING; 0: no limit. Beyond it some "
             "are\n"
             "forgotten, and their readers told as if they had changed."},
    {.section = "Limits",
     .name = "lazyfree-lazy-user-flush",
     .kind = K::kYesNo,
     .number = &V::lazyfree_user_flush,
     .initial = "no",
     .live = true,
     .help = "Whether FLUSHALL and FLUSHDB without a word are ASYNC: answer before the memory is "
             "free."},

    {.section = "Collections",
     .name = "hash-max-listpack-entries",
     .alias = "hash-max-ziplist-entries",
     .number = &V::hash_listpack_fields_max,
     .initial = "512",
     .live = true,
     .help = "A hash of more fields than these is kept as a table, which is faster and larger."},
    {.section = "Collections",
     .name = "hash-max-listpack-value",
     .alias = "hash-max-ziplist-value",
     .kind = K::kMemory,
     .number = &V::hash_listpack_value_bytes_max,
     .initial = "64",
     .live = true,
     .help = "And so is one with a field or a value of more bytes."},
    {.section = "Collections",
     .name = "list-max-listpack-size",
     .number = &V::list_max_listpack_size,
     .initial = "-2",
     .live = true,
     .min = INT32_MIN,
     .max = INT32_MAX,
     .help = "How large one block of a list may be: -1 to -5: 4, 8, 16, 32 or 64 kilobytes; above\n"
             "0: so many elements, and 8 kilobytes at most."},
    {.section = "Collections",
     .name = "set-max-intset-entries",
     .number = &V::set_integers_max,
     .initial = "512",
     .live = true,
     .max = INT64_MAX,
     .help = "Members up to which a set of integers is kept as a sorted run of them."},
    {.section = "Collections",
     .name = "set-max-listpack-entries",
     .number = &V::set_listpack_members_max,
     .initial = "128",
     .live = true,
     .max = INT64_MAX,
     .help = "Members up to which any other set is kept as one packed run."},
    {.section = "Collections",
     .name = "set-max-listpack-value",
     .number = &V::set_listpack_member_bytes_max,
     .initial = "64",
     .live = true,
     .max = INT64_MAX,
     .help = "Longest member, in bytes, of a set that is one packed run."},
    {.section = "Collections",
     .name = "zset-max-listpack-entries",
     .alias = "zset-max-ziplist-entries",
     .number = &V::zset_listpack_members_max,
     .initial = "128",
     .live = true,
     .max = INT64_MAX,
     .help = "Members up to which a sorted set is kept as one packed run."},
    {.section = "Collections",
     .name = "zset-max-listpack-value",
     .alias = "zset-max-ziplist-value",
     .kind = K::kMemory,
     .number = &V::zset_listpack_member_bytes_max,
     .initial = "64",
     .live = true,
     .help = "Longest member, in bytes, of a sorted set that is one packed run."},
    {.section = "Collections",
     .name = "hll-sparse-max-bytes",
     .kind = K::kMemory,
     .number = &V::hll_sparse_bytes_max,
     .initial = "3000",
     .live = true,
     .help = "Longest that a HyperLogLog may be in its sparse form, head included."},

    {.section = "Notifications",
     .name = "notify-keyspace-events",
     .kind = K::kEventClasses,
     .number = &V::notify_event_classes,
     .initial = "\"\"",
     .live = true,
     .help = kEventClassesHelp},
    {.section = "Scripts",
     .name = "busy-reply-threshold",
     .alias = "lua-time-limit",
     .number = &V::busy_reply_threshold_ms,
     .initial = "5000",
     .live = true,
     .help =
         "Milliseconds after which a script lets others be answered with BUSY, and can be ended "
         "by\nSCRIPT KILL or FUNCTION KILL. 0: never."},
    {.section = "Scripts",
     .name = "script-memory-limit",
     .kind = K::kMemory,
     .number = &V::script_memory_bytes_max,
     .initial = "256mb",
     .min = 4 << 20,
     .help =
         "Memory that scripts may use on each thread, as of the start: beyond it they fail with "
         "\"not\nenough memory\"."},

    {.section = "Logging",
     .name = "loglevel",
     .kind = K::kChoice,
     .number = &V::loglevel,
     .initial = "notice",
     .live = true,
     .choices = kLogLevels,
     .help = "debug, verbose, notice, warning or nothing."},
    {.section = "Logging",
     .name = "logfile",
     .kind = K::kText,
     .text = &V::logfile,
     .initial = "",
     .help = "File to log to, reopened on SIGHUP; empty: standard error."},

    {.section = "Watching",
     .name = "slowlog-log-slower-than",
     .number = &V::slowlog_slower_than_us,
     .initial = "10000",
     .live = true,
     .min = -1,
     .help = "Commands that took so many microseconds go to the slow log; -1: none, 0: all."},
    {.section = "Watching",
     .name = "slowlog-max-len",
     .number = &V::slowlog_max_len,
     .initial = "128",
     .live = true,
     .max = INT64_MAX,
     .help = "Entries that the slow log keeps."},
    {.section = "Watching",
     .name = "latency-monitor-threshold",
     .number = &V::latency_threshold_ms,
     .initial = "0",
     .live = true,
     .help = "Events that took so many milliseconds are kept for LATENCY; 0: none."},
    {.section = "Watching",
     .name = "latency-tracking",
     .kind = K::kYesNo,
     .number = &V::latency_tracking,
     .initial = "yes",
     .live = true,
     .help = "Whether each command's durations are counted, for INFO latencystats."},
    {.section = "Watching",
     .name = "latency-tracking-info-percentiles",
     .kind = K::kWords,
     .text = &V::latency_percentiles,
     .initial = "50 99 99.9",
     .live = true,
     .check = percentiles,
     .help = "The percentiles that INFO latencystats shows."},

    {.section = "Watching",
     .name = "stats-prefix-separator",
     .kind = K::kText,
     .text = &V::stats_prefix_separator,
     .initial = ":",
     .live = true,
     .check = one_byte_at_most,
     .help = "STATS PREFIX tells of the keys by what stands in front of this byte, the first such\n"
             "one of a key. Empty: nothing is counted by prefix. A change counts anew."},
    {.section = "Watching",
     .name = "stats-prefixes-max",
     .number = &V::stats_prefixes_max,
     .initial = "128",
     .live = true,
     .min = 1,
     .max = storage::PrefixTable::kRowsMax,
     .help = "So many prefixes are kept, the busiest; one counts in each database anew."},

    {.section = "Redis' own",
     .name = "save",
     .kind = K::kWords,
     .text = &V::save,
     .initial = "",
     .live = true,
     .check = only_empty,
     .help = "Only \"\": Larder is a cache and writes nothing to disk. Here for tools that ask."},
    {.section = "Redis' own",
     .name = "appendonly",
     .kind = K::kChoice,
     .number = &V::appendonly,
     .initial = "no",
     .live = true,
     .choices = kNever,
     .help = "Only no, for the same reason."},
    {.section = "Redis' own",
     .name = "daemonize",
     .kind = K::kChoice,
     .number = &V::daemonize,
     .initial = "no",
     .choices = kNever,
     .help = "Only no: a service manager does that better."},
};

}  // namespace

std::span<const OptionRow> option_rows() {
  return kRows;
}

const OptionRow* find_option(std::string_view name) {
  const std::string lower = to_lower(name);
  for (const OptionRow& row : kRows) {
    if (row.name == lower || (row.alias == lower && !lower.empty())) return &row;
  }
  return nullptr;
}

}  // namespace larder::core
