// Belady's rule: drop what is used again last ("A study of replacement algorithms for a
// virtual-storage computer", IBM Systems Journal 1966), and store nothing that is used later than
// everything else. With values of one size that is the optimum; with unequal ones nobody can
// compute it in reasonable time, and this is near it.
#include "bench/hit_ratio/optimum_model.h"

#include <set>
#include <utility>

namespace larder::bench {
namespace {

class Optimum final : public CacheModel {
 public:
  explicit Optimum(const CacheSize& size) : bytes_max_(size.bytes), sizes_(size.keys) {}

  bool request(const Request& request, uint32_t index) override {
    const bool hit = by_next_use_.erase({index, request.key}) > 0;
    if (!hit) bytes_ += sizes_[request.key] = request.size;
    by_next_use_.emplace(request.next_use, request.key);
    while (bytes_ > bytes_max_) drop(std::prev(by_next_use_.end()));
    return hit;
  }

 private:
  using ByNextUse = std::set<std::pair<uint32_t, uint32_t>>;

  void drop(ByNextUse::iterator victim) {
    bytes_ -= sizes_[victim->second];
    by_next_use_.erase(victim);
  }

  const uint64_t bytes_max_;
  std::vector<uint32_t> sizes_;  // of each key
  ByNextUse by_next_use_;        // (index of the next use, key)
  uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<CacheModel> make_optimum(const CacheSize& size) {
  return std::make_unique<Optimum>(size);
}

}  // namespace larder::bench
