// A small sorted set: a listpack of member, score, member, score ... in the order of the scores
// and, where these are equal, of the members' bytes, as Redis 7 keeps it. A score that is an
// integer is kept as one, others as the text that write_double() makes.
//
// Everything here takes time for the length of the list. Functions that change it take it by
// reference to its pointer, since it may move; they throw std::bad_alloc, and then have changed
// nothing.
#pragma once

#include <cstddef>
#include <string_view>

#include "storage/function_ref.h"
#include "storage/types/listpack.h"
#include "storage/types/sorted_range.h"

namespace larder::storage::sorted_listpack {

using listpack::Position;

size_t size(const Packed* list);

// Where a member is; kNone if it is not there.
Position find(const Packed* list, std::string_view member);
// Of the member there: its score, and how many are in front.
double score_at(const Packed* list, Position member);
size_t rank_at(const Packed* list, Position member);

// The member is not there yet.
void insert(Packed*& list, std::string_view member, double score);
// The same for one that belongs behind all others.
void append(Packed*& list, std::string_view member, double score);
// Of the member there.
void rescore(Packed*& list, Position member, double score);
void erase(Packed*& list, RankRange range);
void erase_at(Packed*& list, Position member);

// Which ranks lie in a range. By member it makes sense only where all scores are equal; where they
// are not, it is what Redis finds in that direction.
RankRange find(const Packed* list, const ScoreRange& range);
RankRange find(const Packed* list, const LexRange& range, Direction direction);

// Members are good for the call only.
using Visit = FunctionRef<void(std::string_view member, double score)>;
void each(const Packed* list, RankRange range, Direction direction, Visit visit);

// How much longer a list becomes by a member and its score, at most: to be kept below
// listpack::kBytesMax.
size_t bytes_max(std::string_view member);

}  // namespace larder::storage::sorted_listpack
