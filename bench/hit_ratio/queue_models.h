// Baselines that keep keys in queues.
#pragma once

#include <memory>

#include "bench/hit_ratio/cache_model.h"

namespace larder::bench {

std::unique_ptr<CacheModel> make_lru(const CacheSize& size);
std::unique_ptr<CacheModel> make_s3_fifo(const CacheSize& size);
std::unique_ptr<CacheModel> make_arc(const CacheSize& size);

}  // namespace larder::bench
