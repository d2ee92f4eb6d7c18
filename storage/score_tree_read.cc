// Of ScoreTree, what only looks at it.
#include <algorithm>
#include <cassert>

#include "storage/prefetch.h"
#include "storage/score_tree.h"
#include "storage/score_tree_node.h"

namespace larder::storage {
namespace {

// Asks for entries some items ahead of those that are being visited.
constexpr size_t kPrefetchAhead = 8;

}  // namespace

// To the first item that is not `before`; if it begins a leaf, to the end of the leaf in front.
template <typename Before>
ScoreTree::Path ScoreTree::descend(const Before& before) const {
  Path path;
  void* node = root_;
  for (uint32_t level = 0; level < height_; level++) {
    auto* inner = static_cast<Inner*>(node);
    const size_t children = partition_items(
        inner->items(), inner->size, [&](const Child& child) { return before(child.first); });
    const size_t at = children > 0 ? children - 1 : 0;
    path.steps[level] = {inner, at};
    node = inner->items()[at].node;
  }
  path.leaf = static_cast<Leaf*>(node);
  path.at = partition_items(path.leaf->items(), path.leaf->size, before);
  return path;
}

template <typename Before>
size_t ScoreTree::count_before(const Before& before) const {
  if (size_ == 0) return 0;
  const Path path = descend(before);
  size_t count = path.at;
  for (uint32_t level = 0; level < height_; level++) {
    const Step& step = path.steps[level];
    for (size_t i = 0; i < step.at; i++) count += step.node->items()[i].size;
  }
  return count;
}

ScoreTree::Path ScoreTree::path_to(Item item) const {
  // Behind it, then one back: so the path leads to the leaf that it is in.
  Path path = descend([&](const Item& other) { return !(item < other); });
  assert(path.at > 0 && path.leaf->items()[path.at - 1].entry == item.entry);
  path.at--;
  return path;
}

ScoreTree::Path ScoreTree::path_to(size_t rank) const {
  assert(rank < size_);
  Path path;
  void* node = root_;
  for (uint32_t level = 0; level < height_; level++) {
    auto* inner = static_cast<Inner*>(node);
    size_t at = 0;
    while (rank >= inner->items()[at].size) rank -= inner->items()[at++].size;
    path.steps[level] = {inner, at};
    node = inner->items()[at].node;
  }
  path.leaf = static_cast<Leaf*>(node);
  path.at = rank;
  return path;
}

size_t ScoreTree::rank_of(Item item) const {
  return count_before([&](const Item& other) { return other < item; });
}

size_t ScoreTree::rank_of_score(double score) const {
  return count_before([=](const Item& item) { return item.score < score; });
}

size_t ScoreTree::rank_above_score(double score) const {
  return count_before([=](const Item& item) { return item.score <= score; });
}

size_t ScoreTree::rank_of_member(std::string_view member) const {
  return count_before([=](const Item& item) { return item.member() < member; });
}

size_t ScoreTree::rank_above_member(std::string_view member) const {
  return count_before([=](const Item& item) { return item.member() <= member; });
}

// To the beginning of the leaf behind; false if there is none.
bool ScoreTree::enter_next_leaf(Path& path) const {
  uint32_t level = height_;
  do {
    if (level == 0) return false;
    level--;
  } while (path.steps[level].at + 1 == path.steps[level].node->size);
  path.steps[level].at++;
  void* node = path.steps[level].node->items()[path.steps[level].at].node;
  while (++level < height_) {
    path.steps[level] = {static_cast<Inner*>(node), 0};
    node = path.steps[level].node->items()[0].node;
  }
  path.leaf = static_cast<Leaf*>(node);
  path.at = 0;
  return true;
}

// To the last item of the leaf in front; false if there is none.
bool ScoreTree::enter_previous_leaf(Path& path) const {
  uint32_t level = height_;
  do {
    if (level == 0) return false;
    level--;
  } while (path.steps[level].at == 0);
  path.steps[level].at--;
  void* node = path.steps[level].node->items()[path.steps[level].at].node;
  while (++level < height_) {
    auto* inner = static_cast<Inner*>(node);
    path.steps[level] = {inner, inner->size - size_t{1}};
    node = inner->back().node;
  }
  path.leaf = static_cast<Leaf*>(node);
  path.at = path.leaf->size - size_t{1};
  return true;
}

void ScoreTree::each(size_t first, size_t count, Visit visit) const {
  if (count == 0) return;
  Path path = path_to(first);
  while (true) {
    const Item* items = path.leaf->items();
    const size_t end = std::min<size_t>(path.leaf->size, path.at + count);
    count -= end - path.at;
    for (size_t i = path.at; i < std::min(end, path.at + kPrefetchAhead); i++) {
      storage::prefetch(items[i].entry);
    }
    for (size_t i = path.at; i < end; i++) {
      if (i + kPrefetchAhead < end) storage::prefetch(items[i + kPrefetchAhead].entry);
      visit(items[i]);
    }
    if (count == 0) return;
    [[maybe_unused]] const bool more = enter_next_leaf(path);
    assert(more);
  }
}

void ScoreTree::each_backward(size_t first, size_t count, Visit visit) const {
  if (count == 0) return;
  Path path = path_to(first + count - 1);
  while (true) {
    const Item* items = path.leaf->items();
    const size_t run = std::min(path.at + 1, count);
    count -= run;
    for (size_t i = 0; i < std::min(run, kPrefetchAhead); i++) {
      storage::prefetch(items[path.at - i].entry);
    }
    for (size_t i = 0; i < run; i++) {
      if (i + kPrefetchAhead < run) storage::prefetch(items[path.at - i - kPrefetchAhead].entry);
      visit(items[path.at - i]);
    }
    if (count == 0) return;
    [[maybe_unused]] const bool more = enter_previous_leaf(path);
    assert(more);
  }
}

class ScoreTree::Recounter {
 public:
  bool check(const ScoreTree& tree) {
    const uint64_t size = tree.root_ == nullptr ? 0 : count(tree.root_, tree.height_);
    return holds_ && size == tree.size_ && bytes_ == tree.bytes_;
  }

 private:
  uint64_t count(const void* node, uint32_t height) {
    return height > 0 ? count_inner(*static_cast<const Inner*>(node), height)
                      : count_leaf(*static_cast<const Leaf*>(node));
  }
  uint64_t count_leaf(const Leaf& leaf) {
    bytes_ += Leaf::bytes_for(leaf.capacity);
    holds_ &= leaf.size > 0 && leaf.size <= leaf.capacity;
    for (size_t i = 0; i < leaf.size; i++) {
      const Item& item = leaf.items()[i];
      if (before_ != nullptr) holds_ &= *before_ < item;
      before_ = &item;
    }
    return leaf.size;
  }
  uint64_t count_inner(const Inner& inner, uint32_t height) {
    bytes_ += Inner::bytes_for(inner.capacity);
    holds_ &= inner.size > 0 && inner.size <= inner.capacity;
    uint64_t sum = 0;
    for (size_t i = 0; i < inner.size; i++) {
      const Child& child = inner.items()[i];
      const Item& lowest = height > 1 ? static_cast<const Inner*>(child.node)->first()
                                      : static_cast<const Leaf*>(child.node)->first();
      holds_ &= child.first.score == lowest.score && child.first.entry == lowest.entry;
      const uint64_t size = count(child.node, height - 1);
      holds_ &= size == child.size;
      sum += size;
    }
    return sum;
  }

  bool holds_ = true;
  const Item* before_ = nullptr;
  size_t bytes_ = 0;
};

bool ScoreTree::recount() const {
  return Recounter().check(*this);
}

}  // namespace larder::storage
