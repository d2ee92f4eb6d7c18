// The tags of one key, as its entry keeps them: ids of four bytes, ascending, each once.
// Tags::name() says what they are called; they mean something in the table of the entry only.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace larder::storage {

using TagId = uint32_t;

// The entry has one byte for the number.
inline constexpr size_t kTagsPerKeyMax = 255;

// Borrows the ids, which may lie anywhere: an entry's are not aligned.
class TagIds {
 public:
  TagIds() = default;
  TagIds(const void* ids, size_t size)
      : bytes_(static_cast<const char*>(ids), size * sizeof(TagId)) {}

  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size() / sizeof(TagId); }
  TagId operator[](size_t i) const {
    TagId id;
    std::memcpy(&id, bytes_.data() + i * sizeof id, sizeof id);
    return id;
  }
  std::string_view bytes() const { return bytes_; }
  bool operator==(const TagIds&) const = default;

  bool contains(TagId wanted) const {
    for (size_t i = 0; i < size(); i++) {
      if ((*this)[i] == wanted) return true;
    }
    return false;
  }

 private:
  std::string_view bytes_;
};

// Ids while they are put together.
class TagIdList {
 public:
  // False, and nothing changed, if it is there already. There must be room.
  bool add(TagId id) {
    const auto at = std::lower_bound(ids_.begin(), end(), id);
    if (at != end() && *at == id) return false;
    assert(size_ < kTagsPerKeyMax);
    std::copy_backward(at, end(), end() + 1);
    *at = id;
    size_++;
    return true;
  }
  // False if it is not there.
  bool remove(TagId id) {
    const auto at = std::lower_bound(ids_.begin(), end(), id);
    if (at == end() || *at != id) return false;
    std::copy(at + 1, end(), at);
    size_--;
    return true;
  }
  void assign(TagIds ids) {
    size_ = ids.size();
    if (size_ > 0) std::memcpy(ids_.data(), ids.bytes().data(), ids.bytes().size());
  }
  size_t size() const { return size_; }
  TagIds ids() const { return {ids_.data(), size_}; }

 private:
  using Ids = std::array<TagId, kTagsPerKeyMax>;
  Ids::iterator end() { return ids_.begin() + static_cast<std::ptrdiff_t>(size_); }

  Ids ids_;
  size_t size_ = 0;
};

}  // namespace larder::storage
