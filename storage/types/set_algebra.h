// Intersections, unions and differences of sets, all of which are under one lock and stay as they
// are meanwhile. A false Set stands for a missing key: an empty one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/types/set.h"

namespace larder::storage {

// Calls `visit` with each member that is in every one of the sets, until it answers false. There is
// at least one. Looks at the members of the smallest set alone.
void intersect(std::span<const Set> sets, FunctionRef<bool(const MemberValue&)> visit);

// Calls `visit` with each member of the first set that is in none of the others. Takes time for the
// first set times the number of sets, or for the members of all sets, whichever is less; in the
// latter case it works on a copy of the first.
void subtract(std::span<const Set> sets, FunctionRef<bool(const MemberValue&)> visit);

// What a command makes of them, as a new set of the caller's: in the encoding that Redis gives it.
// False for an empty intersection.
Set intersection(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed);
Set difference(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed);
Set united(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed);

}  // namespace larder::storage
