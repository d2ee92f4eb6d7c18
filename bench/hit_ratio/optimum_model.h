// The best that a cache could do that knows the future.
#pragma once

#include <memory>

#include "bench/hit_ratio/cache_model.h"

namespace larder::bench {

std::unique_ptr<CacheModel> make_optimum(const CacheSize& size);

}  // namespace larder::bench
