// The members of a large sorted set in order: by score, then by the member's bytes. A B+ tree
// (Bayer and McCreight, "Organization and maintenance of large ordered indices", 1972; Comer, "The
// ubiquitous B-tree", 1979) whose inner nodes also count what is below them, so that a member's
// rank, and the member of a rank, are found in one descent.
//
// Nodes are blocks of the entry arena of at most 1 KiB that grow in steps as they fill: a tree that
// was filled at random wastes a tenth, one that was filled in order nearly nothing. Leaves are not
// linked to each other; a walk keeps the path to where it is.
//
// The tree owns its nodes, not the entries that its items refer to: these must outlive their items
// and keep their addresses. Not thread-safe: guarded by the lock of the shard of the set's key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/entry.h"
#include "storage/function_ref.h"

namespace larder::storage {

class ScoreTree {
 public:
  // A score, which is not NaN, and the entry whose key is the member.
  struct Item {
    double score = 0;
    Entry* entry = nullptr;
    std::string_view member() const { return entry->key(); }
    // The order of the tree.
    bool operator<(const Item& other) const {
      return score < other.score || (score == other.score && member() < other.member());
    }
  };
  using Visit = FunctionRef<void(const Item&)>;

  ScoreTree() = default;
  ~ScoreTree();
  ScoreTree(const ScoreTree&) = delete;
  ScoreTree& operator=(const ScoreTree&) = delete;

  size_t size() const { return size_; }
  // What the nodes take in the entry arena.
  size_t memory_bytes() const { return bytes_; }

  // Adds an item that is not there. Throws std::bad_alloc, and then has added nothing.
  void insert(Item item);
  // Takes out an item that is there.
  void erase(Item item);
  // Gives an item that is there another score. Throws std::bad_alloc, and then has changed nothing.
  void rescore(Item item, double score);
  // Takes out items from rank `first` on, which is there: up to `count` of those in one leaf.
  // Answers how many; they are in `taken`.
  static constexpr size_t kRunMax = 63;
  size_t erase_run(size_t first, size_t count, Item (&taken)[kRunMax]);

  // Ranks: how many items stand in front. Of an item that is there; of the first with such a score,
  // or a higher one; of the first with a higher one. The last two look at members alone and want
  // all scores to be equal.
  size_t rank_of(Item item) const;
  size_t rank_of_score(double score) const;
  size_t rank_above_score(double score) const;
  size_t rank_of_member(std::string_view member) const;
  size_t rank_above_member(std::string_view member) const;

  // Calls `visit`, which must not change the tree, for `count` items: from rank `first` upwards, or
  // down to it from the end of the range.
  void each(size_t first, size_t count, Visit visit) const;
  void each_backward(size_t first, size_t count, Visit visit) const;

  // Frees up to `leaves_max` leaves, for freeing the tree in slices. True if something is left;
  // until nothing is, only this, memory_bytes() and the destructor may be called.
  bool destroy_some(size_t leaves_max);

  // Counts everything again and compares, for tests: false if order, a count or a bound is wrong.
  bool recount() const;

 private:
  // A subtree, in the node above it.
  struct Child {
    Item first;     // its lowest item
    void* node;     // a Leaf, or an Inner
    uint64_t size;  // items in it
  };
  template <typename T>
  struct Node;
  using Leaf = Node<Item>;
  using Inner = Node<Child>;

  // Two nodes side by side have at least 48 items or 24 children together, so 2^32 items have a
  // tree of less than ten levels.
  static constexpr uint32_t kHeightMax = 16;
  struct Step {
    Inner* node;
    size_t at;
  };
  // From the root down to a place in a leaf.
  struct Path {
    Step steps[kHeightMax];
    Leaf* leaf;
    size_t at;
  };
  class Recounter;

  template <typename T>
  Node<T>* create(size_t size_wanted);
  template <typename T>
  void destroy(Node<T>* node);
  template <typename T>
  Node<T>* with_capacity(Node<T>* node, size_t capacity);
  template <typename T>
  void shrink(void*& holder);

  void*& holder(Path& path, uint32_t level);
  bool full(const void* node, uint32_t height) const;
  template <typename Before>
  Path descend(const Before& before) const;
  template <typename Before>
  size_t count_before(const Before& before) const;
  Path path_to(Item item) const;
  Path path_to(size_t rank) const;
  bool enter_next_leaf(Path& path) const;
  bool enter_previous_leaf(Path& path) const;

  void raise();
  void split(const Path& path, uint32_t level, Item coming);
  template <typename T>
  void split_node(Inner& parent, size_t at, size_t kept);
  void take_out(Path& path, size_t items);
  template <typename T>
  void tidy(Path& path, uint32_t level);
  template <typename T>
  bool merge(Inner& parent, size_t left);
  void lower_root();

  void* root_ = nullptr;  // null without items
  uint32_t height_ = 0;   // levels of inner nodes
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace larder::storage
