// A listpack: strings one behind the other in a single run of bytes, those that spell an integer
// kept as one. It is what small hashes, sets, sorted sets and the nodes of lists are made of. The
// bytes are in the format of Redis 7 (https://github.com/antirez/listpack), which DUMP writes and
// RESTORE reads:
//
//   u32 bytes in all | u16 elements, or 65535: count them | element ... | 0xFF
//   element: head, its first bits telling how it is kept | string | length of head and string, for
//            walking backwards: 7 bits a byte, the last first
//
// Functions that change a listpack take it by reference to its pointer, since it may move to
// another block; positions in it are then good no more, but for the one that is answered. All throw
// std::bad_alloc, and then have changed nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "storage/number.h"
#include "storage/packed.h"

namespace larder::storage::listpack {

// The longest a listpack may become, in bytes: what its users must keep to. They turn it into
// something else long before that.
inline constexpr size_t kBytesMax = size_t{1} << 30;

// Where an element is: its distance from the listpack's beginning. kNone stands for no element,
// behind the last and before the first.
using Position = uint32_t;
inline constexpr Position kNone = 0;

// An element. Text points into the listpack.
struct Element {
  bool is_integer = false;
  int64_t integer = 0;
  std::string_view text;

  // As a string; the digits of an integer are written to `digits`.
  std::string_view string(char (&digits)[kIntegerTextMax]) const {
    if (!is_integer) return text;
    return {digits, write_integer(integer, digits)};
  }
  size_t string_bytes() const;
  bool equals(const Element& other) const {
    return is_integer == other.is_integer &&
           (is_integer ? integer == other.integer : text == other.text);
  }
};

// What `string` is as an element: an integer if it is the canonical spelling of one.
Element element_of(std::string_view string);

Packed* create();  // an empty one

size_t count(const Packed* list);
Position first(const Packed* list);
Position last(const Packed* list);
Position next(const Packed* list, Position at);
Position previous(const Packed* list, Position at);
// The element with `index` others before it; counted from the end, -1 being the last, if negative.
Position seek(const Packed* list, int64_t index);

Element get(const Packed* list, Position at);

// The first element from `from` on, in steps of 1 + `skip`, that equals `wanted`. In a list of
// pairs that begins at a key, skip 1 looks at keys alone.
Position find(const Packed* list, Position from, const Element& wanted, size_t skip = 0);

// Puts an element before the one at `before`, or at the end if that is kNone; answers where it is.
Position insert(Packed*& list, Position before, const Element& element);
// The same for several, at once: all or none.
Position insert(Packed*& list, Position before, std::span<const Element> elements);
inline Position append(Packed*& list, const Element& element) {
  return insert(list, kNone, element);
}
// In place of the one at `at`; answers where it is.
Position replace(Packed*& list, Position at, const Element& element);
// Takes `elements` of them out, beginning at `at`; answers the position behind, kNone at the end.
// There must be so many.
Position erase(Packed*& list, Position at, size_t elements = 1);

// Lets what stands before `at` stand behind the rest, in the memory that the list has.
void rotate(Packed* list, Position at);

// Cuts the list in two before `at`, which is neither kNone nor the first: it keeps the front, the
// rest is answered as a listpack of its own.
Packed* split(Packed*& list, Position at);

// How long a listpack would be with this element more.
size_t bytes_with(const Packed* list, const Element& element);

// Whether these bytes, from wherever they came, are a whole listpack and nothing else: only then
// may they become one.
bool is_valid(const uint8_t* bytes, size_t size);
// Whether a valid one is written as the functions here write it, every element in the one way in
// which find() looks for it.
bool is_canonical(const Packed* list);

}  // namespace larder::storage::listpack
