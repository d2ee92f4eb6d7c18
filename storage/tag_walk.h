// Looking at the tags of a database: the keys of one, and what they are called. As in SCAN, a walk
// goes shard by shard and locks one at a time, and returns what is there from its beginning to its
// end.
//
// In all functions, `held` are all shards, if the caller holds them; null: shards are locked one by
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "storage/function_ref.h"
#include "storage/scan.h"
#include "storage/store.h"
#include "storage/tags.h"

namespace larder::storage {

// What the shards have counted for the tag, in one pass.
struct TagUses {
  uint64_t hits = 0;
  uint64_t misses = 0;
};
TagUses uses_of_tag(Store& store, const LockedKeys* held, size_t database, std::string_view name);

// The keys of a tag in the order of shards and hash fragments, which no growth changes: no key is
// returned twice.
class TagScanner {
 public:
  // Any number is a valid cursor; one past the last shard finds nothing.
  TagScanner(Store& store, size_t database, ScanCursor from = 0);

  ScanCursor cursor() const;  // 0 when finished
  bool finished() const { return shard_ >= Store::kShards; }

  // Calls `visit` for live keys of the shard that it has come to: of about `entries_max`, at least
  // one, that it looks at, which are counted down.
  void step(const LockedKeys* held, std::string_view name, int64_t now_ms, size_t& entries_max,
            FunctionRef<void(const Entry&)> visit);

 private:
  static constexpr int kFragmentBits = 32;

  Store& store_;
  const size_t database_;
  size_t shard_;
  HashFragment from_;
};

// The names of all tags that a live key has, in the order of their hashes, each once however many
// shards have it. The state between calls is the cursor, a bound of the hashes, alone.
class TagNameCollector {
 public:
  using Cursor = uint32_t;
  // `wanted` names, at least one, or a few more of the same hash. Any number is a valid cursor.
  TagNameCollector(Store& store, size_t database, uint64_t from, size_t wanted);

  bool finished() const { return shard_ >= Store::kShards; }
  // Looks at one shard. Throws std::bad_alloc.
  void step(const LockedKeys* held, int64_t now_ms);

  // When finished: what was found, and where to go on, 0 at the end.
  template <typename Visit>
  void each(Visit visit) const {
    for (const auto& [hash, name] : found_) visit(std::string_view(name));
  }
  size_t size() const { return found_.size(); }
  Cursor cursor() const { return last_ == kLastHash ? 0 : last_ + 1; }

 private:
  void trim();

  static constexpr Cursor kLastHash = std::numeric_limits<Cursor>::max();

  Store& store_;
  const size_t database_;
  const Cursor from_;
  const size_t wanted_;
  Cursor last_ = kLastHash;  // nothing behind it is wanted any more
  size_t shard_ = 0;
  std::set<std::pair<Cursor, std::string>> found_;
};

}  // namespace larder::storage
