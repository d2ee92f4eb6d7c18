// W-TinyLFU, the policy of Caffeine.
#pragma once

#include <memory>

#include "bench/hit_ratio/cache_model.h"

namespace larder::bench {

std::unique_ptr<CacheModel> make_tiny_lfu(const CacheSize& size);

}  // namespace larder::bench
