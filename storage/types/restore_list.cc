#include <cstring>
#include <memory>
#include <string>

#include "storage/types/list_form.h"
#include "storage/types/packed_elements.h"
#include "storage/types/restore_parts.h"

namespace larder::storage {
namespace {

constexpr uint64_t kPlainNode = 1;
constexpr uint64_t kListpackNode = 2;

class ListReader {
 public:
  ListReader(DumpReader& in, const ListLimit& limit) : in_(in), limit_(limit) {}

  void read(DumpType type);
  Object release();

 private:
  void push(std::string_view string) {
    if (string.size() > kListElementBytesMax) return in_.fail();
    list_->push(ListEnd::kTail, string, limit_);
  }
  void push_packed(PackedForm form);
  void take_listpack(std::string_view bytes);
  void read_item(DumpType type);

  DumpReader& in_;
  const ListLimit limit_;
  std::string scratch_;
  std::unique_ptr<ListNodes> list_ = std::make_unique<ListNodes>();
};

void ListReader::push_packed(PackedForm form) {
  const std::string_view bytes = in_.string(scratch_);
  char digits[kIntegerTextMax];
  if (in_.failed()) return;
  const bool whole = each_packed(form, bytes, [&](const listpack::Element& element) {
    push(element.string(digits));
    return true;
  });
  if (!whole) in_.fail();
}

// As a node of its own, as it is: so a list comes back in the nodes in which it was dumped. One
// that is larger than a node may be, or was not written as we and Redis do, is dealt out again:
// elements are found by their bytes, and what is taken out of a node moves all that is behind it.
void ListReader::take_listpack(std::string_view bytes) {
  if (!listpack::is_valid(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())) {
    return in_.fail();
  }
  const auto* list = reinterpret_cast<const Packed*>(bytes.data());
  const size_t count = listpack::count(list);
  if (count == 0) return;
  if ((count > 1 && limit_.exceeded(bytes.size(), count)) || !listpack::is_canonical(list)) {
    char digits[kIntegerTextMax];
    for (auto at = listpack::first(list); at != listpack::kNone; at = listpack::next(list, at)) {
      push(listpack::get(list, at).string(digits));
    }
    return;
  }
  OwnedPacked node(Packed::create(bytes.size()));
  std::memcpy(node.get()->data(), bytes.data(), bytes.size());
  list_->append_node(node.get());
  node.release();
}

void ListReader::read_item(DumpType type) {
  if (type == DumpType::kListQuicklist) return push_packed(PackedForm::kZiplist);
  const uint64_t node = type == DumpType::kListNodes ? in_.length() : kPlainNode;
  const std::string_view bytes = in_.string(scratch_);
  if (in_.failed()) return;
  if (node == kPlainNode) return push(bytes);
  if (node != kListpackNode) return in_.fail();
  take_listpack(bytes);
}

void ListReader::read(DumpType type) {
  if (type == DumpType::kListZiplist) return push_packed(PackedForm::kZiplist);
  for (uint64_t left = in_.length(); left > 0 && !in_.failed(); left--) read_item(type);
}

// What Redis 7.2 makes of it: one node within the limit is a listpack.
Object ListReader::release() {
  if (list_->size() == 0) in_.fail();
  if (in_.failed()) return {};
  if (list_->nodes() == 1 && !limit_.exceeded(list_->node(0)->bytes(), list_->size())) {
    return packed_list(list_->release_only_node());
  }
  return node_list(list_.release());
}

}  // namespace

Object restore_list(DumpReader& in, DumpType type, const RestoreContext& context) {
  ListReader reader(in, context.limits.list);
  reader.read(type);
  return reader.release();
}

}  // namespace larder::storage
