// Rate limits against references that are written in another way: a bucket that is filled in
// fractions, a list of all that was ever taken.
#include "storage/types/rate_limit.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace larder::storage {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;

// A limiter whose state is kept here instead of in a key.
class Limiter {
 public:
  RateDecision ask(const RateRequest& request, int64_t now_ms) {
    if (expire_at_ms_ <= now_ms) state_.clear();
    RateState next;
    const Result<RateStep> step = decide(request, state_, now_ms, next);
    EXPECT_TRUE(step.ok());
    if (step.value().changed) {
      state_ = next.bytes();
      expire_at_ms_ = step.value().expire_at_ms;
      EXPECT_GT(expire_at_ms_, now_ms);
    }
    return step.value().decision;
  }
  size_t state_bytes() const { return state_.size(); }

 private:
  std::string state_;
  int64_t expire_at_ms_ = 0;
};

constexpr int64_t kNeverPasses = -1;

// Filled millisecond by millisecond.
class ReferenceBucket {
 public:
  ReferenceBucket(int64_t limit, int64_t period_ms, int64_t burst)
      : limit_(limit), period_ms_(period_ms), burst_(burst), tokens_(burst) {}
  bool take(int64_t now_ms, int64_t cost) {
    refill(now_ms);
    if (tokens_ < cost) return false;
    tokens_ -= cost;
    return true;
  }
  int64_t tokens() const { return tokens_; }

 private:
  void refill(int64_t now_ms) {
    for (; last_ms_ != 0 && last_ms_ < now_ms && tokens_ < burst_; last_ms_++) {
      part_ += limit_;
      tokens_ += part_ / period_ms_;
      part_ %= period_ms_;
    }
    if (tokens_ >= burst_) {
      tokens_ = burst_;
      part_ = 0;
    }
    last_ms_ = now_ms;
  }

  int64_t limit_, period_ms_, burst_;
  int64_t tokens_;
  int64_t part_ = 0;  // of a token, in 1/period
  int64_t last_ms_ = 0;
};

class ReferenceLog {
 public:
  ReferenceLog(int64_t limit, int64_t period_ms) : limit_(limit), period_ms_(period_ms) {}
  bool take(int64_t now_ms, int64_t cost) {
    while (!taken_.empty() && taken_.front() + period_ms_ <= now_ms) taken_.pop_front();
    if (static_cast<int64_t>(taken_.size()) + cost > limit_) return false;
    taken_.insert(taken_.end(), static_cast<size_t>(cost), now_ms);
    return true;
  }
  int64_t tokens() const { return limit_ - static_cast<int64_t>(taken_.size()); }

 private:
  int64_t limit_, period_ms_;
  std::deque<int64_t> taken_;
};

// By the number of a window, counted from the first request after a time without any state.
class ReferenceWindows {
 public:
  ReferenceWindows(int64_t limit, int64_t period_ms, bool sliding)
      : limit_(limit), period_ms_(period_ms), sliding_(sliding) {}
  bool take(int64_t now_ms, int64_t cost) {
    if (origin_ms_ == 0 || now_ms - origin_ms_ >= period_ms_ * (last_ + (sliding_ ? 2 : 1))) {
      origin_ms_ = now_ms;
      windows_.clear();
      last_ = 0;
    }
    now_ms_ = now_ms;
    if (used() + static_cast<long double>(cost) > static_cast<long double>(limit_)) {
      if (windows_.empty()) origin_ms_ = 0;  // nothing was taken: no window has begun
      return false;
    }
    last_ = (now_ms - origin_ms_) / period_ms_;
    windows_[last_] += cost;
    return true;
  }
  long double tokens() { return static_cast<long double>(limit_) - used(); }

 private:
  // Exact for the small numbers here: 64 bits of mantissa.
  long double used() {
    if (origin_ms_ == 0) return 0;
    const int64_t window = (now_ms_ - origin_ms_) / period_ms_;
    const int64_t elapsed_ms = (now_ms_ - origin_ms_) % period_ms_;
    auto all = static_cast<long double>(taken_in(window));
    if (sliding_) {
      all += static_cast<long double>(taken_in(window - 1) * (period_ms_ - elapsed_ms)) /
             static_cast<long double>(period_ms_);
    }
    return all;
  }

  int64_t taken_in(int64_t window) const {
    const auto found = windows_.find(window);
    return found != windows_.end() ? found->second : 0;
  }

  int64_t limit_, period_ms_;
  bool sliding_;
  int64_t origin_ms_ = 0;
  int64_t now_ms_ = 0;
  int64_t last_ = 0;
  std::map<int64_t, int64_t> windows_;
};

struct Terms {
  int64_t limit;
  int64_t period_ms;
  int64_t burst;
};

std::vector<Terms> random_terms(std::mt19937_64& random, int rounds) {
  std::vector<Terms> all;
  for (int i = 0; i < rounds; i++) {
    const auto limit = static_cast<int64_t>(1 + random() % 30);
    all.push_back({limit, static_cast<int64_t>(1 + random() % 2000),
                   static_cast<int64_t>(1 + random() % 40)});
  }
  return all;
}

// Random requests to the limiter and to `reference`, which must agree on each; and what a refusal
// promises must hold: too early by a millisecond the request is refused, in time it passes.
template <typename Reference>
void compare(const RateRequest& request_given, Reference reference, std::mt19937_64& random) {
  Limiter limiter;
  RateRequest request = request_given;
  const RateLimit limit = request.limits[0];
  int64_t now_ms = kStartMs;
  for (int i = 0; i < 400; i++) {
    now_ms += static_cast<int64_t>(random() % static_cast<uint64_t>(limit.period_ms / 4 + 2));
    if (random() % 50 == 0) now_ms += limit.period_ms * 3;
    request.cost = static_cast<int64_t>(1 + random() % 3);
    request.peek = true;
    Limiter copy = limiter;
    const RateDecision seen = copy.ask(request, now_ms);
    request.peek = false;
    const RateDecision decision = limiter.ask(request, now_ms);
    ASSERT_EQ(seen.limited, decision.limited);
    ASSERT_EQ(decision.limited, !reference.take(now_ms, request.cost))
        << limit.limit << "/" << limit.period_ms << " burst " << request.burst << " step " << i;
    ASSERT_EQ(decision.remaining,
              static_cast<int64_t>(std::max<decltype(reference.tokens())>(reference.tokens(), 0)));
    ASSERT_EQ(decision.retry_after_ms == kNeverPasses,
              !decision.limited || request.cost > decision.limit);
    if (decision.retry_after_ms == kNeverPasses) continue;
    ASSERT_GT(decision.retry_after_ms, 0);
    request.peek = true;
    copy = limiter;
    ASSERT_TRUE(copy.ask(request, now_ms + decision.retry_after_ms - 1).limited);
    ASSERT_FALSE(copy.ask(request, now_ms + decision.retry_after_ms).limited);
  }
}

TEST(RateLimit, GcraIsATokenBucket) {
  std::mt19937_64 random(1);
  for (const Terms& terms : random_terms(random, 300)) {
    const RateLimit limits[] = {{terms.limit, terms.period_ms}};
    compare({.limits = limits, .burst = terms.burst},
            ReferenceBucket(terms.limit, terms.period_ms, terms.burst), random);
  }
}

TEST(RateLimit, FixedCountsInWindows) {
  std::mt19937_64 random(2);
  for (const Terms& terms : random_terms(random, 300)) {
    const RateLimit limits[] = {{terms.limit, terms.period_ms}};
    compare({.limits = limits, .algorithm = RateAlgorithm::kFixed},
            ReferenceWindows(terms.limit, terms.period_ms, false), random);
  }
}

TEST(RateLimit, SlidingWeighsTheWindowBefore) {
  std::mt19937_64 random(3);
  for (const Terms& terms : random_terms(random, 300)) {
    const RateLimit limits[] = {{terms.limit, terms.period_ms}};
    compare({.limits = limits, .algorithm = RateAlgorithm::kSliding},
            ReferenceWindows(terms.limit, terms.period_ms, true), random);
  }
}

TEST(RateLimit, LogNeverLetsMoreThroughInAnyPeriod) {
  std::mt19937_64 random(4);
  for (const Terms& terms : random_terms(random, 300)) {
    const RateLimit limits[] = {{terms.limit, terms.period_ms}};
    compare({.limits = limits, .algorithm = RateAlgorithm::kLog},
            ReferenceLog(terms.limit, terms.period_ms), random);
  }
}

TEST(RateLimit, AllLimitsAreChargedOrNone) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; round++) {
    const std::vector<Terms> terms = random_terms(random, 3);
    std::vector<RateLimit> limits;
    std::vector<ReferenceBucket> references;
    for (const Terms& t : terms) {
      limits.push_back({t.limit, t.period_ms});
      references.emplace_back(t.limit, t.period_ms, t.limit);
    }
    Limiter limiter;
    RateRequest request{.limits = limits};
    int64_t now_ms = kStartMs;
    for (int i = 0; i < 200; i++) {
      now_ms += static_cast<int64_t>(random() % 200);
      request.cost = static_cast<int64_t>(1 + random() % 3);
      auto tried = references;
      bool passes = true;
      for (ReferenceBucket& reference : tried) passes &= reference.take(now_ms, request.cost);
      for (ReferenceBucket& reference : references)
        reference.take(now_ms, passes ? request.cost : 0);
      const RateDecision decision = limiter.ask(request, now_ms);
      ASSERT_EQ(decision.limited, !passes);
      const int64_t left = references[decision.binding].tokens();
      ASSERT_EQ(decision.remaining, left);
      if (decision.limited) {
        ASSERT_LT(left, request.cost);
        continue;
      }
      for (const ReferenceBucket& reference : references) ASSERT_GE(reference.tokens(), left);
    }
  }
}

TEST(RateLimit, HoldsAtTheEndsOfItsRanges) {
  for (const int64_t limit : {int64_t{1}, kRateMax}) {
    for (const int64_t period_ms : {int64_t{1}, kRatePeriodMsMax}) {
      const RateLimit limits[] = {{limit, period_ms}};
      for (const auto algorithm :
           {RateAlgorithm::kGcra, RateAlgorithm::kFixed, RateAlgorithm::kSliding}) {
        Limiter limiter;
        RateRequest request{.limits = limits, .algorithm = algorithm, .cost = limit};
        EXPECT_FALSE(limiter.ask(request, kStartMs).limited);
        request.cost = 1;
        const RateDecision refused = limiter.ask(request, kStartMs);
        EXPECT_TRUE(refused.limited);
        EXPECT_EQ(refused.remaining, 0);
        EXPECT_GT(refused.retry_after_ms, 0);
        EXPECT_LE(refused.retry_after_ms, 2 * period_ms);
        EXPECT_TRUE(limiter.ask(request, kStartMs + refused.retry_after_ms - 1).limited);
        EXPECT_FALSE(limiter.ask(request, kStartMs + refused.retry_after_ms).limited);
        EXPECT_LE(limiter.state_bytes(), 21u);
      }
    }
  }
}

// Each time the clock stands somewhere else, and in all that time not more passes than a limit, nor
// is anybody locked out for longer than it takes an exhausted one.
TEST(RateLimit, AClockThatIsSetBackDoesNoHarm) {
  const RateLimit limits[] = {{10, 1000}};
  for (const auto algorithm : {RateAlgorithm::kGcra, RateAlgorithm::kFixed, RateAlgorithm::kSliding,
                               RateAlgorithm::kLog}) {
    Limiter limiter;
    RateRequest request{.limits = limits, .algorithm = algorithm};
    int64_t now_ms = kStartMs;
    int passed = 0;
    for (int i = 0; i < 100; i++) {
      passed += limiter.ask(request, now_ms).limited ? 0 : 1;
      now_ms -= i * 1000;
    }
    // A bucket whose time lies too far ahead is taken to be empty.
    EXPECT_LE(passed, 10);
    EXPECT_GE(passed, algorithm == RateAlgorithm::kGcra ? 2 : 10);
    EXPECT_TRUE(limiter.ask(request, now_ms).limited);
    EXPECT_FALSE(limiter.ask(request, now_ms + 2000).limited);
  }
}

TEST(RateLimit, ScaledLimitsShareOneState) {
  const RateLimit limits[] = {{100, 1000}};
  for (const auto algorithm : {RateAlgorithm::kGcra, RateAlgorithm::kFixed, RateAlgorithm::kSliding,
                               RateAlgorithm::kLog}) {
    Limiter limiter;
    RateRequest request{.limits = limits, .algorithm = algorithm, .cost = 60};
    EXPECT_EQ(limiter.ask(request, kStartMs).remaining, 40);
    request.cost = 1;
    request.scale_percent = 50;
    const RateDecision scaled = limiter.ask(request, kStartMs);
    EXPECT_EQ(scaled.limit, 50);
    // A bucket that refills at half the rate is as full as before; windows hold what they hold.
    EXPECT_EQ(scaled.limited, algorithm != RateAlgorithm::kGcra);
    request.scale_percent = 200;
    EXPECT_FALSE(limiter.ask(request, kStartMs).limited);
  }
}

// Debt taken under a scale outlives it, however the bucket's size was rounded.
TEST(RateLimit, AScaleForgivesNothing) {
  const RateLimit limits[] = {{10, 1000}};
  Limiter limiter;
  RateRequest request{.limits = limits, .burst = 1, .scale_percent = 10};
  EXPECT_FALSE(limiter.ask(request, kStartMs).limited);
  EXPECT_EQ(limiter.ask(request, kStartMs + 1).retry_after_ms, 999);
  EXPECT_FALSE(limiter.ask(request, kStartMs + 1000).limited);
}

TEST(RateLimit, OtherPeriodsOrAnotherAlgorithmBeginAnew) {
  const RateLimit second[] = {{1, 1000}};
  const RateLimit minute[] = {{1, 60'000}};
  Limiter limiter;
  EXPECT_FALSE(limiter.ask({.limits = second}, kStartMs).limited);
  EXPECT_TRUE(limiter.ask({.limits = second}, kStartMs).limited);
  EXPECT_FALSE(limiter.ask({.limits = minute}, kStartMs).limited);
  EXPECT_FALSE(limiter.ask({.limits = minute, .algorithm = RateAlgorithm::kLog}, kStartMs).limited);
  EXPECT_FALSE(
      limiter.ask({.limits = minute, .algorithm = RateAlgorithm::kFixed}, kStartMs).limited);
}

TEST(RateLimit, NoStateIsTrusted) {
  const RateLimit limits[] = {{5, 1000}};
  std::mt19937_64 random(6);
  for (int i = 0; i < 20'000; i++) {
    std::string state(random() % 45, '\0');
    for (char& c : state) c = static_cast<char>(random());
    const auto algorithm = static_cast<RateAlgorithm>(1 + random() % 4);
    if (!state.empty() && random() % 4 != 0) state[0] = static_cast<char>(algorithm);
    if (state.size() >= 7 && random() % 2 == 0) {
      const int64_t period_ms = 1000;
      std::memcpy(state.data() + 1, &period_ms, 6);
    }
    RateState next;
    const Result<RateStep> step =
        decide({.limits = limits, .algorithm = algorithm}, state, kStartMs, next);
    if (!step.ok()) continue;
    const RateDecision& decision = step.value().decision;
    EXPECT_GE(decision.remaining, 0);
    EXPECT_LE(decision.remaining, 5);
    EXPECT_LE(decision.retry_after_ms, 2000);
    if (!step.value().changed) continue;
    RateState behind;
    EXPECT_TRUE(
        decide({.limits = limits, .algorithm = algorithm}, next.bytes(), kStartMs, behind).ok());
  }
}

}  // namespace
}  // namespace larder::storage
