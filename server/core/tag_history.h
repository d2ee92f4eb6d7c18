// What TAGINFO tells of tags beyond the keys that carry them now: how often they were deleted, and
// what was counted for them until then. Bounded: the tag that was deleted longest ago is forgotten.
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace larder::core {

class TagHistory {
 public:
  static constexpr size_t kTagsMax = 1024;

  struct Past {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t deletions = 0;
    int64_t last_deleted_ms = 0;  // since the epoch; 0: never, as far as is known
  };

  // The tag was deleted at `now_ms`, with what had been counted for it. Not under a shard's lock,
  // but for that of a surrounding transaction or script. Throws std::bad_alloc.
  void note_deleted(size_t database, std::string_view tag, uint64_t hits, uint64_t misses,
                    int64_t now_ms);
  Past find(size_t database, std::string_view tag) const;

 private:
  using Name = std::pair<size_t, std::string>;
  struct Record {
    Past past;
    std::list<Name>::iterator place;
  };

  mutable std::mutex mutex_;
  // Guarded by mutex_: the tag deleted longest ago first.
  std::list<Name> by_age_;
  std::map<Name, Record> records_;
};

}  // namespace larder::core
