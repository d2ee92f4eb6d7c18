// HyperLogLog: how many different things were seen, in at most 12 KiB and with a standard error of
// 0.81 %. The algorithm is that of Flajolet, Fusy, Gandouet and Meunier ("HyperLogLog: the analysis
// of a near-optimal cardinality estimation algorithm", 2007), the estimate that of Ertl ("New
// cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6).
//
// A sketch is a string in the format of Redis, so that one written there works here and the other
// way round, to the same estimates:
//
//   "HYLL" | u8 encoding: 0 dense, 1 sparse | 3 zeros | u64 estimate, bit 63: not up to date
//   dense:  16,384 registers of 6 bits, the lowest bits first
//   sparse: runs of registers: 00nnnnnn           n + 1 zeros
//                              01nnnnnn nnnnnnnn  n + 1 zeros (the high bits first)
//                              1vvvvvnn           n + 1 times the value v + 1
//
// A sparse sketch becomes dense when it would get longer than the option hll-sparse-max-bytes, or
// needs a value above 32. Pure functions over bytes: any thread that may read or write these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace larder::storage::hyperloglog {

inline constexpr size_t kHeadBytes = 16;
inline constexpr size_t kRegisters = 16384;
inline constexpr size_t kDenseBytes = kHeadBytes + kRegisters * 6 / 8;

// An empty sparse sketch.
std::string create();

// Whether this is a sketch, by its head and, of a dense one, its length: what may be passed to all
// below. A sparse one may still be damaged behind the head, which only they find out.
bool is_sketch(std::string_view sketch);
bool is_dense(std::string_view sketch);

enum class Change : uint8_t { kNone, kChanged, kDamaged };

// Where an element is counted, and what with.
struct Observation {
  uint16_t index;
  uint8_t value;  // 1 to 51
};
Observation observe(std::string_view element);

// Raises a register of a dense sketch; asks first whether that changes anything.
bool raises_dense(std::string_view sketch, Observation observed);
void raise_dense(std::span<char> sketch, Observation observed);

// Raises a register of any sketch. `sparse_bytes_max`: the longest that a sparse one may be, its
// head included. kDamaged: it stays as it was.
Change raise(std::string& sketch, Observation observed, size_t sparse_bytes_max);

// Makes a sparse sketch dense; false, and nothing changed, if it is damaged.
bool make_dense(std::string& sketch);

// The estimate that the head keeps, if it is up to date.
std::optional<uint64_t> kept_estimate(std::string_view sketch);
void keep_estimate(std::span<char> sketch, uint64_t estimate);
void forget_estimate(std::span<char> sketch);

// The registers of one or several sketches united: of each the highest value.
class Registers {
 public:
  // False, and then some may have been taken, if the sketch is damaged.
  bool add(std::string_view sketch);
  uint64_t estimate() const;
  // Raises the registers of a sketch, one by one in their order, to these.
  void raise(std::string& sketch, size_t sparse_bytes_max) const;

 private:
  std::array<uint8_t, kRegisters> values_{};
};

}  // namespace larder::storage::hyperloglog
