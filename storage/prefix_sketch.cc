#include "storage/prefix_sketch.h"

#include <algorithm>

namespace larder::storage {
namespace {

bool less_busy(const PrefixSketch::Name& a, const PrefixSketch::Name& b) {
  return a.count < b.count;
}

}  // namespace

void PrefixSketch::add(size_t database, const KeyPrefix& prefix) {
  const auto same = [&](const Name& name) {
    return name.hash == prefix.hash && name.database == database && name.text == prefix.name;
  };
  const auto found = std::find_if(names_.begin(), names_.end(), same);
  if (found != names_.end()) {
    found->count++;
    return;
  }
  std::string text(prefix.name);
  if (names_.size() < kNamesMax) {
    names_.push_back({database, prefix.hash, prefix.head, std::move(text), 1});
    return;
  }
  const auto least = std::min_element(names_.begin(), names_.end(), less_busy);
  const uint64_t inherited = least->count;
  *least = {database, prefix.hash, prefix.head, std::move(text), inherited + 1, inherited};
}

const PrefixSketch::Name* PrefixSketch::busiest() const {
  const auto found =
      std::max_element(names_.begin(), names_.end(),
                       [](const Name& a, const Name& b) { return a.own_count() < b.own_count(); });
  return found == names_.end() ? nullptr : &*found;
}

void PrefixSketch::remove(const Name& name) {
  names_.erase(names_.begin() + (&name - names_.data()));
}

void PrefixSketch::decay() {
  for (Name& name : names_) {
    const uint64_t own = name.own_count() / 2;
    name.inherited /= 2;
    name.count = name.inherited + own;
  }
  std::erase_if(names_, [](const Name& name) { return name.count == 0; });
}

}  // namespace larder::storage
