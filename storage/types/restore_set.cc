#include <string>

#include "storage/types/packed_elements.h"
#include "storage/types/restore_parts.h"

namespace larder::storage {
namespace {

class SetReader {
 public:
  // A set grows out of the encoding that it begins in.
  SetReader(DumpReader& in, const RestoreContext& context, Encoding encoding)
      : in_(in), context_(context), set_(Set::create(encoding, context.hash_seed)) {}

  void read_members(uint64_t count) {
    std::string scratch;
    for (; count > 0; count--) {
      const std::string_view member = in_.string(scratch);
      if (in_.failed() || !add(Member(member))) return in_.fail();
    }
  }
  void read_packed(PackedForm form, std::string_view bytes) {
    const auto add_element = [&](const MemberValue& value) { return add(Member(value)); };
    if (!each_packed(form, bytes, add_element)) in_.fail();
  }
  Object release() {
    if (set_->size() == 0) in_.fail();
    return in_.failed() ? Object() : set_.release();
  }

 private:
  // False if it was there already.
  bool add(const Member& member) {
    return set_->add(member, context_.limits.set, context_.hash_seed);
  }

  DumpReader& in_;
  const RestoreContext& context_;
  OwnedSet set_;
};

}  // namespace

Object restore_set(DumpReader& in, DumpType type, const RestoreContext& context) {
  if (type == DumpType::kSet) {
    const uint64_t count = in.length();
    const bool small = count <= context.limits.set.integers_max;
    SetReader reader(in, context, small ? Encoding::kIntegers : Encoding::kTable);
    reader.read_members(count);
    return reader.release();
  }
  std::string scratch;
  const std::string_view bytes = in.string(scratch);
  if (in.failed()) return {};
  const bool integers = type == DumpType::kSetIntset;
  SetReader reader(in, context, integers ? Encoding::kIntegers : Encoding::kListpack);
  reader.read_packed(integers ? PackedForm::kIntset : PackedForm::kListpack, bytes);
  return reader.release();
}

}  // namespace larder::storage
