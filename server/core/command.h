// One command is one row. From the row come, with no second list anywhere: lookup, arity and
// permission errors, which shards to lock, COMMAND and its subcommands, HELP, ACL categories,
// per-command statistics and the README's table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace larder::core {

class Call;
using Handler = void (*)(Call&);

// Flags of a command, by Redis' names (COMMAND INFO).
enum CommandFlag : uint32_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,
  kPubsub = 1u << 4,
  kNoscript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,
  kStale = 1u << 8,
  kSkipMonitor = 1u << 9,
  kSkipSlowlog = 1u << 10,
  kFast = 1u << 11,
  kNoAuth = 1u << 12,  // may be called before authenticating
  kNoMulti = 1u << 13,
  kMovableKeys = 1u << 14,  // key positions depend on the arguments
  kAllowBusy = 1u << 15,
  kNoAsyncLoading = 1u << 16,
  kNoMandatoryKeys = 1u << 17,
  // Not Redis' names, and not shown.
  kWhileSubscribed = 1u << 18,  // may be called in RESP2 by a client with subscriptions
  kAnswersByPush = 1u << 19,    // its reply is pushes, which CLIENT REPLY does not silence
  kHeldLikeWrite = 1u << 20,    // by CLIENT PAUSE WRITE (Redis: may_replicate)
  kWholeKeyspace = 1u << 21,    // looks at keys that its row does not name: see names_all_keys()
  kRunsInMulti = 1u << 22,      // behind MULTI it is run at once, not queued
  kEndsMulti = 1u << 23,        // gives up what was queued, so it is run however scarce memory is
  kRunsQueue = 1u << 24,     // is refused and held back like the commands that were queued (EXEC)
  kRunsScript = 1u << 25,    // may take long, in a transaction too
  kKeepsCaching = 1u << 26,  // what CLIENT CACHING said is meant for a command behind it
};

enum AclCategory : uint32_t {
  kAclKeyspace = 1u << 0,
  kAclRead = 1u << 1,
  kAclWrite = 1u << 2,
  kAclSet = 1u << 3,
  kAclSortedSet = 1u << 4,
  kAclList = 1u << 5,
  kAclHash = 1u << 6,
  kAclString = 1u << 7,
  kAclBitmap = 1u << 8,
  kAclHyperLogLog = 1u << 9,
  kAclGeo = 1u << 10,
  kAclStream = 1u << 11,
  kAclPubsub = 1u << 12,
  kAclAdmin = 1u << 13,
  kAclFast = 1u << 14,
  kAclSlow = 1u << 15,
  kAclBlocking = 1u << 16,
  kAclDangerous = 1u << 17,
  kAclConnection = 1u << 18,
  kAclTransaction = 1u << 19,
  kAclScripting = 1u << 20,
};

// What a command does with the keys of a spec, by Redis' names.
enum KeyFlag : uint16_t {
  kRO = 1u << 0,  // reads the value
  kRW = 1u << 1,  // reads and changes the value
  kOW = 1u << 2,  // overwrites, without reading
  kRM = 1u << 3,  // deletes
  kAccess = 1u << 4,
  kUpdate = 1u << 5,
  kInsert = 1u << 6,
  kDelete = 1u << 7,
  kNotKey = 1u << 8,
  kIncomplete = 1u << 9,
  kVariableFlags = 1u << 10,
  // Not Redis' and not shown: what the arguments change, where kVariableFlags says that they do.
  kReadsIfGet = 1u << 11,      // SET: without the option GET it is kOW | kUpdate
  kWritesIfNotGet = 1u << 12,  // BITFIELD: with nothing but GETs it is kRO | kAccess
  // Not shown either: keys of options, which may stand anywhere from `begin` on (SORT). Redis calls
  // their places unknown.
  kFromPatterns = 1u << 13,  // named by the elements of another key and a pattern (BY, GET)
  kBehindStore = 1u << 14,   // stands behind the last STORE
};

// Where keys stand among the arguments. `last` is as in Redis: relative to `begin` when 0 or
// positive, counted from the last argument when negative. With `key_count_at` >= 0 the number of
// keys stands that far behind `begin`, and the first key `first_key` behind it.
struct KeySpec {
  uint16_t flags = 0;
  int16_t begin = 0;  // 0: there is no such spec
  int16_t last = 0;
  int16_t step = 1;
  int16_t limit = 0;
  int16_t key_count_at = -1;
  int16_t first_key = 0;
};
inline constexpr size_t kKeySpecsMax = 3;
using KeySpecs = std::array<KeySpec, kKeySpecsMax>;

// The common shapes.
constexpr KeySpecs one_key(uint16_t flags, int16_t at = 1) {
  return {KeySpec{.flags = flags, .begin = at}};
}
constexpr KeySpecs all_keys(uint16_t flags, int16_t from = 1, int16_t step = 1) {
  return {KeySpec{.flags = flags, .begin = from, .last = -1, .step = step}};
}

enum class Group : uint8_t {
  kGeneric,
  kString,
  kBitmap,
  kHash,
  kHyperLogLog,
  kList,
  kSet,
  kSortedSet,
  kPubsub,
  kTransactions,
  kScripting,
  kConnection,
  kServer,
  kTags,
  kRateLimit
};

struct CommandRow {
  std::string_view
      name;  // lower case; a subcommand is "config|set", its container a row of its own
  Handler handler = nullptr;  // null for a container
  int arity = 0;       // with the name; negative: at least so many. As in Redis, a subcommand's
                       // counts the container's name too
  uint32_t flags = 0;  // CommandFlag
  uint32_t categories = 0;  // AclCategory beyond those that follow from the flags
  KeySpecs keys{};
  Group group = Group::kGeneric;
  std::string_view since;  // the Redis version that brought it, or "larder"
  std::string_view complexity;
  std::string_view syntax;  // arguments in the manner of Redis' documentation: "key [EX seconds]"
  std::string_view summary;
};

// Whether the key specs say of every call which keys it will touch. For a call of which they do
// not, a transaction or script holds all shards. key_positions.h asks the same of one request.
constexpr bool names_all_keys(const CommandRow& row) {
  for (const KeySpec& spec : row.keys) {
    if ((spec.flags & (kIncomplete | kFromPatterns)) != 0) return false;
  }
  return (row.flags & kWholeKeyspace) == 0;
}

// All families, listed by hand in server/commands/families.h and put together by the composition
// root.
using Family = std::span<const CommandRow>;

}  // namespace larder::core
