#include "server/core/random_bits.h"

#include <random>

#include "server/core/args.h"

namespace larder::core {

uint64_t random_bits() {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return generator();
}

DrawRequest read_draw(Args& args, std::string_view with_values) {
  constexpr int64_t kMax = INT64_MAX;
  DrawRequest request;
  request.count = args.integer();
  if (request.count < -kMax) args.fail(errors::out_of_range(-kMax, kMax));
  request.with_values = args.option(with_values);
  if (!args.done()) args.fail(errors::kSyntax);
  const bool doubled = request.count < -kMax / 2 || request.count > kMax / 2;
  if (request.with_values && doubled) args.fail(errors::kOutOfRange);
  return request;
}

bool can_draw(uint64_t draws, size_t bytes, size_t elements) {
  constexpr uint64_t kReplyBytesMax = uint64_t{1} << 30;
  constexpr uint64_t kHeadBytes = 8;  // of a reply's element, roughly
  return draws <= elements || draws <= kReplyBytesMax / (bytes / elements + kHeadBytes);
}

}  // namespace larder::core
