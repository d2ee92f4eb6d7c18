// One database under a lock: what a command may do with keys. Every change of an entry goes through
// here, so counters, expiry bounds, tags and eviction are kept at one choke point.
//
// A dead key (its expiry has passed, or a tag of it was deleted) is never seen: whoever meets one
// removes it on the spot.
//
// A Keyspace is made for one command (or one command of a transaction) and used by one thread,
// while the LockedKeys it was made of lives. Every key passed in must be held by that lock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "storage/entry.h"
#include "storage/held_bytes.h"
#include "storage/result.h"
#include "storage/store.h"

namespace larder::storage {

// What tags a key gets that is stored: those named, each once and at most kTagsPerKeyMax, or those
// that it has already. None by default, as it gets no expiry.
struct Tagging {
  std::span<const std::string_view> names{};
  bool keep = false;
};
inline constexpr Tagging kKeepTags{.keep = true};

class Keyspace {
 public:
  // `now_ms`: milliseconds since the epoch; one value for the whole command. `touching`: false
  // makes every access a peek (CLIENT NO-TOUCH).
  Keyspace(const LockedKeys& locked, size_t database, int64_t now_ms, bool touching = true)
      : locked_(locked),
        store_(locked.store()),
        database_(database),
        now_ms_(now_ms),
        touching_(touching) {}

  int64_t now_ms() const { return now_ms_; }
  size_t database() const { return database_; }
  const LockedKeys& locked() const { return locked_; }
  Keyspace in_database(size_t database) const { return {locked_, database, now_ms_}; }

  // Whether a look at a key is an access to it, for eviction and OBJECT IDLETIME, or leaves no
  // trace. kInspect is a kPeek of which, if there is no such key, no observer is told.
  enum class Access : uint8_t { kTouch, kPeek, kInspect };

  // The live entry of `key` or null. read() counts a hit or a miss; find() counts nothing.
  Entry* read(const Key& key, Access access = Access::kTouch);
  Entry* find(const Key& key, Access access = Access::kTouch);

  // Without touching: the seconds since the live key was last accessed, and how often that was, in
  // the measure of the eviction policy. Nullopt if there is none.
  struct AccessHistory {
    uint64_t idle_seconds;
    uint32_t frequency;
  };
  std::optional<AccessHistory> access_history(const Key& key);

  void set_touching(bool touching) { touching_ = touching; }

  // Stores a string, as an integer where it is one, in place of whatever was there.
  void put_string(const Key& key, std::string_view value, int64_t expire_at_ms,
                  const Tagging& tagging = {});
  void put_integer(const Key& key, int64_t value, int64_t expire_at_ms,
                   const Tagging& tagging = {});
  // The same for a string that is in a blob already, of more than kInlineValueMax bytes: the entry
  // gets a reference of its own, nothing is copied.
  void put_blob(const Key& key, Blob& value, int64_t expire_at_ms, const Tagging& tagging = {});
  // The same as text, even where it spells an integer. `modified`: see EntryShape.
  void put_text(const Key& key, std::string_view value, int64_t expire_at_ms, bool modified,
                const Tagging& tagging = {});

  // Changes the value of `entry`, the live integer that find() or read() gave for `key`.
  void set_integer(const Key& key, Entry& entry, int64_t value) {
    if (!entry.set_integer(value)) {
      return put_integer(key, value, entry.expire_at_ms(), kKeepTags);
    }
    count_set(key);
    note(key, KeyChange::kWritten);
  }

  // Stores a collection, which is taken over, in place of whatever was there. Throws
  // std::bad_alloc, and then has taken nothing over.
  void put_object(const Key& key, Object object, int64_t expire_at_ms);
  // To be called after the collection in `entry`, the live one of `key`, was changed in place;
  // `object` says where it is now. One without elements must be erased instead.
  void set_object(const Key& key, Entry& entry, Object object) {
    entry.set_object(object);
    if (object.is_timed()) table(key).note_due(table(key).find(key));
    note(key, KeyChange::kWritten);
  }

  // Makes the string value of `key` `size` bytes long, creating the key if there is none, and
  // returns its bytes for writing: the old bytes, then zeros. Expiry and tags are kept. `size` is
  // at least the value's present length. Who has changed the value says so by note_written(), be it
  // only that it has grown.
  char* grow_string(const Key& key, size_t size);
  void note_written(const Key& key) { note(key, KeyChange::kWritten); }

  // Who changes what hangs off the live entry of `key` asks for its bytes before and says behind it
  // what they were: statistics by prefix count them. 0 while nobody does.
  size_t counted_bytes(const Entry& entry) const {
    return store_.prefixes.on() ? held_bytes(entry) : 0;
  }
  size_t counted_bytes(Slot slot) const { return slot ? counted_bytes(*slot.entry()) : 0; }
  void note_resized(const Key& key, const Entry& entry, size_t bytes_before) {
    store_.prefixes.resize(database_, key,
                           static_cast<int64_t>(counted_bytes(entry) - bytes_before));
  }

  // Fields of the hash in `key` were found dead and removed; some are left.
  void note_fields_expired(const Key& key) {
    if (Observer* observer = store_.observer()) observer->fields_expired(database_, key);
  }

  // Asks for the memory that storing the key with named tags will need.
  void prefetch_tags(const Key& key);

  // `why`: kDeletes or kInvalidated.
  bool erase(const Key& key, PrefixCount why = PrefixCount::kDeletes);

  // Sets or (kNoExpiry) takes away the expiry of a live key; false if there is none. A time that
  // has passed already deletes the key.
  bool set_expiry(const Key& key, int64_t expire_at_ms);

  // Gives the live key more tags, or takes some from it; each name may stand there repeatedly.
  // Answers how many it did not have, or had: 0 if there is no such key, kTooManyTags, and nothing
  // changed, if it would have more than kTagsPerKeyMax.
  Result<size_t> add_tags(const Key& key, std::span<const std::string_view> names);
  size_t remove_tags(const Key& key, std::span<const std::string_view> names);
  // What the tag of an entry in the shard of `key` is called.
  std::string_view tag_name(const Key& key, TagId id) { return table(key).tags()[id].name; }

  // Moves the entry of `from`, which is live, with expiry and tags to `to` in the database of
  // `target`, replacing what is there.
  void move(const Key& from, Keyspace& target, const Key& to);

  // Copies value, expiry and tags of `from`, which is live; replaces what is there.
  void copy(const Key& from, Keyspace& target, const Key& to);

 private:
  Table& table(const Key& key) { return shard(key).table(database_); }
  Shard& shard(const Key& key);
  // Counts a change of the key, once it is made, and tells who wants to know.
  void note(const Key& key, KeyChange change) {
    shard(key).writes.add();
    if (Observer* observer = store_.observer()) observer->changed(database_, key, change);
  }
  // Counts a value that was stored as a whole.
  void count_set(const Key& key, int64_t keys = 0, int64_t bytes = 0) {
    shard(key).sets.add();
    store_.prefixes.count(database_, key, PrefixCount::kSets, keys, bytes);
  }
  // The same for `entry` in place of one of `bytes_before`, or of none.
  void count_set(const Key& key, const Entry& entry, bool created, size_t bytes_before) {
    count_set(key, created ? 1 : 0, static_cast<int64_t>(counted_bytes(entry) - bytes_before));
  }
  void count_gone(const Key& key, PrefixCount why, size_t bytes) {
    if (why == PrefixCount::kDeletes) shard(key).deletes.add();
    store_.prefixes.count(database_, key, why, -1, -static_cast<int64_t>(bytes));
  }
  void note_created(const Key& key) {
    if (Observer* observer = store_.observer()) observer->created(database_, key);
  }
  Slot find_slot(const Key& key);
  void touch(const Key& key, Slot slot);
  void bury(const Key& key, Slot slot);
  Entry* take_out(const Key& key, Slot slot);
  void put(const Key& key, const EntryShape& shape, std::string_view text, const Tagging& tagging);
  void put_tagged(const Key& key, Slot slot, EntryShape shape, std::string_view text,
                  const Tagging& tagging);
  void put_into(const Key& key, Slot slot, const EntryShape& shape, std::string_view text);
  bool rewrite(const Key& key, Slot slot, const EntryShape& shape, std::string_view text);
  void catch_escaped(const Key& from, Keyspace& target, const Key& to);
  void rebuild(const Key& key, Slot slot, int64_t expire_at_ms, TagIds tags);
  // Throws std::bad_alloc, and then has not taken the entry over.
  void install(const Key& key, Slot slot, Entry* entry);

  const LockedKeys& locked_;
  Store& store_;
  size_t database_;
  int64_t now_ms_;
  bool touching_;
};

}  // namespace larder::storage
