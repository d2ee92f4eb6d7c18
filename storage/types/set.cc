#include "storage/types/set.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>

#include "storage/random_below.h"
#include "storage/types/integer_set.h"
#include "storage/types/set_table.h"

namespace larder::storage {
namespace {

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

size_t digits(int64_t value) {
  char text[kIntegerTextMax];
  return write_integer(value, text);
}

size_t integers_max(const SetLimits& limits) {
  return std::min(limits.integers_max, integer_set::kSizeMax);
}

}  // namespace

Set Set::create(Encoding encoding, uint64_t hash_seed) {
  switch (encoding) {
    case Encoding::kIntegers:
      return Set({ValueType::kSet, encoding, integer_set::create()});
    case Encoding::kListpack:
      return Set({ValueType::kSet, encoding, listpack::create()});
    default:
      return Set({ValueType::kSet, Encoding::kTable, new SetTable(hash_seed)});
  }
}

Set Set::create_for(const Member& first, size_t members, const SetLimits& limits,
                    uint64_t hash_seed) {
  Encoding encoding = Encoding::kTable;
  if (first.is_integer() && members <= limits.integers_max) {
    encoding = Encoding::kIntegers;
  } else if (members <= limits.listpack_members_max) {
    encoding = Encoding::kListpack;
  }
  return create(encoding, hash_seed);
}

SetTable& Set::table() const {
  assert(encoding() == Encoding::kTable);
  return *static_cast<SetTable*>(object_.container());
}

void Set::replace(Encoding encoding, Packed* packed) {
  object_ = Object(ValueType::kSet, encoding, packed);
}

size_t Set::size() const {
  if (!object_) return 0;
  switch (encoding()) {
    case Encoding::kIntegers:
      return integer_set::size(object_.packed());
    case Encoding::kListpack:
      return listpack::count(object_.packed());
    default:
      return table().size();
  }
}

bool Set::contains(const Member& member) const {
  if (!object_) return false;
  switch (encoding()) {
    case Encoding::kIntegers:
      return member.is_integer() && integer_set::contains(object_.packed(), member.integer());
    case Encoding::kListpack: {
      const Packed* list = object_.packed();
      return listpack::find(list, listpack::first(list), member.value()) != listpack::kNone;
    }
    default:
      return table().contains(member);
  }
}

bool Set::add_integer(int64_t value, const SetLimits& limits, uint64_t hash_seed) {
  Packed* run = object_.packed();
  const bool added = integer_set::insert(run, value);
  replace(Encoding::kIntegers, run);
  if (added && integer_set::size(run) > integers_max(limits)) become_table(hash_seed);
  return added;
}

// Whether a listpack of the present members and one more stays within the limits. Of integers only
// the longest is asked: it is the smallest or the largest.
bool Set::fits_listpack(const Member& added, const SetLimits& limits) const {
  const size_t bytes_max = limits.listpack_member_bytes_max;
  if (size() >= limits.listpack_members_max || added.string_bytes() > bytes_max) return false;
  constexpr size_t kHeadAndBackMax = 10;
  size_t bytes = object_.packed()->bytes();
  if (encoding() == Encoding::kIntegers && size() > 0) {
    const Packed* run = object_.packed();
    const int64_t last = integer_set::at(run, integer_set::size(run) - 1);
    if (std::max(digits(integer_set::at(run, 0)), digits(last)) > bytes_max) return false;
    bytes = size() * kHeadAndBackMax;
  }
  return bytes + added.string_bytes() + kHeadAndBackMax <= listpack::kBytesMax;
}

bool Set::add(const Member& member, const SetLimits& limits, uint64_t hash_seed) {
  switch (encoding()) {
    case Encoding::kIntegers:
      if (member.is_integer()) return add_integer(member.integer(), limits, hash_seed);
      if (!fits_listpack(member, limits)) break;
      become_listpack();
      [[fallthrough]];
    case Encoding::kListpack: {
      if (contains(member)) return false;
      if (!fits_listpack(member, limits)) break;
      Packed* list = object_.packed();
      listpack::append(list, member.value());
      replace(Encoding::kListpack, list);
      return true;
    }
    default:
      return table().insert(member);
  }
  become_table(hash_seed);
  return table().insert(member);
}

bool Set::remove(const Member& member) {
  switch (encoding()) {
    case Encoding::kIntegers: {
      Packed* run = object_.packed();
      if (!member.is_integer() || !integer_set::erase(run, member.integer())) return false;
      replace(Encoding::kIntegers, run);
      return true;
    }
    case Encoding::kListpack: {
      Packed* list = object_.packed();
      const auto at = listpack::find(list, listpack::first(list), member.value());
      if (at == listpack::kNone) return false;
      listpack::erase(list, at);
      replace(Encoding::kListpack, list);
      return true;
    }
    default:
      return table().erase(member);
  }
}

void Set::expect(size_t members, const SetLimits& limits, uint64_t hash_seed) {
  const bool too_many = encoding() == Encoding::kIntegers   ? members > limits.integers_max
                        : encoding() == Encoding::kListpack ? members > limits.listpack_members_max
                                                            : false;
  if (too_many) become_table(hash_seed);
}

void Set::narrow(const SetLimits& limits) {
  if (encoding() != Encoding::kListpack || size() > integers_max(limits)) return;
  OwnedPacked run(integer_set::create());
  bool all_integers = true;
  each([&](const MemberValue& value) {
    if (value.is_integer) integer_set::insert(run.get(), value.integer);
    return all_integers = value.is_integer;
  });
  if (!all_integers) return;
  Packed::destroy(object_.packed());
  replace(Encoding::kIntegers, run.release());
}

void Set::become_listpack() {
  OwnedPacked list(listpack::create());
  each([&](const MemberValue& value) {
    listpack::append(list.get(), value);
    return true;
  });
  Packed::destroy(object_.packed());
  replace(Encoding::kListpack, list.release());
}

void Set::become_table(uint64_t hash_seed) {
  auto table = std::make_unique<SetTable>(hash_seed);
  each([&](const MemberValue& value) { return table->insert(Member(value)); });
  object_.destroy();
  object_ = Object(ValueType::kSet, Encoding::kTable, table.release());
}

void Set::each(FunctionRef<bool(const MemberValue&)> visit) const {
  if (!object_) return;
  if (encoding() == Encoding::kTable) return table().each(visit);
  const Packed* packed = object_.packed();
  if (encoding() == Encoding::kIntegers) {
    const size_t size = integer_set::size(packed);
    for (size_t i = 0; i < size; i++) {
      if (!visit({.is_integer = true, .integer = integer_set::at(packed, i)})) return;
    }
    return;
  }
  for (auto at = listpack::first(packed); at != listpack::kNone; at = listpack::next(packed, at)) {
    if (!visit(listpack::get(packed, at))) return;
  }
}

TablePosition Set::scan(TablePosition from, ScanBudget budget,
                        FunctionRef<void(const MemberValue&)> visit) const {
  if (object_ && encoding() == Encoding::kTable) return table().scan(from, budget, visit);
  each([&](const MemberValue& value) {
    visit(value);
    return true;
  });
  return 0;
}

MemberValue Set::random(uint64_t bits) const {
  const Packed* packed = object_.is_packed() ? object_.packed() : nullptr;
  switch (encoding()) {
    case Encoding::kIntegers:
      return {.is_integer = true,
              .integer = integer_set::at(packed, random_below(integer_set::size(packed), bits))};
    case Encoding::kListpack: {
      const auto index = static_cast<int64_t>(random_below(listpack::count(packed), bits));
      return listpack::get(packed, listpack::seek(packed, index));
    }
    default:
      return table().random(bits);
  }
}

void Set::sample(size_t count, FunctionRef<uint64_t()> random_bits,
                 FunctionRef<void(const MemberValue&)> visit) const {
  // Up to a third of a table, two of three draws find a member that was not drawn before.
  constexpr size_t kDrawnShare = 3;
  size_t left = size();
  if (left > count * kDrawnShare && count < kUnlimited / kDrawnShare &&
      encoding() == Encoding::kTable) {
    return table().draw(count, random_bits, visit);
  }
  // Knuth, The Art of Computer Programming, volume 2, 3.4.2, Algorithm S: each member is taken with
  // the chance of those still wanted among those still left.
  size_t wanted = std::min(count, left);
  each([&](const MemberValue& value) {
    if (random_below(left--, random_bits()) < wanted) {
      visit(value);
      wanted--;
    }
    return wanted > 0;
  });
}

}  // namespace larder::storage
