// W-TinyLFU with a climbing window: Einziger, Friedman and Manes, "TinyLFU: a highly efficient
// cache admission policy", ACM ToS 2017; Einziger, Eytan, Friedman and Manes, "Adaptive software
// cache management", Middleware 2018. Newcomers pass through a window (LRU); who leaves it is
// admitted to the main part (segmented LRU) if a sketch of all accesses counts it more often than
// the key that would have to go. The window grows or shrinks as long as that helps.
#include "bench/hit_ratio/tiny_lfu_model.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "bench/hit_ratio/key_lists.h"
#include "storage/key_hash.h"

namespace larder::bench {
namespace {

// Count-min with four rows of counters up to 15, halved when ten accesses a cached object were
// counted.
class Sketch {
 public:
  explicit Sketch(uint64_t objects)
      : mask_(std::bit_ceil(objects) * 2 - 1),
        period_(10 * objects),
        counters_(kRows * (mask_ + 1)) {}

  void count(uint32_t key) {
    bool counted = false;
    for (uint64_t row = 0; row < kRows; row++) {
      uint8_t& counter = at(key, row);
      if (counter == kCounterMax) continue;
      counter++;
      counted = true;
    }
    if (counted && ++counted_ >= period_) halve();
  }

  uint8_t estimate(uint32_t key) {
    uint8_t lowest = kCounterMax;
    for (uint64_t row = 0; row < kRows; row++) lowest = std::min(lowest, at(key, row));
    return lowest;
  }

 private:
  static constexpr uint64_t kRows = 4;
  static constexpr uint8_t kCounterMax = 15;

  uint8_t& at(uint32_t key, uint64_t row) {
    const auto hash = storage::hash_key({reinterpret_cast<const char*>(&key), sizeof key}, row + 1);
    return counters_[row * (mask_ + 1) + (hash & mask_)];
  }
  void halve() {
    for (uint8_t& counter : counters_) counter /= 2;
    counted_ /= 2;
  }

  const uint64_t mask_;
  const uint64_t period_;
  std::vector<uint8_t> counters_;
  uint64_t counted_ = 0;
};

// Changes the window's share of the cache, and turns round when the hit ratio gets worse.
class Climber {
 public:
  explicit Climber(uint64_t objects) : period_(10 * objects) {}

  double window_share() const { return share_; }

  void count(bool hit) {
    hits_ += hit ? 1 : 0;
    if (++accesses_ < period_) return;
    const double ratio = static_cast<double>(hits_) / static_cast<double>(accesses_);
    const double change = ratio - ratio_before_;
    if (change < 0) step_ = -step_;
    share_ = std::clamp(share_ + step_, kShareMin, kShareMax);
    // A leap in the hit ratio is a new workload: search in large steps again.
    step_ = std::abs(change) >= kRestart ? std::copysign(kFirstStep, step_) : step_ * kStepFade;
    ratio_before_ = ratio;
    hits_ = accesses_ = 0;
  }

 private:
  static constexpr double kShareMin = 0.01;
  static constexpr double kShareMax = 0.8;
  static constexpr double kFirstStep = 0.0625;
  static constexpr double kStepFade = 0.98;
  static constexpr double kRestart = 0.05;

  const uint64_t period_;
  double share_ = kShareMin;
  double step_ = kFirstStep;
  double ratio_before_ = 0;
  uint64_t hits_ = 0;
  uint64_t accesses_ = 0;
};

class TinyLfu final : public CacheModel {
 public:
  explicit TinyLfu(const CacheSize& size)
      : bytes_max_(size.bytes),
        lists_(size.keys, 3),
        sketch_(size.objects),
        climber_(size.objects) {}

  bool request(const Request& request, uint32_t) override {
    sketch_.count(request.key);
    const bool hit = lists_.list_of(request.key) != KeyLists::kNoList;
    if (hit) {
      use(request.key);
    } else if (request.size <= bytes_max_) {
      lists_.push_front(kWindow, request.key, request.size);
    }
    climber_.count(hit);
    shrink_window();
    return hit;
  }

 private:
  enum List : uint8_t { kWindow, kProbation, kProtected };
  static constexpr double kProtectedShare = 0.8;

  uint64_t window_max() const {
    return static_cast<uint64_t>(bytes_max_ * climber_.window_share());
  }
  uint64_t used() const {
    return lists_.bytes(kWindow) + lists_.bytes(kProbation) + lists_.bytes(kProtected);
  }

  void use(uint32_t key) {
    if (lists_.list_of(key) == kWindow) return lists_.move_front(kWindow, key);
    lists_.move_front(kProtected, key);
    const auto protected_max =
        static_cast<uint64_t>(static_cast<double>(bytes_max_ - window_max()) * kProtectedShare);
    while (lists_.bytes(kProtected) > protected_max) {
      lists_.move_front(kProbation, lists_.back(kProtected));
    }
  }

  // Who leaves the window is a candidate for the main part; while the cache is too large the
  // candidate or the main part's victim has to go.
  void shrink_window() {
    while (lists_.count(kWindow) > 1 && lists_.bytes(kWindow) > window_max()) {
      const uint32_t candidate = lists_.back(kWindow);
      lists_.move_front(kProbation, candidate);
      settle(candidate);
    }
    while (used() > bytes_max_) lists_.remove(victim(KeyLists::kNone));
  }

  void settle(uint32_t candidate) {
    while (used() > bytes_max_) {
      const uint32_t other = victim(candidate);
      const bool admitted =
          other != KeyLists::kNone && sketch_.estimate(candidate) > sketch_.estimate(other);
      lists_.remove(admitted ? other : candidate);
      if (!admitted) return;
    }
  }

  // Not `candidate`, which stands at the front of the probation.
  uint32_t victim(uint32_t candidate) const {
    const uint32_t probation = lists_.back(kProbation);
    if (probation != KeyLists::kNone && probation != candidate) return probation;
    const uint32_t main = lists_.back(kProtected);
    if (main != KeyLists::kNone || candidate != KeyLists::kNone) return main;
    return lists_.back(kWindow);
  }

  const uint64_t bytes_max_;
  KeyLists lists_;
  Sketch sketch_;
  Climber climber_;
};

}  // namespace

std::unique_ptr<CacheModel> make_tiny_lfu(const CacheSize& size) {
  return std::make_unique<TinyLfu>(size);
}

}  // namespace larder::bench
