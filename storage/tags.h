// The tags of one table: what they are called, and which entries carry them.
//
// A tag has a record for as long as an entry of the table carries it. Entries name it by its id,
// which is used again only when none does. The members of a tag are kept as fragments of their
// keys' hashes, from which the table finds them wherever they are (Table::each_tagged); the table
// tells of every entry that comes and goes.
//
// A tag is deleted by taking its name away (kill): from then on its entries are dead, like those
// whose time is over, and the record lives on until the last of them is removed. The next key that
// is given a tag of that name begins a new record.
//
// Not thread-safe: guarded by the lock of the shard that the table belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/function_ref.h"
#include "storage/key_hash.h"
#include "storage/ordered_words.h"
#include "storage/tag_ids.h"

namespace larder::storage {

// The bits of a hash by which a table finds a key: the leading ones of its directory's, and those
// of position and fingerprint. Never 0. Fragments are in the order of the directory.
using HashFragment = uint32_t;
inline constexpr int kFragmentLowBits = 12;
inline constexpr int kFragmentHighAt = 34;
inline constexpr HashFragment kFragmentMin = 1;
inline constexpr HashFragment kFragmentMax = std::numeric_limits<HashFragment>::max();
inline HashFragment fragment_of(KeyHash hash) {
  constexpr KeyHash kLow = (KeyHash{1} << kFragmentLowBits) - 1;
  const auto fragment =
      static_cast<HashFragment>((hash >> kFragmentHighAt << kFragmentLowBits) | (hash & kLow));
  return fragment == 0 ? 1 : fragment;
}
// A hash that leads to the same bucket and fingerprint, for what stands in the same shard.
inline KeyHash hash_like(HashFragment fragment) {
  constexpr HashFragment kLow = (HashFragment{1} << kFragmentLowBits) - 1;
  return static_cast<KeyHash>(fragment >> kFragmentLowBits) << kFragmentHighAt | (fragment & kLow);
}

struct Tag {
  OrderedWords<HashFragment> members;
  uint32_t name_hash;
  bool dead = false;
  std::string name;  // kept for statistics when it has been taken away
  // Lower bound of when one of them dies of itself, in milliseconds since the epoch.
  int64_t next_due_ms = std::numeric_limits<int64_t>::max();
  uint64_t hits = 0;    // reads of entries that carry it
  uint64_t misses = 0;  // those that were found to have died
};

// Some of a tag's members: those whose fragments lie in [first, last].
struct TagPart {
  HashFragment first = kFragmentMax;  // none
  HashFragment last = kFragmentMin;
  HashFragment next = 0;  // where to go on; 0 at the end
  size_t size = 0;
};

class Tags {
 public:
  explicit Tags(uint64_t hash_seed) : seed_(hash_seed) {}

  bool empty() const { return tags_ == 0; }
  // Entries that carry a dead tag.
  size_t doomed() const { return doomed_; }

  // Null, or kNone, if no entry carries such a tag that is not dead.
  const Tag* find(std::string_view name) const;
  TagId find_id(std::string_view name) const;
  static constexpr TagId kNone = std::numeric_limits<TagId>::max();
  const Tag& operator[](TagId id) const { return *records_[id]; }
  // Adds the ids of these tags to `ids`. One that is new must soon be that of an entry, or be
  // dropped. Throws std::bad_alloc; `ids` then says which were found or made by then.
  void ids_of(std::span<const std::string_view> names, TagIdList& ids);
  void drop_unused(TagIds ids);

  // The next members from `from` on: `wanted`, or a few more that share a fragment.
  TagPart part(TagId id, HashFragment from, size_t wanted) const;

  // Whether these are the tags' names, each once.
  bool are_called(TagIds ids, std::span<const std::string_view> names) const;
  // Ask for the memory that ids_of() will need, and that add() or remove() will need.
  void prefetch() const;
  void prefetch(TagIds ids, KeyHash hash) const;
  // An entry with these tags comes. Throws std::bad_alloc, and then has changed nothing.
  void add(TagIds ids, KeyHash hash);
  // An entry with these tags, which will die of itself no sooner than that, is there.
  void note_due(TagIds ids, int64_t due_ms);
  // An entry goes; tags that nobody carries any more are gone, too.
  void remove(TagIds ids, KeyHash hash);

  bool any_dead(TagIds ids) const;
  // An entry that carries them was read, or was found to have died.
  void count_hit(TagIds ids);
  void count_miss(TagIds ids);

  // Takes the name away. `doomed`: how many of its entries carried no dead tag before.
  void kill(TagId id, size_t doomed);
  // A dead tag and the fragment of one of its entries; false if there is none.
  struct Doomed {
    TagId id;
    HashFragment fragment;
  };
  bool next_doomed(Doomed& doomed);

  // Calls visit(tag) for those not dead whose name_hash lies in [low, high], the lowest first,
  // until it answers false. No name's hash is 0.
  void each_name(uint32_t low, uint32_t high, FunctionRef<bool(const Tag&)> visit) const;

  // Of all of this, in bytes.
  size_t memory_bytes() const;
  // Whether the numbers of members and of doomed entries agree with a walk over all entries, which
  // calls `count` for each; for tests.
  bool recount(FunctionRef<void(FunctionRef<void(TagIds, KeyHash)>)> each_entry) const;

 private:
  static constexpr int kNameHashAt = 32;  // in a word of names_, above the id
  uint32_t hash_of(std::string_view name) const;
  TagId find_id(std::string_view name, uint32_t hash) const;
  TagId id_of(std::string_view name, uint32_t hash);
  void prefetch_record(uint32_t name_hash) const;
  void drop(TagId id);

  // In one cache line, for SET with tags.
  const uint64_t seed_;
  OrderedWords<uint64_t> names_;               // hash and id
  std::vector<std::unique_ptr<Tag>> records_;  // by id

  std::vector<TagId> free_ids_;
  std::vector<TagId> dead_;
  size_t tags_ = 0;
  size_t doomed_ = 0;
  HashFragment reaped_to_ = kFragmentMin;  // the last of dead_ has no member below
};

}  // namespace larder::storage
