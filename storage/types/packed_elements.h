// The packed forms in which Redis' dumps hold small collections, read as one sequence of elements:
// listpacks (types/listpack.h), and what Redis before 7.0 and before 2.6 had for the same purpose.
//
//   ziplist  u32 bytes in all | u32 offset of the last | u16 elements | element ... | 0xFF
//            element: length of the one before, 1 byte or 0xFE and 4 | head | string or integer
//   zipmap   u8 pairs | pair ... | 0xFF
//            pair: length, key, length, u8 spare bytes, value, the spare bytes
//            a length is 1 byte below 254, or 254 and 4 bytes
//   intset   u32 width | u32 elements | integers of that width, ascending
//
// All numbers are little endian, but for the string lengths of ziplists.
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/function_ref.h"
#include "storage/types/listpack.h"

namespace larder::storage {

enum class PackedForm : uint8_t { kListpack, kZiplist, kZipmap, kIntset };

// Calls `visit` with each element, a text that spells an integer being one, until it answers false.
// `bytes` may come from anywhere. False if they are damaged, some elements perhaps being visited
// already, or if `visit` said so. Elements point into `bytes`.
[[nodiscard]] bool each_packed(PackedForm form, std::string_view bytes,
                               FunctionRef<bool(const listpack::Element&)> visit);

}  // namespace larder::storage
