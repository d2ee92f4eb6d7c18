// Baselines that keep keys in queues: LRU, S3-FIFO, ARC. All count bytes of values.
#include "bench/hit_ratio/queue_models.h"

#include <algorithm>

#include "bench/hit_ratio/key_lists.h"

namespace larder::bench {
namespace {

class Lru final : public CacheModel {
 public:
  explicit Lru(const CacheSize& size) : bytes_max_(size.bytes), lists_(size.keys, 1) {}

  bool request(const Request& request, uint32_t) override {
    if (lists_.list_of(request.key) != KeyLists::kNoList) {
      lists_.move_front(0, request.key);
      return true;
    }
    if (request.size > bytes_max_) return false;
    while (lists_.bytes(0) + request.size > bytes_max_) lists_.remove(lists_.back(0));
    lists_.push_front(0, request.key, request.size);
    return false;
  }

 private:
  const uint64_t bytes_max_;
  KeyLists lists_;
};

// Yang, Zhang, Qiu, Yue and Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023. A
// tenth of the cache is for newcomers; who was hit there before its turn, or comes back soon after
// it had to go, gets into the main queue, where each hit (at most three) is worth another round.
class S3Fifo final : public CacheModel {
 public:
  explicit S3Fifo(const CacheSize& size)
      : bytes_max_(size.bytes),
        small_max_(size.bytes / 10),
        lists_(size.keys, 3),
        hits_(size.keys) {}

  bool request(const Request& request, uint32_t) override {
    const uint8_t list = lists_.list_of(request.key);
    if (list == kSmall || list == kMain) {
      hits_[request.key] = std::min<uint8_t>(hits_[request.key] + 1, kHitsMax);
      return true;
    }
    if (request.size > bytes_max_) return false;
    while (used() + request.size > bytes_max_) make_room();
    // Making room may have pushed the key's ghost out.
    const bool ghost = lists_.list_of(request.key) == kGhost;
    if (ghost) lists_.remove(request.key);
    lists_.push_front(ghost ? kMain : kSmall, request.key, request.size);
    hits_[request.key] = 0;
    return false;
  }

 private:
  enum List : uint8_t { kSmall, kMain, kGhost };
  static constexpr uint8_t kHitsMax = 3;

  uint64_t used() const { return lists_.bytes(kSmall) + lists_.bytes(kMain); }

  void make_room() {
    const bool from_small = lists_.bytes(kSmall) > small_max_ || lists_.count(kMain) == 0;
    if (from_small) {
      turn_small();
    } else {
      turn_main();
    }
  }

  void turn_small() {
    const uint32_t key = lists_.back(kSmall);
    if (hits_[key] > 1) {
      lists_.move_front(kMain, key);
      hits_[key] = 0;
      return;
    }
    lists_.move_front(kGhost, key);
    // As many ghosts as the main queue may hold.
    while (lists_.bytes(kGhost) > bytes_max_ - small_max_) lists_.remove(lists_.back(kGhost));
  }

  void turn_main() {
    const uint32_t key = lists_.back(kMain);
    if (hits_[key] == 0) return lists_.remove(key);
    hits_[key]--;
    lists_.move_front(kMain, key);
  }

  const uint64_t bytes_max_;
  const uint64_t small_max_;
  KeyLists lists_;
  std::vector<uint8_t> hits_;
};

// Megiddo and Modha: "ARC: a self-tuning, low overhead replacement cache", FAST 2003, with bytes in
// place of pages. Recent keys (seen once) and frequent ones (more often) share the cache; hits on
// the ghosts of either move the border.
class Arc final : public CacheModel {
 public:
  explicit Arc(const CacheSize& size) : bytes_max_(size.bytes), lists_(size.keys, 4) {}

  bool request(const Request& request, uint32_t) override {
    const uint8_t list = lists_.list_of(request.key);
    if (list == kRecent || list == kFrequent) {
      lists_.move_front(kFrequent, request.key);
      return true;
    }
    if (request.size > bytes_max_) return false;
    if (list == KeyLists::kNoList) {
      trim_ghosts(request.size);
      make_room(request.size, false);
      lists_.push_front(kRecent, request.key, request.size);
      return false;
    }
    move_border(list, request.size);
    lists_.remove(request.key);
    make_room(request.size, list == kFrequentGhost);
    lists_.push_front(kFrequent, request.key, request.size);
    return false;
  }

 private:
  enum List : uint8_t { kRecent, kFrequent, kRecentGhost, kFrequentGhost };

  uint64_t used() const { return lists_.bytes(kRecent) + lists_.bytes(kFrequent); }

  void move_border(uint8_t ghost_list, uint64_t size) {
    const uint64_t recent = std::max<uint64_t>(lists_.bytes(kRecentGhost), 1);
    const uint64_t frequent = std::max<uint64_t>(lists_.bytes(kFrequentGhost), 1);
    if (ghost_list == kRecentGhost) {
      recent_max_ =
          std::min(bytes_max_, recent_max_ + size * std::max<uint64_t>(frequent / recent, 1));
    } else {
      recent_max_ -= std::min(recent_max_, size * std::max<uint64_t>(recent / frequent, 1));
    }
  }

  // Recent keys with their ghosts are no more than the cache holds, all four lists twice that.
  void trim_ghosts(uint64_t size) {
    while (lists_.count(kRecentGhost) > 0 &&
           lists_.bytes(kRecent) + lists_.bytes(kRecentGhost) + size > bytes_max_) {
      lists_.remove(lists_.back(kRecentGhost));
    }
    while (lists_.count(kFrequentGhost) > 0 &&
           used() + lists_.bytes(kRecentGhost) + lists_.bytes(kFrequentGhost) + size >
               2 * bytes_max_) {
      lists_.remove(lists_.back(kFrequentGhost));
    }
  }

  void make_room(uint64_t size, bool frequent_came_back) {
    while (used() + size > bytes_max_) {
      const uint64_t recent = lists_.bytes(kRecent);
      const bool over = recent > recent_max_ || (frequent_came_back && recent == recent_max_);
      if (lists_.count(kFrequent) == 0 || (recent > 0 && over)) {
        drop_recent();
      } else {
        lists_.move_front(kFrequentGhost, lists_.back(kFrequent));
      }
    }
  }

  // Without a ghost where recent keys fill the cache alone.
  void drop_recent() {
    const uint32_t key = lists_.back(kRecent);
    if (lists_.bytes(kRecent) + lists_.bytes(kRecentGhost) > bytes_max_) return lists_.remove(key);
    lists_.move_front(kRecentGhost, key);
  }

  const uint64_t bytes_max_;
  uint64_t recent_max_ = 0;  // bytes of recent keys to aim at
  KeyLists lists_;
};

}  // namespace

std::unique_ptr<CacheModel> make_lru(const CacheSize& size) {
  return std::make_unique<Lru>(size);
}
std::unique_ptr<CacheModel> make_s3_fifo(const CacheSize& size) {
  return std::make_unique<S3Fifo>(size);
}
std::unique_ptr<CacheModel> make_arc(const CacheSize& size) {
  return std::make_unique<Arc>(size);
}

}  // namespace larder::bench
