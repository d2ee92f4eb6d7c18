// The first byte of a dump: what kind of value it is and in which form. The numbers are Redis'.
// Only types/dump.cc and the files of types/restore.h use them.
#pragma once

#include <cstdint>

namespace larder::storage {

enum class DumpType : uint8_t {
  kString = 0,
  kList = 1,           // count, strings; until Redis 3.0
  kSet = 2,            // count, strings
  kSortedSetText = 3,  // count, pairs of member and score as text; until Redis 3.2
  kHash = 4,           // count, pairs of field and value
  kSortedSet = 5,      // count, pairs of member and score of 8 bytes
  kHashZipmap = 9,     // until Redis 2.4
  kListZiplist = 10,   // until Redis 3.0
  kSetIntset = 11,
  kSortedSetZiplist = 12,  // until Redis 6.2
  kHashZiplist = 13,       // until Redis 6.2
  kListQuicklist = 14,     // count, ziplists; until Redis 6.2
  kHashListpack = 16,
  kSortedSetListpack = 17,
  kListNodes = 18,          // count, pairs of 1 and a string or 2 and a listpack
  kSetListpack = 20,        // Redis 7.2
  kHashTimed = 24,          // Redis 7.4: earliest expiry of 8 bytes, count, triples of 0 or expiry
                            // less the earliest and plus 1, field, value
  kHashListpackTimed = 25,  // Redis 7.4: earliest expiry of 8 bytes, listpack of triples of field,
                            // value and 0 or expiry
};

}  // namespace larder::storage
