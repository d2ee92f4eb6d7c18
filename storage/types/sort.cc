#include "storage/types/sort.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/number.h"
#include "storage/types/list.h"
#include "storage/types/set.h"
#include "storage/types/sorted_set.h"

namespace larder::storage {
namespace {

// Ranks in the order in which a collection is walked.
using Window = RankRange;

struct Item {
  std::string element;
  double number = 0;
  KeptText text{};
  bool found = false;   // there is something to sort by
  size_t position = 0;  // what is equal stays as it stood
};

size_t size_of(const Entry& entry) {
  switch (entry.type()) {
    case ValueType::kList:
      return list_size(entry);
    case ValueType::kSet:
      return Set(entry.object()).size();
    default:
      return SortedSet(entry.object()).size();
  }
}

Window window_of(const SortOrder& order, size_t size) {
  const size_t first =
      order.offset <= 0 ? 0 : std::min<uint64_t>(static_cast<uint64_t>(order.offset), size);
  if (order.count < 0) return {first, size};
  return {first, first + std::min<uint64_t>(static_cast<uint64_t>(order.count), size - first)};
}

using Elements = std::vector<std::string>;

void walk_list(const Entry& entry, Window window, Direction direction, Elements& elements) {
  const bool forward = direction == Direction::kForward;
  const auto first = static_cast<int64_t>(window.first);
  ListCursor cursor(entry, forward ? first : -1 - first);
  char digits[kIntegerTextMax];
  for (size_t left = window.size(); left > 0; left--) {
    elements.emplace_back(cursor.get().string(digits));
    forward ? cursor.next() : cursor.previous();
  }
}

void walk_set(const Entry& entry, Window window, Elements& elements) {
  char digits[kIntegerTextMax];
  size_t at = 0;
  Set(entry.object()).each([&](const MemberValue& member) {
    if (at >= window.first) elements.emplace_back(member.string(digits));
    return ++at < window.end;
  });
}

void walk_sorted_set(const Entry& entry, Window window, Direction direction, Elements& elements) {
  const SortedSet set(entry.object());
  const RankRange ranks = direction == Direction::kForward
                              ? window
                              : RankRange{set.size() - window.end, set.size() - window.first};
  set.each(ranks, direction,
           [&](std::string_view member, double) { elements.emplace_back(member); });
}

Elements walk(const Entry& entry, Window window, Direction direction) {
  Elements elements;
  if (window.empty()) return elements;
  elements.reserve(window.size());
  if (entry.type() == ValueType::kList) {
    walk_list(entry, window, direction, elements);
  } else if (entry.type() == ValueType::kSet) {
    walk_set(entry, window, elements);
  } else {
    walk_sorted_set(entry, window, direction, elements);
  }
  return elements;
}

// As strtod reads it, which Redis sorts by: nothing at all is 0, a NUL ends it, blanks may stand in
// front, and what is too large or too small for a double is an error.
bool read_number(std::string_view text, double& number) {
  text = text.substr(0, text.find('\0'));
  const size_t begin = text.find_first_not_of(" \t\n\v\f\r");
  if (begin == std::string_view::npos) return text.empty();
  return parse_double(text.substr(begin), number) && std::fpclassify(number) != FP_SUBNORMAL;
}

// Finds what to sort each item by. False if it should be a number and is none.
bool weigh(Keyspace& db, const SortOrder& order, std::vector<Item>& items) {
  for (Item& item : items) {
    HashValue value{.element = {.text = item.element}};
    if (order.by) {
      const std::optional<HashValue> found = order.by->find(db, item.element);
      if (!found) continue;
      value = *found;
    }
    item.found = true;
    if (order.alphabetic) {
      if (order.by) item.text = KeptText(value);
      continue;
    }
    char digits[kIntegerTextMax];
    if (!read_number(value.string(digits), item.number)) return false;
  }
  return true;
}

// Less than, equal to or greater than 0.
int compare(const SortOrder& order, const Item& a, const Item& b) {
  if (!order.alphabetic) {
    if (a.number != b.number) return a.number < b.number ? -1 : 1;
    return a.element.compare(b.element);
  }
  if (!order.by) return a.element.compare(b.element);
  if (a.found != b.found) return a.found ? 1 : -1;
  return a.text.get().compare(b.text.get());
}

void put_in_order(const SortOrder& order, Window window, std::vector<Item>& items) {
  const auto before = [&](const Item& a, const Item& b) {
    const int compared = compare(order, a, b);
    if (compared == 0) return a.position < b.position;
    return order.descending ? compared > 0 : compared < 0;
  };
  const auto end = items.begin() + static_cast<std::ptrdiff_t>(window.end);
  if (end == items.end()) {
    std::sort(items.begin(), end, before);
  } else {
    std::partial_sort(items.begin(), end, items.end(), before);
  }
}

Result<Elements> sorted(Keyspace& db, const Entry& entry, const SortOrder& order) {
  const size_t size = size_of(entry);
  Elements elements = walk(entry, {0, size}, Direction::kForward);
  std::vector<Item> items;
  items.reserve(size);
  for (std::string& element : elements) {
    items.push_back({.element = std::move(element), .position = items.size()});
  }
  elements.clear();
  if (!weigh(db, order, items)) return Status::kNotFloat;
  const Window window = window_of(order, size);
  put_in_order(order, window, items);
  for (size_t i = window.first; i < window.end; i++) {
    elements.push_back(std::move(items[i].element));
  }
  return elements;
}

}  // namespace

SortPattern::SortPattern(std::string_view pattern) {
  const std::string_view searched = pattern.substr(0, pattern.find('\0'));
  const size_t star = searched.find('*');
  if (searched == "#") {
    kind_ = Kind::kElement;
    return;
  }
  if (star == std::string_view::npos) return;
  kind_ = Kind::kString;
  before_ = pattern.substr(0, star);
  behind_ = pattern.substr(star + 1);
  const size_t arrow = searched.find("->", star + 1);
  // An arrow that nothing stands behind is a part of the key.
  if (arrow == std::string_view::npos || arrow + 2 == searched.size()) return;
  kind_ = Kind::kField;
  behind_ = pattern.substr(star + 1, arrow - star - 1);
  field_ = pattern.substr(arrow + 2);
}

std::optional<HashValue> SortPattern::find(Keyspace& db, std::string_view element) const {
  if (kind_ == Kind::kElement) return HashValue{.element = {.text = element}};
  if (kind_ == Kind::kNothing) return std::nullopt;
  std::string name;
  name.reserve(before_.size() + element.size() + behind_.size());
  name.append(before_).append(element).append(behind_);
  const Key key = db.locked().store().key(name);
  if (kind_ == Kind::kField) {
    Hash hash(db, key, HashLimits());
    if (hash.read() != Status::kOk || !hash.exists()) return std::nullopt;
    return hash.get(field_);
  }
  const Entry* entry = db.read(key);
  if (entry == nullptr || entry->type() != ValueType::kString) return std::nullopt;
  return HashValue{.entry = entry};
}

KeptText::KeptText(const HashValue& value) {
  char digits[kIntegerTextMax];
  const std::string_view text = value.string(digits);
  borrowed_ = value.entry != nullptr && text.data() != digits;
  if (borrowed_) {
    text_ = text;
  } else {
    copy_ = text;
  }
}

Result<std::vector<std::string>> sort_elements(Keyspace& db, const Key& key,
                                               const SortOrder& order) {
  const Entry* entry = db.read(key);
  if (entry == nullptr) return Elements();
  const ValueType type = entry->type();
  if (type == ValueType::kString || type == ValueType::kHash) return Status::kWrongType;
  if (order.sorted) return sorted(db, *entry, order);
  if (type == ValueType::kSet && order.always_ordered) {
    SortOrder alphabetic = order;
    alphabetic.alphabetic = true;
    alphabetic.by.reset();
    return sorted(db, *entry, alphabetic);
  }
  return walk(*entry, window_of(order, size_of(*entry)),
              order.descending ? Direction::kBackward : Direction::kForward);
}

}  // namespace larder::storage
