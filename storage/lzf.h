// Unpacks LZF, in which Redis compresses the strings of its dumps (Marc Lehmann's liblzf describes
// the format in lzf_d.c). A byte below 32 is followed by that many literal bytes and one more. Any
// other repeats earlier output: its upper three bits are the length less two, where 7 means that
// another byte is added; its lower five bits and the byte at the end are the distance less one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::storage {

// No packed byte stands for more than this many unpacked ones: three bytes make 264.
inline constexpr size_t kLzfGrowthMax = 88;

// Whether `packed`, from wherever it came, is exactly `bytes` bytes in LZF, which are then in
// `out`. Nothing is allocated for a length that `packed` cannot have. Throws std::bad_alloc.
[[nodiscard]] bool unpack_lzf(std::string_view packed, size_t bytes, std::string& out);

}  // namespace larder::storage
