// What the learned policy knows: how likely keys of a kind are to be used again, learned from the
// keys' own hits. A kind is a pair of frequency (0 to 15) and age (33 buckets, two to a doubling).
//
// Each hit is counted under the kind that the key was of, and so is each key that eviction looks at
// (a sample). Hits divided by samples tell the rate at which keys of a kind are hit; from the rates
// comes the score of each kind, see learn(). This is close to LHD (Beckmann, Chen and Cidon, "LHD:
// improving cache hit rate by maximizing hit density", NSDI 2018), with the best moment to give up
// on a key, as in Gittins' index, in place of its whole life.
//
// One object serves all shards: small shards would not see enough to learn from. Any thread may
// call anything at any time; counts that two threads make at once may be lost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace larder::storage {

class LearnedScores {
 public:
  static constexpr uint32_t kFrequencies = 16;
  static constexpr uint32_t kAgeBuckets = 33;

  LearnedScores();

  // floor(2 log2(age + 1)) for an age of up to 65,535 ticks: 0 to 32, and never 1.
  static uint32_t age_bucket(uint32_t age_ticks);

  void count_hit(uint32_t frequency, uint32_t age_bucket, uint32_t weight) {
    add(hits_[index(frequency, age_bucket)], weight);
  }
  void count_sample(uint32_t frequency, uint32_t age_bucket) {
    add(samples_[index(frequency, age_bucket)], 1);
  }

  // What a key of this kind is worth: expected hits a tick, above 0.
  float score(uint32_t frequency, uint32_t age_bucket) const {
    return scores_[index(frequency, age_bucket)].load(std::memory_order_relaxed);
  }

  // Computes all scores from the counts and lets these fade. `ticks` of the access clock have
  // passed since the last time; `keys` are in the store. Takes a few microseconds; does nothing
  // while another thread is at it.
  void learn(uint64_t ticks, uint64_t keys);

 private:
  static constexpr uint32_t kKinds = kFrequencies * kAgeBuckets;
  // Counts have a fraction, so that small ones fade smoothly.
  static constexpr uint64_t kUnit = 1 << 16;
  using Counts = std::array<std::atomic<uint64_t>, kKinds>;

  // All that scores are made of.
  struct Evidence {
    const std::array<double, kKinds>& hits;
    const std::array<double, kKinds>& samples;
    double hits_per_sample;
    double samples_per_key_and_tick;
  };

  static uint32_t index(uint32_t frequency, uint32_t age_bucket) {
    return frequency * kAgeBuckets + age_bucket;
  }
  static void add(std::atomic<uint64_t>& count, uint32_t n) {
    count.store(count.load(std::memory_order_relaxed) + n * kUnit, std::memory_order_relaxed);
  }
  static std::array<double, kKinds> read_and_fade(Counts& counts, double fade);
  static double hazard(uint32_t frequency, uint32_t bucket, const Evidence& evidence);
  void score_frequency(uint32_t frequency, const Evidence& evidence);

  Counts hits_{};
  Counts samples_{};
  std::array<std::atomic<float>, kKinds> scores_{};

  std::atomic_flag learning_;
  double ticks_ = 0;  // counted and faded like hits and samples; belongs to whoever set learning_
};

}  // namespace larder::storage
