// Lists: one listpack while small, else ListNodes. What becomes which is as in Redis 7.2, since
// OBJECT ENCODING shows it: a listpack grows into nodes when what is to be added might pass the
// limit, and a single node of at most half the limit becomes a listpack again when something was
// taken away.
//
// A key whose list becomes empty is erased at once. Every function that takes an `entry` wants the
// live one of `key`, a list; it is good no more once the list was changed. A position counts from
// the head, the first being 0, or if negative from the tail, the last being -1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "storage/function_ref.h"
#include "storage/keyspace.h"
#include "storage/result.h"
#include "storage/types/list_nodes.h"

namespace larder::storage {

size_t list_size(const Entry& entry);

// Goes over the elements of a list that is not changed meanwhile.
class ListCursor {
 public:
  // Begins at `position`; done() if there is none.
  ListCursor(const Entry& entry, int64_t position);

  bool done() const { return at_ == listpack::kNone; }
  listpack::Element get() const { return listpack::get(pack_, at_); }
  void next();
  void previous();

 private:
  const ListNodes* nodes_ = nullptr;  // null: pack_ is the whole list
  size_t node_ = 0;
  const Packed* pack_ = nullptr;
  listpack::Position at_ = listpack::kNone;
};

// What becomes of an element that is taken out; called before the list is changed.
using TakeElement = FunctionRef<void(const listpack::Element&)>;

// Puts the values in at an end, one after the other; without such a key, makes one. Each value has
// at most kListElementBytesMax. Answers how many elements there are now.
Result<size_t> push_list(Keyspace& db, const Key& key, ListEnd end,
                         std::span<const std::string_view> values, const ListLimit& limit);
// The same, but 0 without such a key.
Result<size_t> push_existing_list(Keyspace& db, const Key& key, ListEnd end,
                                  std::span<const std::string_view> values, const ListLimit& limit);

// Stores a list of just these values, in the form that Redis gives the result of SORT, in place of
// whatever was there; without values, erases the key. Each has at most kListElementBytesMax.
void put_list(Keyspace& db, const Key& key, std::span<const std::string_view> values,
              const ListLimit& limit);

// Takes up to `count` elements out at an end.
void pop_list(Keyspace& db, const Key& key, Entry& entry, ListEnd end, size_t count,
              const ListLimit& limit, TakeElement take);

struct ListMove {
  ListEnd from;
  ListEnd to;
};
// Takes an element out of the list in `source` and puts it into that in `target`, which may be the
// same key. False if there is no source.
Result<bool> move_list_element(Keyspace& db, const Key& source, const Key& target, ListMove ends,
                               const ListLimit& limit, TakeElement take);

// kNotFound without the key, kIndexOutOfRange without the position.
Status set_list_element(Keyspace& db, const Key& key, int64_t position, std::string_view value,
                        const ListLimit& limit);
// Before the first element that equals `pivot`, or behind it. Answers how many elements there are
// now, -1 if none equals it, 0 without the key.
Result<int64_t> insert_into_list(Keyspace& db, const Key& key, bool behind, std::string_view pivot,
                                 std::string_view value, const ListLimit& limit);
// Takes out elements that equal `value`: the first `count` from the head, from the tail if
// negative, all if 0. Answers how many.
Result<size_t> remove_from_list(Keyspace& db, const Key& key, int64_t count, std::string_view value,
                                const ListLimit& limit);
// Leaves the elements from one position to the other, both included.
Status trim_list(Keyspace& db, const Key& key, int64_t first, int64_t last, const ListLimit& limit);

// The elements from one position to the other, cut to what there is; empty if there are none.
struct ListRange {
  size_t first = 0;
  size_t size = 0;
};
ListRange list_range(size_t size, int64_t first, int64_t last);

}  // namespace larder::storage
