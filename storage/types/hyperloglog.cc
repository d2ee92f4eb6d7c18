#include "storage/types/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace larder::storage::hyperloglog {
namespace {

constexpr int kIndexBits = 14;
constexpr int kHashBits = 64 - kIndexBits;  // that the value of an observation comes from
static_assert(kRegisters == size_t{1} << kIndexBits);

constexpr std::string_view kMagic = "HYLL";
constexpr size_t kEncodingAt = 4;
constexpr size_t kEstimateAt = 8;
constexpr uint8_t kDense = 0;
constexpr uint8_t kSparse = 1;
constexpr uint64_t kNotUpToDate = uint64_t{1} << 63;

// MurmurHash64A (Austin Appleby, in the public domain), with the seed that Redis gives it.
uint64_t murmur(std::string_view bytes) {
  constexpr uint64_t kSeed = 0xadc83b19;
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = kSeed ^ (bytes.size() * kMultiplier);
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    word *= kMultiplier;
    word ^= word >> kShift;
    hash = (hash ^ word * kMultiplier) * kMultiplier;
  }
  if (!bytes.empty()) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    hash = (hash ^ word) * kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ hash >> kShift;
}

// --- Dense sketches.

// The two bytes that register `index` is in, with a place behind the last for its neighbour.
uint8_t dense_value(std::string_view registers, size_t index) {
  const size_t bit = index * 6;
  const size_t at = bit / 8;
  uint32_t word = static_cast<uint8_t>(registers[at]);
  if (at + 1 < registers.size()) word |= uint32_t{static_cast<uint8_t>(registers[at + 1])} << 8;
  return word >> bit % 8 & 63;
}

void set_dense_value(std::span<char> registers, size_t index, uint8_t value) {
  const size_t bit = index * 6;
  const size_t at = bit / 8;
  const auto change = [&](size_t byte, uint32_t clear, uint32_t set) {
    registers[byte] =
        static_cast<char>((static_cast<uint8_t>(registers[byte]) & ~clear & 0xff) | (set & 0xff));
  };
  const uint32_t mask = 63u << bit % 8;
  const uint32_t bits = uint32_t{value} << bit % 8;
  change(at, mask, bits);
  if (mask >> 8 != 0) change(at + 1, mask >> 8, bits >> 8);
}

// --- Sparse sketches.

constexpr size_t kZerosMax = 64;  // in a run of one byte
constexpr size_t kValuesMax = 4;
constexpr uint8_t kSparseValueMax = 32;
constexpr uint8_t kValueRun = 0x80;
constexpr uint8_t kLongZeroRun = 0x40;

struct Run {
  size_t bytes = 0;  // that it is written in; 0: it is damaged
  size_t registers = 0;
  uint8_t value = 0;
};

Run run_at(std::string_view sketch, size_t at) {
  const auto head = static_cast<uint8_t>(sketch[at]);
  if ((head & kValueRun) != 0)
    return {1, (head & 3u) + 1, static_cast<uint8_t>((head >> 2 & 31) + 1)};
  if ((head & kLongZeroRun) == 0) return {1, (head & 63u) + 1, 0};
  if (at + 1 == sketch.size()) return {};
  const auto low = static_cast<uint8_t>(sketch[at + 1]);
  return {2, (size_t{head & 63u} << 8 | low) + 1, 0};
}

char value_run(uint8_t value, size_t registers) {
  return static_cast<char>(kValueRun | (value - 1u) << 2 | (registers - 1));
}

void append_run(std::string& to, uint8_t value, size_t registers) {
  if (registers == 0) return;
  if (value > 0) {
    to += value_run(value, registers);
  } else if (registers <= kZerosMax) {
    to += static_cast<char>(registers - 1);
  } else {
    to += static_cast<char>(kLongZeroRun | (registers - 1) >> 8);
    to += static_cast<char>(registers - 1);
  }
}

// Unites neighbours of the same value, in the few runs from `at` on that a change may have touched.
void unite_runs(std::string& sketch, size_t at) {
  constexpr int kRunsTouchedMax = 5;
  for (int i = 0; i < kRunsTouchedMax && at < sketch.size(); i++) {
    const Run run = run_at(sketch, at);
    if (run.value > 0 && at + 1 < sketch.size()) {
      const Run next = run_at(sketch, at + 1);
      const size_t both = run.registers + next.registers;
      if (next.value == run.value && both <= kValuesMax) {
        sketch[at + 1] = value_run(run.value, both);
        sketch.erase(at, 1);
        continue;  // with the united run
      }
    }
    at += run.bytes;
  }
}

// The run that register `index` is in: where it is, what it begins with, and where the run before
// it is (or itself). False if the runs end before, or are damaged.
struct FoundRun {
  size_t at = kHeadBytes;
  size_t before = kHeadBytes;
  size_t first = 0;
  Run run;
};
bool find_run(std::string_view sketch, size_t index, FoundRun& found) {
  while (found.at < sketch.size()) {
    found.run = run_at(sketch, found.at);
    if (found.run.bytes == 0) return false;
    if (index < found.first + found.run.registers) return true;
    found.before = found.at;
    found.first += found.run.registers;
    found.at += found.run.bytes;
  }
  return false;
}

Change raise_sparse(std::string& sketch, Observation observed, size_t bytes_max) {
  FoundRun found;
  if (!find_run(sketch, observed.index, found)) return Change::kDamaged;
  if (found.run.value >= observed.value) return Change::kNone;
  std::string runs;
  append_run(runs, found.run.value, observed.index - found.first);
  append_run(runs, observed.value, 1);
  append_run(runs, found.run.value, found.first + found.run.registers - 1 - observed.index);
  if (runs.size() > found.run.bytes && sketch.size() + runs.size() - found.run.bytes > bytes_max) {
    if (!make_dense(sketch)) return Change::kDamaged;
    raise_dense(sketch, observed);
    return Change::kChanged;
  }
  sketch.replace(found.at, found.run.bytes, runs);
  unite_runs(sketch, found.before);
  forget_estimate(sketch);
  return Change::kChanged;
}

// Calls `visit` with the index, number and value of each run; false if they do not make exactly
// all registers.
template <typename Visit>
bool each_run(std::string_view sketch, Visit visit) {
  size_t first = 0;
  for (size_t at = kHeadBytes; at < sketch.size();) {
    const Run run = run_at(sketch, at);
    if (run.bytes == 0 || run.registers > kRegisters - first) return false;
    if (run.value > 0) visit(first, run.registers, run.value);
    first += run.registers;
    at += run.bytes;
  }
  return first == kRegisters;
}

// --- The estimate: sigma and tau of Ertl's paper.

double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double power = 1;
  double sum = x;
  for (double before = -1; before != sum; power += power) {
    x *= x;
    before = sum;
    sum += x * power;
  }
  return sum;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double power = 1;
  double sum = 1 - x;
  for (double before = -1; before != sum;) {
    x = std::sqrt(x);
    before = sum;
    power *= 0.5;
    sum -= std::pow(1 - x, 2) * power;
  }
  return sum / 3;
}

}  // namespace

std::string create() {
  std::string sketch(kHeadBytes, '\0');
  std::copy(kMagic.begin(), kMagic.end(), sketch.begin());
  sketch[kEncodingAt] = static_cast<char>(kSparse);
  append_run(sketch, 0, kRegisters);
  return sketch;
}

bool is_dense(std::string_view sketch) {
  return sketch[kEncodingAt] == static_cast<char>(kDense);
}

bool is_sketch(std::string_view sketch) {
  if (sketch.size() < kHeadBytes || sketch.substr(0, kMagic.size()) != kMagic) return false;
  if (is_dense(sketch)) return sketch.size() == kDenseBytes;
  return sketch[kEncodingAt] == static_cast<char>(kSparse);
}

Observation observe(std::string_view element) {
  const uint64_t hash = murmur(element);
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << kHashBits;
  return {static_cast<uint16_t>(hash & (kRegisters - 1)),
          static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

bool raises_dense(std::string_view sketch, Observation observed) {
  return dense_value(sketch.substr(kHeadBytes), observed.index) < observed.value;
}

void raise_dense(std::span<char> sketch, Observation observed) {
  if (!raises_dense({sketch.data(), sketch.size()}, observed)) return;
  set_dense_value(sketch.subspan(kHeadBytes), observed.index, observed.value);
  forget_estimate(sketch);
}

Change raise(std::string& sketch, Observation observed, size_t sparse_bytes_max) {
  if (!is_dense(sketch)) {
    if (observed.value <= kSparseValueMax) return raise_sparse(sketch, observed, sparse_bytes_max);
    if (!make_dense(sketch)) return Change::kDamaged;
  }
  if (!raises_dense(sketch, observed)) return Change::kNone;
  raise_dense(sketch, observed);
  return Change::kChanged;
}

bool make_dense(std::string& sketch) {
  if (is_dense(sketch)) return true;
  std::string dense(kDenseBytes, '\0');
  std::copy_n(sketch.begin(), kHeadBytes, dense.begin());
  dense[kEncodingAt] = static_cast<char>(kDense);
  const std::span<char> registers = std::span(dense).subspan(kHeadBytes);
  const bool whole = each_run(sketch, [&](size_t first, size_t count, uint8_t value) {
    for (size_t i = 0; i < count; i++) set_dense_value(registers, first + i, value);
  });
  if (whole) sketch = std::move(dense);
  return whole;
}

std::optional<uint64_t> kept_estimate(std::string_view sketch) {
  uint64_t word;
  std::memcpy(&word, sketch.data() + kEstimateAt, sizeof word);
  if ((word & kNotUpToDate) != 0) return std::nullopt;
  return word;
}

void keep_estimate(std::span<char> sketch, uint64_t estimate) {
  std::memcpy(sketch.data() + kEstimateAt, &estimate, sizeof estimate);
}

void forget_estimate(std::span<char> sketch) {
  char& last = sketch[kEstimateAt + 7];
  last = static_cast<char>(static_cast<uint8_t>(last) | 0x80);
}

bool Registers::add(std::string_view sketch) {
  if (!is_dense(sketch)) {
    return each_run(sketch, [this](size_t first, size_t count, uint8_t value) {
      for (size_t i = first; i < first + count; i++) values_[i] = std::max(values_[i], value);
    });
  }
  // Four registers are three bytes.
  const char* at = sketch.data() + kHeadBytes;
  for (size_t i = 0; i < kRegisters; i += 4, at += 3) {
    uint32_t word = 0;
    std::memcpy(&word, at, 3);
    for (size_t j = 0; j < 4; j++) {
      values_[i + j] = std::max(values_[i + j], static_cast<uint8_t>(word >> 6 * j & 63));
    }
  }
  return true;
}

uint64_t Registers::estimate() const {
  constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2), in Redis' digits
  constexpr auto kCount = static_cast<double>(kRegisters);
  std::array<uint32_t, 64> having{};
  for (const uint8_t value : values_) having[value]++;
  double z = kCount * tau((kCount - having[kHashBits + 1]) / kCount);
  for (size_t value = kHashBits; value >= 1; value--) z = (z + having[value]) * 0.5;
  z += kCount * sigma(having[0] / kCount);
  return static_cast<uint64_t>(std::llroundl(kAlpha * kCount * kCount / z));
}

void Registers::raise(std::string& sketch, size_t sparse_bytes_max) const {
  for (size_t i = 0; i < kRegisters; i++) {
    if (values_[i] == 0) continue;
    hyperloglog::raise(sketch, {static_cast<uint16_t>(i), values_[i]}, sparse_bytes_max);
  }
}

}  // namespace larder::storage::hyperloglog
