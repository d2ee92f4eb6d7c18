// The options: one table (in config_options.cc) says each one's name, kind, bounds, default and
// meaning. From it come the command line, the configuration file, CONFIG GET/SET/REWRITE, --help
// and the text of conf/larder.conf.
//
// Values may be read by any thread at any time; CONFIG SET changes them under `mutex`. Whoever must
// act on a change (listeners, the log) subscribes with on_change().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/eviction_kind.h"
#include "storage/types/hash_limits.h"

namespace larder::core {

// A text option: copies go in and out under a lock of its own.
class TextValue {
 public:
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  void set(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

using IntegerValue = std::atomic<int64_t>;

// client-output-buffer-limit, for one class of clients.
struct OutputLimit {
  IntegerValue hard_bytes{0};
  IntegerValue soft_bytes{0};
  IntegerValue soft_seconds{0};
};

enum class MemoryPolicy : int64_t { kNoEviction };

struct ConfigValues {
  TextValue bind;
  IntegerValue port{0};
  TextValue unixsocket;
  IntegerValue unixsocketperm{0};
  IntegerValue tcp_backlog{0};
  IntegerValue tcp_keepalive_s{0};
  IntegerValue timeout_s{0};
  IntegerValue protected_mode{0};
  IntegerValue threads{0};  // 0: one a core
  TextValue requirepass;
  IntegerValue maxclients{0};
  IntegerValue client_query_buffer_bytes_max{0};
  IntegerValue bulk_bytes_max{0};
  OutputLimit output_normal;
  OutputLimit output_replica;
  OutputLimit output_pubsub;
  IntegerValue databases{0};
  IntegerValue list_max_listpack_size{0};
  IntegerValue maxmemory_bytes{0};
  TextValue maxmemory_share;         // "auto" or "50%", if maxmemory was given so; else empty
  IntegerValue maxmemory_policy{0};  // a storage::EvictionKind, or kAutomaticPolicy
  IntegerValue maxmemory_samples{0};
  IntegerValue lfu_log_factor{0};
  IntegerValue lfu_decay_minutes{0};
  IntegerValue lazyfree_user_flush{0};
  IntegerValue busy_reply_threshold_ms{0};
  IntegerValue script_memory_bytes_max{0};
  IntegerValue hash_listpack_fields_max{0};
  IntegerValue hash_listpack_value_bytes_max{0};
  IntegerValue set_integers_max{0};
  IntegerValue set_listpack_members_max{0};
  IntegerValue set_listpack_member_bytes_max{0};
  IntegerValue zset_listpack_members_max{0};
  IntegerValue zset_listpack_member_bytes_max{0};
  IntegerValue hll_sparse_bytes_max{0};
  IntegerValue notify_event_classes{0};  // a set of core::EventClass
  IntegerValue loglevel{0};
  TextValue logfile;
  IntegerValue slowlog_slower_than_us{0};
  IntegerValue slowlog_max_len{0};
  IntegerValue tracking_keys_max{0};  // 0: no limit
  IntegerValue latency_threshold_ms{0};
  IntegerValue latency_tracking{0};
  TextValue latency_percentiles;
  TextValue stats_prefix_separator;  // a byte, or empty: off
  IntegerValue stats_prefixes_max{0};
  IntegerValue enable_debug_command{0};
  TextValue save;              // always empty: nothing is written to disk
  IntegerValue appendonly{0};  // always no
  IntegerValue daemonize{0};   // always no: a service manager does that

  static constexpr int64_t kAutomaticPolicy = storage::kEvictionKinds;
  // What happens at the limit: the policy named, or, if none is, the best one where there is a
  // limit.
  storage::EvictionKind eviction_kind() const;

  storage::HashLimits hash_limits() const {
    return {static_cast<size_t>(hash_listpack_fields_max.load(std::memory_order_relaxed)),
            static_cast<size_t>(hash_listpack_value_bytes_max.load(std::memory_order_relaxed))};
  }
};

class Config {
 public:
  Config();  // every option at its default

  ConfigValues values;

  // Sets one option from the words that follow its name, before the server starts. Empty when done,
  // else what is wrong, in Redis' words.
  std::string set_at_start(std::string_view name, std::span<const std::string> words);

  using Assignment = std::pair<std::string_view, std::string_view>;
  // All or none, as CONFIG SET. On failure nothing has changed and `failed_name` says whose fault.
  std::string set_live(std::span<const Assignment> assignments, std::string& failed_name);

  // The values of all options whose name matches one of the glob patterns, each once. A name
  // without special characters comes back in the letters that it was asked in, as from Redis. Not
  // rename-command: what was taken away is not for clients to ask.
  std::vector<std::pair<std::string, std::string>> get(
      std::span<const std::string_view> patterns) const;
  std::optional<std::string> get(std::string_view name) const;
  static bool exists(std::string_view name);

  // Reads a configuration file. Empty when done, else "file:line: what is wrong".
  std::string load_file(const std::string& path);
  // Applies "--name value ..." arguments. Empty when done, else what is wrong.
  std::string load_arguments(std::span<const std::string> arguments);

  // Writes the options that differ from their defaults into the file that was loaded, keeping its
  // comments and order. Empty when done, else what is wrong.
  std::string rewrite_file() const;
  // Absolute path of the loaded file, empty if none was.
  const std::string& file() const { return file_; }

  // `react` runs after the named option was changed by CONFIG SET, on the changing thread; a text
  // that it returns is the reason to take the change back.
  void on_change(std::string_view name, std::function<std::string()> react);

  // rename-command, in the order given; `place` is "file:line: ", or empty for the command line.
  struct RenamedCommand {
    std::string from;
    std::string to;
    std::string place;
  };
  const std::vector<RenamedCommand>& renamed_commands() const { return renamed_commands_; }

  // The annotated text of conf/larder.conf, and the list of options for --help.
  static std::string annotated_file();
  static std::string help();

 private:
  std::string file_;
  std::vector<RenamedCommand> renamed_commands_;
  // Guarded by mutex_, but for on_change() at start.
  std::map<std::string, std::function<std::string()>, std::less<>> reactions_;
  mutable std::mutex mutex_;  // held while options are changed
};

// "64", "64k", "64kb", "1gb" ... as in redis.conf: k is 1000, kb 1024. Nullopt if it is none.
std::optional<int64_t> parse_memory(std::string_view text);

// Splits a line of a configuration file into words, with the quoting of redis.conf. Nullopt if the
// quotes are not balanced.
std::optional<std::vector<std::string>> split_words(std::string_view line);

}  // namespace larder::core
