#include "bench/hit_ratio/cache_model.h"

#include "bench/hit_ratio/optimum_model.h"
#include "bench/hit_ratio/queue_models.h"
#include "bench/hit_ratio/tiny_lfu_model.h"

namespace larder::bench {

const std::vector<ModelKind>& baseline_models() {
  static const std::vector<ModelKind> models = {{"LRU", make_lru},
                                                {"S3-FIFO", make_s3_fifo},
                                                {"ARC", make_arc},
                                                {"W-TinyLFU", make_tiny_lfu},
                                                {"optimum", make_optimum}};
  return models;
}

}  // namespace larder::bench
