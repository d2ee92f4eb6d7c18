#include "storage/learned_scores.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "storage/access_clock.h"

namespace larder::storage {
namespace {

double param(const char* n, double d) {
  const char* e = getenv(n);
  return e ? atof(e) : d;
}
const double kFade = param("FADE", 0.98);
const double kPriorWeight = param("PW", 16);
const double kPriorAge = param("PA", 4);

struct AgeRange {
  double first = 0;   // ticks
  double length = 0;  // ticks
};

// The ages of each bucket, from the definition of age_bucket().
std::array<AgeRange, LearnedScores::kAgeBuckets> age_ranges() {
  std::array<AgeRange, LearnedScores::kAgeBuckets> ranges;
  for (uint32_t b = 0; b < ranges.size(); b++) {
    const double first = std::ceil(std::exp2(b / 2.0) - 1e-9);
    ranges[b] = {first - 1, std::ceil(std::exp2((b + 1) / 2.0) - 1e-9) - first};
  }
  return ranges;
}

const std::array<AgeRange, LearnedScores::kAgeBuckets> kAgeRanges = age_ranges();

// Waiting for a hit through some ages, seen from their beginning.
struct Wait {
  double hits = 0;      // probability that it comes
  double ticks = 0;     // expected length of the wait
  double survival = 1;  // probability that it does not come
  double rate() const { return ticks > 0 ? hits / ticks : 0; }
};

Wait wait_through(double hazard, double length) {
  const double survival = std::exp(-hazard * length);
  const double ticks = hazard * length > 1e-9 ? (1 - survival) / hazard : length;
  return {1 - survival, ticks, survival};
}

Wait then(const Wait& first, const Wait& next) {
  return {first.hits + first.survival * next.hits, first.ticks + first.survival * next.ticks,
          first.survival * next.survival};
}

}  // namespace

LearnedScores::LearnedScores() {
  learn(0, 0);
}

uint32_t LearnedScores::age_bucket(uint32_t age_ticks) {
  const uint64_t age = uint64_t{age_ticks} + 1;
  const auto doublings = static_cast<uint32_t>(std::bit_width(age)) - 1;
  // sqrt(2) times a power of two lies in between: compare squares.
  const uint32_t half = age * age >= uint64_t{2} << (2 * doublings) ? 1 : 0;
  return 2 * doublings + half;
}

double LearnedScores::faded(std::atomic<uint32_t>& count) {
  const uint32_t value = count.load(std::memory_order_relaxed);
  count.store(static_cast<uint32_t>(value * kFade), std::memory_order_relaxed);
  return static_cast<double>(value) / kUnit;
}

void LearnedScores::learn(uint64_t ticks, uint64_t keys) {
  if (learning_.test_and_set(std::memory_order_acquire)) return;
  std::array<double, kKinds> hits;
  std::array<double, kKinds> samples;
  double all_hits = 0;
  double all_samples = 0;
  for (uint32_t kind = 0; kind < kKinds; kind++) {
    all_hits += hits[kind] = faded(hits_[kind]);
    all_samples += samples[kind] = faded(samples_[kind]);
  }
  ticks_ += static_cast<double>(ticks);
  // Nothing sampled yet: any positive numbers will do.
  const double mean_rate = all_samples > 0 && all_hits > 0 ? all_hits / all_samples : 1;
  const double sample_frequency = ticks_ > 0 && all_samples > 0 && keys > 0
                                      ? all_samples / ticks_ / static_cast<double>(keys)
                                      : 1;
  for (uint32_t f = 0; f < kFrequencies; f++) {
    std::array<double, kAgeBuckets> hazards;
    for (uint32_t b = 0; b < kAgeBuckets; b++) {
      const double generations = kAgeRanges[b].first / AccessClock::kTicksPerGeneration;
      const double prior = mean_rate * (f + 0.5) / (generations + kPriorAge);
      const double rate =
          (hits[index(f, b)] + kPriorWeight * prior) / (samples[index(f, b)] + kPriorWeight);
      hazards[b] = rate * sample_frequency;
    }
    score_frequency(f, hazards);
  }
  ticks_ *= kFade;
  learning_.clear(std::memory_order_release);
}

// From the oldest bucket to the youngest: it is worth to wait through the ages that follow as long
// as they hold more hits a tick than the wait so far. Whoever is worth it is joined to the wait, so
// each bucket is joined once.
void LearnedScores::score_frequency(uint32_t frequency,
                                    const std::array<double, kAgeBuckets>& hazards) {
  std::array<Wait, kAgeBuckets> waits;
  uint32_t depth = 0;
  for (uint32_t b = kAgeBuckets; b-- > 0;) {
    Wait wait = wait_through(hazards[b], kAgeRanges[b].length);
    while (depth > 0 && waits[depth - 1].rate() > wait.rate()) wait = then(wait, waits[--depth]);
    waits[depth++] = wait;
    scores_[index(frequency, b)].store(static_cast<float>(wait.rate()), std::memory_order_relaxed);
  }
}

}  // namespace larder::storage
