#include "server/core/tag_arguments.h"

namespace larder::core {
namespace {

std::span<const std::string_view> check_lengths(Args& args,
                                                std::span<const std::string_view> tags) {
  for (const std::string_view tag : tags) {
    if (tag.size() > kTagBytesMax) args.fail(errors::kTagTooLong);
  }
  return args.failed() ? std::span<const std::string_view>() : tags;
}

}  // namespace

std::span<const std::string_view> read_counted_tags(Args& args, size_t tags_max) {
  const int64_t count = args.integer(1, INT64_MAX, errors::kNumtags);
  if (args.failed()) return {};
  if (static_cast<size_t>(count) > args.left()) args.fail(errors::kMoreTagsThanArguments);
  if (static_cast<size_t>(count) > tags_max) args.fail(errors::kTooManyTags);
  return check_lengths(args, args.take(static_cast<size_t>(count)));
}

std::span<const std::string_view> read_tags(Args& args) {
  return check_lengths(args, args.take(args.left()));
}

}  // namespace larder::core
