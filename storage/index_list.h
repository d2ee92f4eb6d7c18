// A list of elements of one array, linked by their indexes: in and out at any place in constant
// time, without memory of its own. `Element` has the members `uint32_t next, prev`, which belong to
// the list while the element is in one; an element can be in one list at a time.
//
// Not thread-safe.
#pragma once

#include <cstdint>

namespace larder::storage {

class IndexList {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  bool empty() const { return first_ == kNone; }
  // kNone if the list is empty.
  uint32_t first() const { return first_; }

  template <typename Element>
  void push_back(Element* elements, uint32_t index) {
    Element& added = elements[index];
    if (first_ == kNone) {
      first_ = added.next = added.prev = index;
      return;
    }
    added.next = first_;  // a ring: the last one is the first one's `prev`
    added.prev = elements[first_].prev;
    elements[added.prev].next = index;
    elements[first_].prev = index;
  }

  template <typename Element>
  void remove(Element* elements, uint32_t index) {
    Element& removed = elements[index];
    if (removed.next == index) {
      first_ = kNone;
      return;
    }
    elements[removed.prev].next = removed.next;
    elements[removed.next].prev = removed.prev;
    if (first_ == index) first_ = removed.next;
  }

  // Calls visit(index) for each element; the list must not change meanwhile.
  template <typename Element, typename Visit>
  void each(const Element* elements, Visit visit) const {
    uint32_t index = first_;
    if (index == kNone) return;
    do {
      visit(index);
      index = elements[index].next;
    } while (index != first_);
  }

 private:
  uint32_t first_ = kNone;
};

}  // namespace larder::storage
