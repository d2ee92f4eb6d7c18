#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "storage/types/hash_fields.h"
#include "storage/types/packed_elements.h"
#include "storage/types/packed_hash.h"
#include "storage/types/restore_parts.h"

namespace larder::storage {
namespace {

using listpack::Element;

// A hash in the making: a listpack as long as it is small, then a table.
class HashBuilder {
 public:
  explicit HashBuilder(const RestoreContext& context) : context_(context) {}

  // To be told first that so many will be added.
  void expect(uint64_t fields) {
    if (fields > context_.limits.hash.fields_max) make_table();
  }
  // False if the field was there already. One that has died is left out.
  bool add(const Element& field, const Element& value, int64_t expire_at_ms);
  bool any_died() const { return any_died_; }
  // Nothing if no field was added.
  Object release();

 private:
  bool fits(const Element& field, const Element& value) const;
  bool put(const Element& field, const Element& value, int64_t expire_at_ms);
  void make_table();

  const RestoreContext& context_;
  OwnedPacked list_{listpack::create()};  // without one, there is a table
  size_t width_ = packed_hash::kPair;
  std::unique_ptr<HashFields> fields_;
  bool any_died_ = false;
};

bool HashBuilder::fits(const Element& field, const Element& value) const {
  constexpr size_t kHeadsMax = 48;  // of a field, its value and its expiry
  const size_t field_bytes = field.string_bytes();
  const size_t value_bytes = value.string_bytes();
  const HashLimits& limits = context_.limits.hash;
  return std::max(field_bytes, value_bytes) <= limits.value_bytes_max &&
         packed_hash::size(list_.get(), width_) < limits.fields_max &&
         list_.get()->bytes() + field_bytes + value_bytes + kHeadsMax <= listpack::kBytesMax;
}

// Into the table; false if the field is there.
bool HashBuilder::put(const Element& field, const Element& value, int64_t expire_at_ms) {
  char field_digits[kIntegerTextMax];
  char value_digits[kIntegerTextMax];
  return fields_->put(field.string(field_digits), {value.string(value_digits)}, expire_at_ms);
}

void HashBuilder::make_table() {
  fields_ = std::make_unique<HashFields>(context_.hash_seed);
  const Packed* list = list_.get();
  for (auto at = listpack::first(list); at != listpack::kNone;
       at = packed_hash::next(list, width_, at)) {
    const packed_hash::Pair pair = packed_hash::get(list, at);
    const bool timed = width_ == packed_hash::kTriple;
    put(pair.field, pair.value, timed ? packed_hash::expire_at_ms(list, at) : kNoExpiry);
  }
  Packed::destroy(list_.release());
}

bool HashBuilder::add(const Element& field, const Element& value, int64_t expire_at_ms) {
  if (expire_at_ms != kNoExpiry && expire_at_ms <= context_.now_ms) {
    any_died_ = true;
    return true;
  }
  if (list_.get() != nullptr && !fits(field, value)) make_table();
  if (list_.get() == nullptr) return put(field, value, expire_at_ms);
  if (packed_hash::find(list_.get(), width_, field) != listpack::kNone) return false;
  if (expire_at_ms != kNoExpiry && width_ == packed_hash::kPair) {
    Packed* triples = packed_hash::with_expiries(list_.get());
    Packed::destroy(std::exchange(list_.get(), triples));
    width_ = packed_hash::kTriple;
  }
  packed_hash::add(list_.get(), width_, {field, value}, expire_at_ms);
  return true;
}

Object HashBuilder::release() {
  if (list_.get() == nullptr) {
    if (fields_->size() == 0) return {};
    const Encoding encoding = fields_->any_timed() ? Encoding::kTableTimed : Encoding::kTable;
    return {ValueType::kHash, encoding, fields_.release()};
  }
  if (packed_hash::size(list_.get(), width_) == 0) return {};
  const Encoding encoding =
      width_ == packed_hash::kPair ? Encoding::kListpack : Encoding::kListpackTimed;
  return {ValueType::kHash, encoding, list_.release()};
}

// --- Reading.

// An expiry that Redis' format can hold and a key can have: 0 stands for none.
bool is_expiry(uint64_t value) {
  return value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
}

int64_t expiry_of(uint64_t value) {
  return value == 0 ? kNoExpiry : static_cast<int64_t>(value);
}

void read_fields(DumpReader& in, bool timed, HashBuilder& hash) {
  const uint64_t earliest_ms = timed ? in.fixed(sizeof(uint64_t)) : 0;
  const uint64_t count = in.length();
  if (!is_expiry(earliest_ms)) in.fail();
  if (in.failed()) return;
  hash.expect(count);
  std::string field_scratch;
  std::string value_scratch;
  for (uint64_t left = count; left > 0; left--) {
    const uint64_t distance = timed ? in.length() : 0;
    const Element field = listpack::element_of(in.string(field_scratch));
    const Element value = listpack::element_of(in.string(value_scratch));
    const uint64_t expiry_ms = distance == 0 ? 0 : earliest_ms + (distance - 1);
    if (in.failed() || !is_expiry(distance) || !is_expiry(expiry_ms)) return in.fail();
    if (!hash.add(field, value, expiry_of(expiry_ms))) return in.fail();
  }
}

void read_packed(DumpReader& in, PackedForm form, size_t width, HashBuilder& hash) {
  if (width == packed_hash::kTriple) in.fixed(sizeof(uint64_t));  // the earliest expiry
  std::string scratch;
  const std::string_view bytes = in.string(scratch);
  if (in.failed()) return;
  std::array<Element, packed_hash::kTriple> parts;
  size_t have = 0;
  const bool whole = each_packed(form, bytes, [&](const Element& element) {
    parts[have++] = element;
    if (have < width) return true;
    have = 0;
    if (width == packed_hash::kPair) return hash.add(parts[0], parts[1], kNoExpiry);
    const Element& expiry = parts[2];
    if (!expiry.is_integer || expiry.integer < 0) return false;
    return hash.add(parts[0], parts[1], expiry_of(static_cast<uint64_t>(expiry.integer)));
  });
  if (!whole || have != 0) in.fail();
}

void read_by_type(DumpReader& in, DumpType type, HashBuilder& hash) {
  switch (type) {
    case DumpType::kHashZipmap:
      return read_packed(in, PackedForm::kZipmap, packed_hash::kPair, hash);
    case DumpType::kHashZiplist:
      return read_packed(in, PackedForm::kZiplist, packed_hash::kPair, hash);
    case DumpType::kHashListpack:
      return read_packed(in, PackedForm::kListpack, packed_hash::kPair, hash);
    case DumpType::kHashListpackTimed:
      return read_packed(in, PackedForm::kListpack, packed_hash::kTriple, hash);
    default:
      return read_fields(in, type == DumpType::kHashTimed, hash);
  }
}

}  // namespace

Object restore_hash(DumpReader& in, DumpType type, const RestoreContext& context) {
  HashBuilder hash(context);
  read_by_type(in, type, hash);
  if (in.failed()) return {};
  const Object object = hash.release();
  if (!object && !hash.any_died()) in.fail();
  return object;
}

}  // namespace larder::storage
