// A set, whichever way it is kept: a sorted run of integers (types/integer_set.h), a listpack, or a
// hash table (types/set_table.h). It grows from one into the next as Redis' sets do, and at the
// same sizes; it never goes back.
//
// A Set is a handle: it owns nothing. Whoever changes one through it stores object() where the
// object came from before anybody else looks. Guarded by the lock of the shard that the set's key
// belongs to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/function_ref.h"
#include "storage/object.h"
#include "storage/table.h"
#include "storage/types/member.h"

namespace larder::storage {

class SetTable;

// Up to where a set is kept in which way: set-max-intset-entries, set-max-listpack-entries,
// set-max-listpack-value.
struct SetLimits {
  size_t integers_max = 512;
  size_t listpack_members_max = 128;
  size_t listpack_member_bytes_max = 64;
};

class Set {
 public:
  // Without an object, or with a false one, it stands for a missing key: an empty set, which
  // nothing may be added to.
  Set() = default;
  explicit Set(Object object) : object_(object) {}

  // An empty one, the caller's. Throws std::bad_alloc, as all that change anything do; then they
  // have changed nothing.
  static Set create(Encoding encoding, uint64_t hash_seed);
  // The same in the encoding that a new set of `members` members gets, the first being `first`.
  static Set create_for(const Member& first, size_t members, const SetLimits& limits,
                        uint64_t hash_seed);

  explicit operator bool() const { return bool{object_}; }
  Object object() const { return object_; }
  Encoding encoding() const { return object_.encoding(); }

  size_t size() const;
  bool contains(const Member& member) const;

  // False if it was there already. `hash_seed`: for a table, if it becomes one.
  bool add(const Member& member, const SetLimits& limits, uint64_t hash_seed);
  // False if it was not there. One without members is the caller's to get rid of.
  bool remove(const Member& member);

  // Makes it a table if `members` will be added and would be too many for what it is.
  void expect(size_t members, const SetLimits& limits, uint64_t hash_seed);
  // Makes a listpack of nothing but integers a run of integers, if they are few enough for one.
  void narrow(const SetLimits& limits);

  // Calls `visit` with each member until it answers false. The set must not change meanwhile.
  void each(FunctionRef<bool(const MemberValue&)> visit) const;
  // Calls it with some members, beginning where an earlier call left off, or at 0; answers where to
  // go on, 0 at the end. See Table::scan for the budget and for what an iteration is sure to visit.
  // A set that is no table is visited at once, whatever the budget.
  TablePosition scan(TablePosition from, ScanBudget budget,
                     FunctionRef<void(const MemberValue&)> visit) const;

  // One of the members, each with the same chance, by 64 random bits. There must be one.
  MemberValue random(uint64_t bits) const;
  // Calls `visit` with `count` different members, or all if there are fewer; every choice has the
  // same chance. The order is not random.
  void sample(size_t count, FunctionRef<uint64_t()> random_bits,
              FunctionRef<void(const MemberValue&)> visit) const;

 private:
  SetTable& table() const;
  bool add_integer(int64_t value, const SetLimits& limits, uint64_t hash_seed);
  bool fits_listpack(const Member& added, const SetLimits& limits) const;
  void become_listpack();
  void become_table(uint64_t hash_seed);
  void replace(Encoding encoding, Packed* packed);

  Object object_;
};

// A set that belongs to nobody yet: destroyed with this, unless it is released.
class OwnedSet {
 public:
  explicit OwnedSet(Set set) : set_(set) {}
  ~OwnedSet() {
    if (set_) set_.object().destroy();
  }
  OwnedSet(const OwnedSet&) = delete;
  OwnedSet& operator=(const OwnedSet&) = delete;

  Set& operator*() { return set_; }
  Set* operator->() { return &set_; }
  Object release() {
    const Object object = set_.object();
    set_ = Set(Object());
    return object;
  }

 private:
  Set set_;
};

}  // namespace larder::storage
