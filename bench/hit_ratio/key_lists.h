// Ordered lists of keys that share one set of links: a key is in one list at a time or in none.
// Baselines keep their queues in these.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace larder::bench {

class KeyLists {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  static constexpr uint8_t kNoList = std::numeric_limits<uint8_t>::max();

  // Lists 0 to `lists` - 1; keys below `keys`.
  KeyLists(uint32_t keys, uint8_t lists) : links_(keys), lists_(lists) {}

  // Which list the key is in, or kNoList.
  uint8_t list_of(uint32_t key) const { return links_[key].list; }
  uint32_t front(uint8_t list) const { return lists_[list].front; }
  uint32_t back(uint8_t list) const { return lists_[list].back; }
  uint64_t count(uint8_t list) const { return lists_[list].count; }
  // Sum of the sizes of the list's keys.
  uint64_t bytes(uint8_t list) const { return lists_[list].bytes; }
  uint32_t size_of(uint32_t key) const { return links_[key].size; }

  // The key is in no list.
  void push_front(uint8_t list, uint32_t key, uint32_t size) {
    Ends& ends = lists_[list];
    links_[key] = {kNone, ends.front, size, list};
    if (ends.front != kNone) links_[ends.front].before = key;
    if (ends.back == kNone) ends.back = key;
    ends.front = key;
    ends.count++;
    ends.bytes += size;
  }

  // Takes the key out of the list that it is in.
  void remove(uint32_t key) {
    Link& link = links_[key];
    Ends& ends = lists_[link.list];
    (link.before == kNone ? ends.front : links_[link.before].behind) = link.behind;
    (link.behind == kNone ? ends.back : links_[link.behind].before) = link.before;
    ends.count--;
    ends.bytes -= link.size;
    link.list = kNoList;
  }

  // To the front of that list, from wherever it is.
  void move_front(uint8_t list, uint32_t key) {
    remove(key);
    push_front(list, key, links_[key].size);
  }

 private:
  struct Link {
    uint32_t before = kNone;
    uint32_t behind = kNone;
    uint32_t size = 0;
    uint8_t list = kNoList;
  };
  struct Ends {
    uint32_t front = kNone;
    uint32_t back = kNone;
    uint64_t count = 0;
    uint64_t bytes = 0;
  };

  std::vector<Link> links_;
  std::vector<Ends> lists_;
};

}  // namespace larder::bench
