// The nodes of a ScoreTree: runs of items that grow in steps. For storage/score_tree*.cc alone.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstring>
#include <type_traits>

#include "storage/entry_arena.h"
#include "storage/score_tree.h"

namespace larder::storage {

// How many of the items are in front; `before` is true for these and false for all others.
template <typename T, typename Before>
size_t partition_items(const T* items, size_t count, const Before& before) {
  const T* base = items;
  while (count > 0) {
    const size_t half = count / 2;
    const bool is_before = before(base[half]);
    base += is_before ? half + 1 : 0;
    count = is_before ? count - half - 1 : half;
  }
  return static_cast<size_t>(base - items);
}

template <typename T>
struct ScoreTree::Node {
  uint16_t size;
  uint16_t capacity;

  static constexpr size_t kHeadBytes = 8;
  static constexpr size_t kBlockBytesMax = 1024;
  static constexpr size_t kMax = (kBlockBytesMax - kHeadBytes) / sizeof(T);
  static constexpr size_t kMergedMax = kMax * 3 / 4;  // nodes are merged up to here

  T* items() { return reinterpret_cast<T*>(reinterpret_cast<char*>(this) + kHeadBytes); }
  const T* items() const { return const_cast<Node*>(this)->items(); }
  T& back() { return items()[size - 1]; }

  // How large a node is made for so many items: it has room for some more.
  static size_t capacity_for(size_t items) {
    return std::min(kMax, items + std::max<size_t>(64 / sizeof(T), items / 8));
  }
  static size_t bytes_for(size_t capacity) {
    return EntryArena::block_bytes(kHeadBytes + capacity * sizeof(T));
  }
  void insert(size_t at, const T& item) {
    assert(size < capacity && at <= size);
    std::memmove(items() + at + 1, items() + at, (size - at) * sizeof(T));
    items()[at] = item;
    size++;
  }
  void erase(size_t at, size_t count) {
    assert(at + count <= size);
    std::memmove(items() + at, items() + at + count, (size - at - count) * sizeof(T));
    size = static_cast<uint16_t>(size - count);
  }
  const Item& first() const {
    if constexpr (std::is_same_v<T, Item>) {
      return items()[0];
    } else {
      return items()[0].first;
    }
  }
  uint64_t count_all() const {
    if constexpr (std::is_same_v<T, Item>) {
      return size;
    } else {
      uint64_t sum = 0;
      for (size_t i = 0; i < size; i++) sum += items()[i].size;
      return sum;
    }
  }
};

}  // namespace larder::storage
