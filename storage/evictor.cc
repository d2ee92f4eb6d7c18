#include "storage/evictor.h"

#include <limits>

#include "storage/expiry.h"
#include "storage/held_bytes.h"

namespace larder::storage {
namespace {

// Tables looked at in one call without meeting a key that may go.
constexpr size_t kStepsMax = 2048;

// Keys of one table looked at in a row where few may go.
constexpr size_t kKeysPerStep = 64;

// Of a key whose time is over: nothing is a better choice.
constexpr double kDeadScore = -std::numeric_limits<double>::infinity();

// A candidate's place: its entry with the number of its database above the address' 48 bits.
constexpr int kAddressBits = 48;

uint64_t place_of(const Entry* entry, size_t database) {
  return reinterpret_cast<uintptr_t>(entry) | static_cast<uint64_t>(database) << kAddressBits;
}
const Entry* entry_at(uint64_t place) {
  return reinterpret_cast<const Entry*>(place & ((uint64_t{1} << kAddressBits) - 1));
}

}  // namespace

double Evictor::score(Shard& shard, size_t database, Slot slot, int64_t now_ms) const {
  const Entry& entry = *slot.entry();
  if (shard.table(database).dead(entry, now_ms)) return kDeadScore;
  return store_.eviction().score(shard.eviction, slot.bits(), held_bytes(entry),
                                 entry.expire_at_ms(), now_ms);
}

void Evictor::consider(Shard& shard, Slot slot, int64_t now_ms) {
  const Entry& entry = *slot.entry();
  if (only_volatile(pool_kind_) && !entry.has_expiry()) return;
  store_.eviction().count_sample(slot.bits());
  pool_.offer({.hash = store_.key(entry.key()).hash,
               .where = place_of(&entry, database_),
               .score = score(shard, database_, slot, now_ms)});
  found_candidate_ = true;
}

// Looks at some keys of the table under the hand, or moves the hand to the next table. True if it
// has been everywhere since it last met a candidate.
bool Evictor::step(size_t& wanted, int64_t now_ms) {
  Shard& shard = store_.shard(shard_);
  const LockedKeys locked = store_.lock_shard(shard_);
  const Table& table = store_.table(locked, shard_, database_);
  const size_t keys = only_volatile(pool_kind_) ? table.volatile_size() : table.size();
  found_candidate_ = false;
  if (keys == 0) {
    position_ = 0;
  } else {
    const size_t part = std::min(wanted, kKeysPerStep);
    size_t left = part;
    position_ = table.sample(position_, left, [&](Slot slot) { consider(shard, slot, now_ms); });
    if (found_candidate_) wanted -= part - left;
  }
  const size_t databases = shard.others_used ? store_.databases() : 1;
  if (position_ == 0 && ++database_ >= databases) {
    database_ = 0;
    shard_ = (shard_ + 1) % Store::kShards;
    if (!found_candidate_) steps_without_candidate_++;
  }
  if (found_candidate_) steps_without_candidate_ = 0;
  return steps_without_candidate_ > Store::kShards;
}

// True if there is nothing to be found.
bool Evictor::sample(size_t samples, int64_t now_ms) {
  for (size_t steps = 0; samples > 0 && steps < kStepsMax; steps++) {
    if (step(samples, now_ms)) {
      steps_without_candidate_ = 0;
      return true;
    }
  }
  return false;
}

Evictor::Result Evictor::evict(uint32_t samples, int64_t now_ms) {
  if (const EvictionKind kind = store_.eviction().kind(); kind != pool_kind_) {
    pool_.clear();
    pool_kind_ = kind;
  }
  if (!evicts(pool_kind_)) return {Outcome::kNothing};
  const bool nothing = sample(samples, now_ms);
  while (!pool_.empty()) {
    if (const size_t bytes = try_evict(pool_.take_lowest(), now_ms); bytes > 0) {
      return {Outcome::kEvicted, bytes};
    }
  }
  return {nothing ? Outcome::kNothing : Outcome::kNotYet};
}

// Evicts the candidate if it is there and still the best; answers the bytes that are free now.
size_t Evictor::try_evict(Candidate candidate, int64_t now_ms) {
  const size_t index = Store::shard_of(candidate.hash);
  const size_t database = candidate.where >> kAddressBits;
  Shard& shard = store_.shard(index);
  Entry* entry = nullptr;
  {
    const LockedKeys locked = store_.lock_shard(index);
    Table& table = store_.table(locked, index, database);
    const Slot slot = table.find(candidate.hash, entry_at(candidate.where));
    if (!slot) return 0;
    if (only_volatile(pool_kind_) && !slot.entry()->has_expiry()) return 0;
    candidate.score = score(shard, database, slot, now_ms);
    if (candidate.score > pool_.next_score()) {
      pool_.offer(candidate);
      return 0;
    }
    EvictionPolicy& policy = store_.eviction();
    const bool doomed = table.doomed(*slot.entry());
    const bool expired = slot.entry()->dead(now_ms);
    const KeyChange end = expired ? death_of(*slot.entry(), now_ms) : KeyChange::kEvicted;
    store_.count_gone(database, *slot.entry(), candidate.hash,
                      doomed    ? PrefixCount::kInvalidated
                      : expired ? PrefixCount::kExpired
                                : PrefixCount::kEvicted);
    if (!doomed && expired) shard.expired.add();
    if (!doomed && !expired) {
      policy.on_evict(shard.eviction, candidate.hash, slot.bits());
      shard.evicted.add();
    }
    policy.on_remove(shard.eviction);
    entry = table.erase(slot, candidate.hash);
    if (Observer* observer = doomed ? nullptr : store_.observer()) {
      observer->changed(database, {entry->key(), candidate.hash}, end);
    }
  }
  const size_t bytes = held_bytes(*entry);
  Entry::destroy(entry);
  return bytes;
}

}  // namespace larder::storage
