#include "storage/score_tree.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

#include "storage/entry_arena.h"
#include "storage/score_tree_node.h"

namespace larder::storage {

template <typename T>
ScoreTree::Node<T>* ScoreTree::create(size_t capacity) {
  static_assert(Leaf::kMax == kRunMax);
  assert(capacity <= Node<T>::kMax);
  auto* node =
      static_cast<Node<T>*>(EntryArena::allocate(Node<T>::kHeadBytes + capacity * sizeof(T)));
  node->size = 0;
  node->capacity = static_cast<uint16_t>(capacity);
  bytes_ += Node<T>::bytes_for(capacity);
  return node;
}

template <typename T>
void ScoreTree::destroy(Node<T>* node) {
  bytes_ -= Node<T>::bytes_for(node->capacity);
  EntryArena::free(node, Node<T>::kHeadBytes + node->capacity * sizeof(T));
}

// The same node in a block of another size. Throws std::bad_alloc, and then has changed nothing.
template <typename T>
ScoreTree::Node<T>* ScoreTree::with_capacity(Node<T>* node, size_t capacity) {
  if (capacity == node->capacity) return node;
  Node<T>* moved = create<T>(capacity);
  moved->size = node->size;
  std::memcpy(moved->items(), node->items(), node->size * sizeof(T));
  destroy(node);
  return moved;
}

// Gives back what a node does not need, if that is worth the copy.
template <typename T>
void ScoreTree::shrink(void*& holder) {
  auto* node = static_cast<Node<T>*>(holder);
  const size_t wanted = Node<T>::capacity_for(node->size);
  if (node->capacity < wanted + 2 * (wanted - node->size)) return;
  try {
    holder = with_capacity(node, wanted);
  } catch (const std::bad_alloc&) {  // then it stays large
  }
}

ScoreTree::~ScoreTree() {
  while (destroy_some(~size_t{0})) {
  }
}

// The pointer to the node of this level of the path.
void*& ScoreTree::holder(Path& path, uint32_t level) {
  if (level == 0) return root_;
  const Step& above = path.steps[level - 1];
  return above.node->items()[above.at].node;
}

// Whether a node with so many levels of inner nodes below it has no room.
bool ScoreTree::full(const void* node, uint32_t height) const {
  return height > 0 ? static_cast<const Inner*>(node)->size == Inner::kMax
                    : static_cast<const Leaf*>(node)->size == Leaf::kMax;
}

// --- Growing.

// Full nodes are divided on the way down, so that the node above has room for the new one and a
// failed allocation leaves a whole tree.
void ScoreTree::insert(Item item) {
  const auto before = [&](const Item& other) { return other < item; };
  if (root_ == nullptr) root_ = create<Item>(Leaf::capacity_for(1));
  if (full(root_, height_)) raise();
  Path path;
  for (uint32_t level = 0; level < height_; level++) {
    auto* node = static_cast<Inner*>(holder(path, level));
    const auto child_before = [&](const Child& child) { return before(child.first); };
    const size_t children = partition_items(node->items(), node->size, child_before);
    size_t at = children > 0 ? children - 1 : 0;
    if (full(node->items()[at].node, height_ - level - 1)) {
      if (node->size == node->capacity) {
        node = with_capacity(node, Inner::capacity_for(node->size));
        holder(path, level) = node;
      }
      path.steps[level] = {node, at};
      split(path, level, item);
      if (before(node->items()[at + 1].first)) at++;
    }
    path.steps[level] = {node, at};
  }
  auto* leaf = static_cast<Leaf*>(holder(path, height_));
  if (leaf->size == leaf->capacity) {
    leaf = with_capacity(leaf, Leaf::capacity_for(leaf->size));
    holder(path, height_) = leaf;
  }
  const size_t at = partition_items(leaf->items(), leaf->size, before);
  leaf->insert(at, item);
  size_++;
  bool lowest = at == 0;
  for (uint32_t level = height_; level-- > 0;) {
    Child& child = path.steps[level].node->items()[path.steps[level].at];
    child.size++;
    if (lowest) child.first = item;
    lowest = lowest && path.steps[level].at == 0;
  }
}

// A level more: the root becomes the only child of a new one.
void ScoreTree::raise() {
  assert(height_ < kHeightMax);
  Inner* above = create<Child>(Inner::capacity_for(1));
  const Item first =
      height_ > 0 ? static_cast<Inner*>(root_)->first() : static_cast<Leaf*>(root_)->first();
  above->insert(0, {first, root_, size_});
  root_ = above;
  height_++;
}

// Divides the child that the path's step of this level leads to. Where items come in order, at
// either end of the tree, nearly all stays in one half, which so remains full.
void ScoreTree::split(const Path& path, uint32_t level, Item coming) {
  bool at_front = true;
  bool at_back = true;
  for (uint32_t i = 0; i <= level; i++) {
    at_front &= path.steps[i].at == 0;
    at_back &= path.steps[i].at + 1 == path.steps[i].node->size;
  }
  Inner& parent = *path.steps[level].node;
  const size_t at = path.steps[level].at;
  const bool leaf = level + 1 == height_;
  size_t kept = (leaf ? Leaf::kMax : Inner::kMax) / 2;
  if (at_front && coming < parent.items()[at].first) {
    kept = 1;
  } else if (at_back) {
    void* last = parent.items()[at].node;
    for (uint32_t i = level + 1; i < height_; i++) last = static_cast<Inner*>(last)->back().node;
    if (static_cast<Leaf*>(last)->back() < coming) kept = kept * 2;
  }
  if (leaf) {
    split_node<Item>(parent, at, kept);
  } else {
    split_node<Child>(parent, at, kept);
  }
}

// Leaves the first `kept` items where they are and puts the others into a node behind.
template <typename T>
void ScoreTree::split_node(Inner& parent, size_t at, size_t kept) {
  Child& child = parent.items()[at];
  auto* left = static_cast<Node<T>*>(child.node);
  const size_t moved = left->size - kept;
  Node<T>* right = create<T>(Node<T>::capacity_for(moved));
  std::memcpy(right->items(), left->items() + kept, moved * sizeof(T));
  right->size = static_cast<uint16_t>(moved);
  left->size = static_cast<uint16_t>(kept);
  const uint64_t right_size = right->count_all();
  child.size -= right_size;
  shrink<T>(child.node);
  parent.insert(at + 1, {right->first(), right, right_size});
}

void ScoreTree::rescore(Item item, double score) {
  Path path = path_to(item);
  Item* items = path.leaf->items();
  const Item rescored{score, item.entry};
  // Mostly it stays between its neighbours. Across the leaf's end nothing is known of them but
  // that they were on the right side of the old score.
  const bool above = path.at > 0 ? items[path.at - 1] < rescored : score >= item.score;
  const bool below =
      path.at + 1 < path.leaf->size ? rescored < items[path.at + 1] : score <= item.score;
  if (!above || !below) {
    insert(rescored);  // first, since this may fail
    return erase(item);
  }
  items[path.at].score = score;
  bool lowest = path.at == 0;
  for (uint32_t level = height_; lowest && level-- > 0;) {
    path.steps[level].node->items()[path.steps[level].at].first = rescored;
    lowest = path.steps[level].at == 0;
  }
}

// --- Shrinking.

void ScoreTree::erase(Item item) {
  Path path = path_to(item);
  take_out(path, 1);
}

size_t ScoreTree::erase_run(size_t first, size_t count, Item (&taken)[kRunMax]) {
  Path path = path_to(first);
  count = std::min(count, path.leaf->size - path.at);
  std::copy_n(path.leaf->items() + path.at, count, taken);
  take_out(path, count);
  return count;
}

void ScoreTree::take_out(Path& path, size_t items) {
  path.leaf->erase(path.at, items);
  size_ -= items;
  for (uint32_t level = 0; level < height_; level++) {
    path.steps[level].node->items()[path.steps[level].at].size -= items;
  }
  tidy<Item>(path, height_);
  for (uint32_t level = height_; level-- > 0;) tidy<Child>(path, level);
  lower_root();
}

// After something was taken out of the path's node of this level, or of one below it: sets right
// what the node above knows of it, and merges what has become small. An empty one goes.
template <typename T>
void ScoreTree::tidy(Path& path, uint32_t level) {
  auto* node = static_cast<Node<T>*>(holder(path, level));
  if (level == 0) {
    if (node->size > 0) return shrink<T>(root_);
    destroy(node);
    root_ = nullptr;
    return;
  }
  Inner& parent = *path.steps[level - 1].node;
  const size_t at = path.steps[level - 1].at;
  if (node->size == 0) {
    destroy(node);
    return parent.erase(at, 1);
  }
  parent.items()[at].first = node->first();
  if (at > 0 && merge<T>(parent, at - 1)) return;
  if (at + 1 < parent.size && merge<T>(parent, at)) return;
  shrink<T>(parent.items()[at].node);
}

// Puts a child and the one behind it into one node, if they are small enough for it.
template <typename T>
bool ScoreTree::merge(Inner& parent, size_t left_at) {
  Child& left_child = parent.items()[left_at];
  auto* left = static_cast<Node<T>*>(left_child.node);
  auto* right = static_cast<Node<T>*>(parent.items()[left_at + 1].node);
  const size_t size = size_t{left->size} + right->size;
  if (size > Node<T>::kMergedMax) return false;
  if (left->capacity < size) {
    try {
      left = with_capacity(left, Node<T>::capacity_for(size));
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  std::memcpy(left->items() + left->size, right->items(), right->size * sizeof(T));
  left->size = static_cast<uint16_t>(size);
  left_child.node = left;
  left_child.size += parent.items()[left_at + 1].size;
  destroy(right);
  parent.erase(left_at + 1, 1);
  return true;
}

void ScoreTree::lower_root() {
  if (root_ == nullptr) {
    height_ = 0;
    return;
  }
  while (height_ > 0 && static_cast<Inner*>(root_)->size == 1) {
    auto* root = static_cast<Inner*>(root_);
    root_ = root->items()[0].node;
    destroy(root);
    height_--;
  }
}

// Always the last leaf, and the inner nodes that it leaves empty.
bool ScoreTree::destroy_some(size_t leaves_max) {
  for (; root_ != nullptr && leaves_max > 0; leaves_max--) {
    Path path;
    void* node = root_;
    for (uint32_t level = 0; level < height_; level++) {
      path.steps[level].node = static_cast<Inner*>(node);
      node = path.steps[level].node->back().node;
    }
    destroy(static_cast<Leaf*>(node));
    uint32_t level = height_;
    while (level > 0 && --path.steps[level - 1].node->size == 0) {
      destroy(path.steps[--level].node);
    }
    if (level == 0) root_ = nullptr;
  }
  if (root_ != nullptr) return true;
  size_ = height_ = 0;
  return false;
}

}  // namespace larder::storage
