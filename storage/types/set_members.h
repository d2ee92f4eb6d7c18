// What commands do to the members of one set, or of two: on top of Keyspace, which is told of every
// change. A set that loses its last member is erased at once.
//
// Everything here runs under the lock that the Keyspace was made for. Arguments must not point into
// the store. kWrongType if a key holds something else than a set; then nothing has changed.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "storage/keyspace.h"
#include "storage/result.h"
#include "storage/types/set.h"

namespace larder::storage {

// The set of `key` for reading, a false one if there is no such key. read_set() counts a hit or a
// miss, find_set() counts nothing.
Result<Set> read_set(Keyspace& db, const Key& key);
Result<Set> find_set(Keyspace& db, const Key& key);

// Adds members, making the set if there is none; answers how many were new.
Result<size_t> add_members(Keyspace& db, const Key& key, std::span<const std::string_view> members,
                           const SetLimits& limits);

// Removes members; answers how many were there.
Result<size_t> remove_members(Keyspace& db, const Key& key,
                              std::span<const std::string_view> members);

// Takes a member out of one set and puts it into another, which is made if there is none; false if
// it was not in the first.
Result<bool> move_member(Keyspace& db, const Key& from, const Key& to, std::string_view member,
                         const SetLimits& limits);

// Takes one member, each having the same chance, out of `set`, that of the live `entry` of `key`,
// and shows it to `visit` first.
void pop_member(Keyspace& db, const Key& key, Entry& entry, uint64_t random_bits,
                FunctionRef<void(const MemberValue&)> visit);

// The same for `count` different ones, or all if there are no more. Takes time for the members
// taken out or, if these are most of them, for all.
void pop_members(Keyspace& db, const Key& key, Entry& entry, size_t count, const SetLimits& limits,
                 FunctionRef<uint64_t()> random_bits, FunctionRef<void(const MemberValue&)> visit);

// Puts a new set, which is taken over, under a key in place of whatever was there, without an
// expiry. An empty one is not stored: the key is erased.
void store_set(Keyspace& db, const Key& key, OwnedSet& set);

}  // namespace larder::storage
