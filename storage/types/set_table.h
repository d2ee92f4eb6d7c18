// A large set: a hash table whose entries are members alone, without values. See storage/table.h
// for how it grows, and types/member.h for what an entry's key is.
//
// Guarded by the lock of the shard that its key belongs to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/container.h"
#include "storage/function_ref.h"
#include "storage/table.h"
#include "storage/types/member.h"

namespace larder::storage {

class SetTable final : public Container {
 public:
  explicit SetTable(uint64_t hash_seed) : seed_(hash_seed), table_(hash_seed) {}

  // All that change anything throw std::bad_alloc, and then have changed nothing.
  bool contains(const Member& member) const { return bool{table_.find(member.key(seed_))}; }
  // False if it was there already.
  bool insert(const Member& member);
  // False if it was not there.
  bool erase(const Member& member);

  // Calls `visit` with each member until it answers false. The table must not change meanwhile.
  void each(FunctionRef<bool(const MemberValue&)> visit) const;
  // See Table::scan.
  TablePosition scan(TablePosition from, ScanBudget& budget,
                     FunctionRef<void(const MemberValue&)> visit) const;

  // One of the members, each with the same chance, by 64 random bits. There must be one.
  MemberValue random(uint64_t bits) const;
  // Calls `visit` with `count` different members, every choice of so many having the same chance.
  // There must be more than `count`; for much fewer than all, or it draws in vain too often.
  void draw(size_t count, FunctionRef<uint64_t()> random_bits,
            FunctionRef<void(const MemberValue&)> visit) const;

  uint64_t hash_seed() const { return seed_; }

  // Container.
  Container* copy() const override;
  size_t size() const override { return table_.size(); }
  size_t memory_bytes() const override;
  size_t recount_arena_bytes() const override;
  bool free_some(size_t elements) override;

  // Counts everything again and compares, for tests.
  bool recount() const;

 private:
  void add_entry(const Key& key);
  size_t count_member_bytes() const;

  const uint64_t seed_;
  Table table_;
  size_t member_bytes_ = 0;  // blocks of the entries
};

}  // namespace larder::storage
