// A cache that holds sizes but no values: what bench/hit_ratio replays traces against.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/hit_ratio/trace.h"

namespace larder::bench {

struct CacheSize {
  uint64_t bytes = 0;    // of values that fit
  uint64_t objects = 0;  // about how many that is, at the trace's mean size; 1 at least
  uint32_t keys = 0;     // all keys are below this
};

class CacheModel {
 public:
  virtual ~CacheModel() = default;
  // Cache-aside: true if the key is there, else it is stored. One larger than the cache is not.
  // `index`: of the request in the trace.
  virtual bool request(const Request& request, uint32_t index) = 0;
};

struct ModelKind {
  std::string name;
  std::unique_ptr<CacheModel> (*make)(const CacheSize& size);
};

// Larder's own policies, decided by storage/eviction_policy.
const std::vector<ModelKind>& policy_models();
// LRU, S3-FIFO, ARC, W-TinyLFU and the optimum.
const std::vector<ModelKind>& baseline_models();

}  // namespace larder::bench
