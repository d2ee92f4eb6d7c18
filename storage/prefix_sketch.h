// Which of any number of prefixes are busy, in bounded memory: the Space-Saving algorithm
// (Metwally, Agrawal, El Abbadi: "Efficient computation of frequent and top-k elements in data
// streams", 2005). A count is too high by at most what it inherited from the name whose place it
// took.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/key_prefix.h"

namespace larder::storage {

class PrefixSketch {
 public:
  // What is more than one access in so many has a name here.
  static constexpr size_t kNamesMax = 256;

  struct Name {
    size_t database = 0;
    uint64_t hash = 0;  // these two as in KeyPrefix
    uint64_t head = 0;
    std::string text;
    uint64_t count = 0;
    uint64_t inherited = 0;  // of that

    uint64_t own_count() const { return count - inherited; }
    KeyPrefix prefix() const { return {text, hash, head, true}; }
  };

  // Counts an access. Throws std::bad_alloc, and then has counted nothing.
  void add(size_t database, const KeyPrefix& prefix);
  // The one with the highest count of its own, without what it inherited: names that come once must
  // not seem busy. Null if there is none. Good until the next change.
  const Name* busiest() const;
  void remove(const Name& name);
  // Halves all counts, so that the past fades.
  void decay();
  void clear() { names_.clear(); }

 private:
  std::vector<Name> names_;
};

}  // namespace larder::storage
