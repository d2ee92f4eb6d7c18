#include "storage/types/hash.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <unordered_set>
#include <vector>

#include "storage/random_below.h"
#include "storage/types/collection.h"

namespace larder::storage {
namespace {

// Dead fields that a command clears away when it meets a hash that has some; the sweep does the
// rest.
constexpr size_t kSweptOnAccess = 4 * Table::kSegmentEntriesMax;

HashField field_of(const Entry& entry) {
  return {.name = {.text = entry.key()},
          .value = {.entry = &entry},
          .expire_at_ms = entry.expire_at_ms()};
}

}  // namespace

Hash::~Hash() {
  if (!changed_) return;
  if (entry_ == nullptr) {
    object_.destroy();
  } else {
    finish();  // throws nothing where there is an entry
  }
}

Status Hash::open(Entry* entry) {
  const Result<Entry*> found = as_collection(entry, ValueType::kHash);
  if (!found.ok()) return found.status();
  if (entry == nullptr) return Status::kOk;
  entry_ = entry;
  object_ = entry->object();
  counted_bytes_ = db_.counted_bytes(*entry);
  sweep(kSweptOnAccess);
  return Status::kOk;
}

// Clears away dead fields, of about `elements` that are looked at. There may be none after all, as
// what may_have_dead() asks is a bound: then nobody may take this for a change of the hash.
void Hash::sweep(size_t elements) {
  if (!may_have_dead()) return;
  const bool swept = object_.sweep(db_.now_ms(), elements);
  keep_place();
  if (!swept) return;
  db_.note_fields_expired(key_);
  db_.set_object(key_, *entry_, object_);
}

// Lets the entry know where the hash is, and the database how large.
void Hash::keep_place() {
  entry_->set_object(object_);
  db_.note_resized(key_, *entry_, counted_bytes_);
  counted_bytes_ = db_.counted_bytes(*entry_);
}

void Hash::finish() {
  if (!changed_) return;
  const bool empty =
      packed() ? packed_hash::size(object_.packed(), width()) == 0 : fields().size() == 0;
  if (entry_ == nullptr && !empty) {
    db_.put_object(key_, object_, kNoExpiry);
    changed_ = false;
    return;
  }
  changed_ = false;
  if (entry_ == nullptr) {
    object_.destroy();
  } else {
    keep_place();
    if (empty) {
      db_.erase(key_);
    } else {
      db_.set_object(key_, *entry_, object_);
    }
  }
  if (empty) object_ = {};
}

packed_hash::Position Hash::find_packed(std::string_view field) const {
  return packed_hash::find(object_.packed(), width(), listpack::element_of(field));
}

HashField Hash::packed_field(packed_hash::Position at) const {
  const packed_hash::Pair pair = packed_hash::get(object_.packed(), at);
  const bool timed = width() == packed_hash::kTriple;
  return {.name = pair.field,
          .value = {.element = pair.value},
          .expire_at_ms = timed ? packed_hash::expire_at_ms(object_.packed(), at) : kNoExpiry};
}

// The live entry of a field in a table, or null.
const Entry* Hash::find_entry(std::string_view field) const {
  const Entry* entry = fields().find(field);
  return entry == nullptr || entry->dead(db_.now_ms()) ? nullptr : entry;
}

size_t Hash::size() const {
  if (!exists()) return 0;
  if (!packed()) return fields().live_size(db_.now_ms());
  if (!may_have_dead()) return packed_hash::size(object_.packed(), width());
  size_t live = 0;
  each([&](const HashField&) { live++; });
  return live;
}

std::optional<HashValue> Hash::get(std::string_view field) const {
  if (!exists()) return std::nullopt;
  if (!packed()) {
    const Entry* entry = find_entry(field);
    return entry != nullptr ? std::optional(HashValue{.entry = entry}) : std::nullopt;
  }
  const packed_hash::Position at = find_packed(field);
  if (at == listpack::kNone) return std::nullopt;
  const HashField found = packed_field(at);
  return dead(found.expire_at_ms) ? std::nullopt : std::optional(found.value);
}

std::optional<int64_t> Hash::expire_at_ms(std::string_view field) const {
  if (!exists()) return std::nullopt;
  if (!packed()) {
    const Entry* entry = find_entry(field);
    return entry != nullptr ? std::optional(entry->expire_at_ms()) : std::nullopt;
  }
  const packed_hash::Position at = find_packed(field);
  if (at == listpack::kNone) return std::nullopt;
  const int64_t at_ms = packed_field(at).expire_at_ms;
  return dead(at_ms) ? std::nullopt : std::optional(at_ms);
}

void Hash::each(Visit visit) const {
  constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();
  scan(0, {kUnlimited, kUnlimited}, visit);
}

TablePosition Hash::scan(TablePosition from, ScanBudget budget, Visit visit) const {
  if (!exists()) return 0;
  if (packed()) {
    const Packed* list = object_.packed();
    for (packed_hash::Position at = listpack::first(list); at != listpack::kNone;
         at = packed_hash::next(list, width(), at)) {
      const HashField field = packed_field(at);
      if (!dead(field.expire_at_ms)) visit(field);
    }
    return 0;
  }
  return fields().table().scan(from, budget, [&](const Entry& entry) {
    if (!entry.dead(db_.now_ms())) visit(field_of(entry));
  });
}

void Hash::sample(size_t count, Random random, Visit visit) {
  drop_dead();
  // Drawing until all are different takes less than twice as long as drawing, if there are three
  // times as many fields as wanted. Else each is taken with the probability that is left for it
  // (algorithm S of Knuth's "The Art of Computer Programming", 3.4.2).
  constexpr size_t kSparse = 3;
  size_t left = size();
  if (packed() || count > left / kSparse) {
    return each([&](const HashField& field) {
      if (random_below(left--, random()) >= count) return;
      count--;
      visit(field);
    });
  }
  std::unordered_set<const Entry*> drawn;
  drawn.reserve(count);
  while (drawn.size() < count) {
    const Entry* entry = fields().table().random_entry(random());
    if (drawn.insert(entry).second) visit(field_of(*entry));
  }
}

void Hash::draw(size_t count, Random random, Visit visit) {
  drop_dead();
  if (!packed()) {
    for (; count > 0; count--) visit(field_of(*fields().table().random_entry(random())));
    return;
  }
  const Packed* list = object_.packed();
  const size_t fields = packed_hash::size(list, width());
  if (count == 1) {
    return visit(packed_field(packed_hash::seek(list, width(), random_below(fields, random()))));
  }
  std::vector<packed_hash::Position> positions;
  for (packed_hash::Position at = listpack::first(list); at != listpack::kNone;
       at = packed_hash::next(list, width(), at)) {
    positions.push_back(at);
  }
  for (; count > 0; count--)
    visit(packed_field(positions[random_below(positions.size(), random())]));
}

// Whether the field and the value may be in a listpack, and there is room for them in this one.
bool Hash::fits(std::string_view field, std::string_view value) const {
  if (std::max(field.size(), value.size()) > limits_.value_bytes_max) return false;
  constexpr size_t kHeadsMax = 48;  // of a field, its value and its expiry
  const size_t added = field.size() + value.size() + kHeadsMax;
  return object_.packed()->bytes() + added <= listpack::kBytesMax;
}

void Hash::put_fields(HashFields& fields) {
  const Encoding encoding = fields.any_timed() ? Encoding::kTableTimed : Encoding::kTable;
  object_ = Object(ValueType::kHash, encoding, &fields);
}

void Hash::make_table() {
  auto table = std::make_unique<HashFields>(db_.locked().store().hash_seed());
  each([&](const HashField& field) {
    char name_digits[kIntegerTextMax];
    char value_digits[kIntegerTextMax];
    table->put(field.name.string(name_digits), {field.value.string(value_digits)},
               field.expire_at_ms);
  });
  Packed::destroy(object_.packed());
  put_fields(*table.release());
  changed_ = true;
}

void Hash::make_timed() {
  Packed* pairs = object_.packed();
  put_packed(Encoding::kListpackTimed, packed_hash::with_expiries(pairs));
  Packed::destroy(pairs);
  changed_ = true;
}

void Hash::expect(size_t fields, size_t bytes_max) {
  if (!exists()) {
    put_packed(Encoding::kListpack, listpack::create());
    changed_ = true;
  }
  if (!packed()) return;
  if (fields > limits_.fields_max || bytes_max > limits_.value_bytes_max) make_table();
}

bool Hash::set(std::string_view field, const FieldText& value, int64_t expire_at_ms) {
  expect(0, 0);
  if (packed() && !fits(field, value.text)) make_table();
  changed_ = true;
  if (packed()) return set_packed(field, value.text, expire_at_ms);
  const bool before = object_.is_timed() && find_entry(field) == nullptr;
  const bool made = fields().put(field, value, expire_at_ms);
  put_fields(fields());
  return made || before;
}

bool Hash::set_packed(std::string_view field, std::string_view value, int64_t expire_at_ms) {
  if (expire_at_ms != kNoExpiry && width() == packed_hash::kPair) make_timed();
  const packed_hash::Pair pair{listpack::element_of(field), listpack::element_of(value)};
  Packed* list = object_.packed();
  const packed_hash::Position at = packed_hash::find(list, width(), pair.field);
  const int64_t before_ms = at != listpack::kNone ? packed_field(at).expire_at_ms : kNoExpiry;
  if (at == listpack::kNone) {
    packed_hash::add(list, width(), pair, expire_at_ms);
  } else if (before_ms == expire_at_ms) {
    packed_hash::set_value(list, at, pair.value);
  } else {
    packed_hash::replace(list, at, pair, expire_at_ms);
  }
  put_packed(object_.encoding(), list);
  if (packed_hash::size(list, width()) > limits_.fields_max) make_table();
  return at == listpack::kNone || dead(before_ms);
}

void Hash::set_expiry(std::string_view field, int64_t expire_at_ms) {
  changed_ = true;
  if (!packed()) {
    fields().set_expiry(field, expire_at_ms);
    return put_fields(fields());
  }
  if (width() == packed_hash::kPair) {
    if (expire_at_ms == kNoExpiry) return;
    make_timed();
  }
  Packed* list = object_.packed();
  const packed_hash::Position at = find_packed(field);
  packed_hash::replace(list, at, packed_hash::get(list, at), expire_at_ms);
  put_packed(Encoding::kListpackTimed, list);
}

bool Hash::erase(std::string_view field) {
  const std::optional<int64_t> found_ms = expire_at_ms(field);
  if (!found_ms) return false;
  changed_ = true;
  if (packed()) {
    Packed* list = object_.packed();
    packed_hash::erase(list, width(), find_packed(field));
    put_packed(object_.encoding(), list);
  } else {
    fields().erase(field);
    put_fields(fields());
  }
  return true;
}

Result<int64_t> Hash::increment(std::string_view field, int64_t by) {
  char digits[kIntegerTextMax];
  int64_t number = 0;
  const std::optional<HashValue> value = get(field);
  if (value && !parse_integer(value->string(digits), number)) return Status::kNotInteger;
  if (__builtin_add_overflow(number, by, &number)) return Status::kOverflow;
  const int64_t at_ms = expire_at_ms(field).value_or(kNoExpiry);
  set(field, {{digits, write_integer(number, digits)}}, at_ms);
  return number;
}

Result<std::string> Hash::increment_float(std::string_view field, long double by) {
  char digits[kIntegerTextMax];
  long double number = 0;
  const std::optional<HashValue> value = get(field);
  if (value && !parse_long_double(value->string(digits), number)) return Status::kNotFloat;
  number += by;
  if (!std::isfinite(number)) return Status::kNanOrInfinity;
  std::string text(kLongDoubleTextMax, '\0');
  text.resize(write_long_double(number, text.data()));
  const int64_t at_ms = expire_at_ms(field).value_or(kNoExpiry);
  set(field, {text}, at_ms);
  return text;
}

}  // namespace larder::storage
