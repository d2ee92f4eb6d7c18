#include "storage/learned_scores.h"

#include <bit>
#include <cmath>
#include <numeric>

#include "storage/access_clock.h"

namespace larder::storage {
namespace {

// What is left of the counts after each round of learning.
constexpr double kFade = 0.98;

// Before there is evidence about a kind, it is taken to be hit in proportion to its frequency and
// against its age, as if that had been seen in so many samples. All three numbers were chosen on
// traces of web pages, database objects and recommendations (bench/hit_ratio); twice or half as
// much changes hit ratios by less than half a point.
constexpr double kPriorSamples = 16;
constexpr double kPriorFrequency = 0.5;
constexpr double kPriorGenerations = 4;

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
  // Near enough to exp(-expected), of which learn() would need hundreds.
  const double expected = hazard * length;
  const double survival = 1 / (1 + expected + expected * expected / 2);
  const double ticks = expected > 1e-9 ? (1 - survival) / hazard : length;
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

std::array<double, LearnedScores::kKinds> LearnedScores::read_and_fade(Counts& counts,
                                                                       double fade) {
  std::array<double, kKinds> values;
  for (uint32_t kind = 0; kind < kKinds; kind++) {
    const auto value = static_cast<double>(counts[kind].load(std::memory_order_relaxed));
    counts[kind].store(static_cast<uint64_t>(value * fade), std::memory_order_relaxed);
    values[kind] = value / kUnit;
  }
  return values;
}

void LearnedScores::learn(uint64_t ticks, uint64_t keys) {
  if (learning_.test_and_set(std::memory_order_acquire)) return;
  const std::array<double, kKinds> samples = read_and_fade(samples_, kFade);
  const double all_samples = std::accumulate(samples.begin(), samples.end(), 0.0);
  // Hits from times when nothing was sampled cannot be related to anything.
  const bool any = all_samples > 0 && keys > 0;
  const std::array<double, kKinds> hits = read_and_fade(hits_, any ? kFade : 0);
  const double all_hits = std::accumulate(hits.begin(), hits.end(), 0.0);
  ticks_ = any ? ticks_ + static_cast<double>(ticks) : 0;
  const Evidence evidence = {hits, samples, all_hits > 0 && any ? all_hits / all_samples : 1,
                             ticks_ > 0 ? all_samples / (ticks_ * static_cast<double>(keys)) : 1};
  for (uint32_t frequency = 0; frequency < kFrequencies; frequency++) {
    score_frequency(frequency, evidence);
  }
  ticks_ *= kFade;
  learning_.clear(std::memory_order_release);
}

// Hits per sample are a rate per key and tick once they are multiplied by how often a key is
// sampled in a tick.
double LearnedScores::hazard(uint32_t frequency, uint32_t bucket, const Evidence& evidence) {
  const double generations = kAgeRanges[bucket].first / AccessClock::kTicksPerGeneration;
  const double prior =
      evidence.hits_per_sample * (frequency + kPriorFrequency) / (generations + kPriorGenerations);
  const uint32_t kind = index(frequency, bucket);
  const double rate =
      (evidence.hits[kind] + kPriorSamples * prior) / (evidence.samples[kind] + kPriorSamples);
  return rate * evidence.samples_per_key_and_tick;
}

// From the oldest ages to the youngest. The wait for a hit may be given up at any age; it is worth
// to go on into the ages that follow as long as they bring more hits a tick than the wait so far.
// Whatever is worth it is joined to the wait, so each bucket is joined once.
void LearnedScores::score_frequency(uint32_t frequency, const Evidence& evidence) {
  std::array<Wait, kAgeBuckets> waits;
  uint32_t depth = 0;
  for (uint32_t b = kAgeBuckets; b-- > 0;) {
    Wait wait = wait_through(hazard(frequency, b, evidence), kAgeRanges[b].length);
    while (depth > 0 && waits[depth - 1].rate() > wait.rate()) wait = then(wait, waits[--depth]);
    waits[depth++] = wait;
    scores_[index(frequency, b)].store(static_cast<float>(wait.rate()), std::memory_order_relaxed);
  }
}

}  // namespace larder::storage
