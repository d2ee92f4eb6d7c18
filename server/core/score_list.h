// Members of a sorted set as replies spell them, with their scores or without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/core/reply.h"

namespace larder::core {

enum class Scores : uint8_t {
  kNone,
  kFlat,      // each behind its member
  kPaired,    // an array for each member and its score
  kByVersion  // RESP2: flat, RESP3: paired
};

// An array of so many members: its head is written at once, then add() is called for each.
class ScoreList {
 public:
  ScoreList(Reply& reply, size_t members, Scores scores)
      : reply_(reply),
        scores_(scores != Scores::kByVersion         ? scores
                : reply.version() == RespVersion::k3 ? Scores::kPaired
                                                     : Scores::kFlat) {
    reply_.array(scores_ == Scores::kFlat ? members * 2 : members);
  }

  void add(std::string_view member, double score) {
    if (scores_ == Scores::kPaired) reply_.array(2);
    reply_.bulk(member);
    if (scores_ != Scores::kNone) reply_.real(score);
  }

 private:
  Reply& reply_;
  const Scores scores_;
};

}  // namespace larder::core
