#include "storage/types/dump.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "storage/dump_bytes.h"
#include "storage/types/dump_types.h"
#include "storage/types/hash.h"
#include "storage/types/integer_set.h"
#include "storage/types/list_form.h"
#include "storage/types/set.h"
#include "storage/types/sorted_set.h"

namespace larder::storage {
namespace {

void append_type(std::string& out, DumpType type) {
  out += static_cast<char>(type);
}

std::string_view bytes_of(const Packed* packed) {
  return {reinterpret_cast<const char*>(packed->data()), packed->bytes()};
}

void append_element(std::string& out, const listpack::Element& element) {
  char digits[kIntegerTextMax];
  append_dump_string(out, element.string(digits));
}

void dump_string(std::string& out, const Entry& entry) {
  char digits[kIntegerTextMax];
  append_type(out, DumpType::kString);
  append_dump_string(out, entry.string(digits));
}

void dump_list(std::string& out, Object list) {
  constexpr uint64_t kListpackNode = 2;
  const auto append_node = [&](const Packed* pack) {
    append_dump_length(out, kListpackNode);
    append_dump_string(out, bytes_of(pack));
  };
  append_type(out, DumpType::kListNodes);
  if (list.is_packed()) {
    append_dump_length(out, 1);
    return append_node(list.packed());
  }
  const ListNodes& nodes = nodes_of(list);
  append_dump_length(out, nodes.nodes());
  for (size_t i = 0; i < nodes.nodes(); i++) append_node(nodes.node(i));
}

// Our run of integers has another head than Redis' intset, and the same body.
void dump_integers(std::string& out, const Packed* run) {
  constexpr size_t kHeadBytes = Packed::kHeadBytes + 1;
  const std::string_view bytes = bytes_of(run);
  std::string intset;
  append_dump_fixed(intset, static_cast<uint8_t>(bytes[Packed::kHeadBytes]), 4);
  append_dump_fixed(intset, integer_set::size(run), 4);
  intset += bytes.substr(kHeadBytes);
  append_type(out, DumpType::kSetIntset);
  append_dump_string(out, intset);
}

// A listpack of members is written member by member: Redis 7.0 knows none.
void dump_set(std::string& out, Object object) {
  if (object.encoding() == Encoding::kIntegers) return dump_integers(out, object.packed());
  const Set set(object);
  append_type(out, DumpType::kSet);
  append_dump_length(out, set.size());
  set.each([&](const MemberValue& member) {
    append_element(out, member);
    return true;
  });
}

void dump_sorted_set(std::string& out, Object object) {
  if (object.is_packed()) {
    append_type(out, DumpType::kSortedSetListpack);
    return append_dump_string(out, bytes_of(object.packed()));
  }
  const SortedSet set(object);
  append_type(out, DumpType::kSortedSet);
  append_dump_length(out, set.size());
  // From the highest on, as Redis writes them.
  set.each({0, set.size()}, Direction::kBackward, [&](std::string_view member, double score) {
    append_dump_string(out, member);
    append_dump_fixed(out, std::bit_cast<uint64_t>(score), sizeof score);
  });
}

void append_field(std::string& out, const HashField& field) {
  char digits[kIntegerTextMax];
  append_element(out, field.name);
  append_dump_string(out, field.value.string(digits));
}

// Fields that have died are left out. Answers the version that this needs.
uint16_t dump_hash(std::string& out, const Hash& hash, Object object) {
  if (object.encoding() == Encoding::kListpack) {
    append_type(out, DumpType::kHashListpack);
    append_dump_string(out, bytes_of(object.packed()));
    return kDumpVersion;
  }
  size_t fields = 0;
  int64_t earliest_ms = Object::kNothingDue;
  hash.each([&](const HashField& field) {
    fields++;
    if (field.expire_at_ms != kNoExpiry) earliest_ms = std::min(earliest_ms, field.expire_at_ms);
  });
  const bool timed = earliest_ms != Object::kNothingDue;
  append_type(out, timed ? DumpType::kHashTimed : DumpType::kHash);
  if (timed) append_dump_fixed(out, static_cast<uint64_t>(earliest_ms), sizeof earliest_ms);
  append_dump_length(out, fields);
  hash.each([&](const HashField& field) {
    const bool has_expiry = field.expire_at_ms != kNoExpiry;
    if (timed) {
      append_dump_length(out, has_expiry ? field.expire_at_ms - earliest_ms + uint64_t{1} : 0);
    }
    append_field(out, field);
  });
  return timed ? kDumpVersionTimed : kDumpVersion;
}

}  // namespace

std::string dump_value(Keyspace& db, const Key& key, Entry& entry) {
  std::string out;
  uint16_t version = kDumpVersion;
  switch (entry.type()) {
    case ValueType::kString:
      out.reserve(entry.string_bytes() + 32);  // and what stands around it
      dump_string(out, entry);
      break;
    case ValueType::kList:
      dump_list(out, entry.object());
      break;
    case ValueType::kSet:
      dump_set(out, entry.object());
      break;
    case ValueType::kSortedSet:
      dump_sorted_set(out, entry.object());
      break;
    case ValueType::kHash: {
      Hash hash(db, key, {});
      const Status found = hash.find();
      assert(found == Status::kOk);
      (void)found;
      version = dump_hash(out, hash, entry.object());
    }
  }
  append_dump_footer(out, version);
  return out;
}

}  // namespace larder::storage
