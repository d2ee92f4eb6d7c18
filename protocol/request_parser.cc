#include "protocol/request_parser.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "protocol/words.h"

namespace larder::protocol {
namespace {

// The integer of a header line, as strictly as Redis' string2ll: no sign but '-', no blank, no
// leading zero.
bool parse_header_integer(std::string_view text, int64_t& value) {
  const size_t first = !text.empty() && text[0] == '-' ? 1 : 0;
  const bool canonical =
      text == "0" || (first < text.size() && text[first] >= '1' && text[first] <= '9');
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return canonical && error == std::errc() && end == text.data() + text.size();
}

// A header with a number of at most three digits, as nearly all are: what follows it; null if it is
// not such a one, or so near the end of the bytes that the request cannot be complete.
constexpr uint32_t kShortNumberMax = 999;
constexpr ptrdiff_t kShortHeaderBytes = 6;

inline const char* read_short_header(const char* at, const char* end, char type, uint32_t& value) {
  if (end - at < kShortHeaderBytes || at[0] != type) return nullptr;
  const auto digit = [&](int i) { return static_cast<uint32_t>(at[i]) - '0'; };
  value = digit(1);
  if (value - 1 > 8) return nullptr;
  for (int i = 2; i <= 4; i++) {
    if (at[i] == '\r') return at + i + 2;
    if (digit(i) > 9) break;
    value = value * 10 + digit(i);
  }
  return nullptr;
}

}  // namespace

void RequestBatch::clear() {
  constexpr size_t kArgumentsKept = 4096;
  arguments_.clear();
  if (arguments_.capacity() > kArgumentsKept) arguments_.shrink_to_fit();
  size_ = 0;
  if (!texts_.empty()) texts_.clear();
}

ParseResult RequestParser::parse(std::string_view bytes, RequestBatch& batch,
                                 const ParserLimits& limits) {
  ParseResult result;
  const bool plain = limits.authenticated && limits.bulk_bytes_max >= kShortNumberMax;
  while (batch.size_ < RequestBatch::kRequestsMax && result.consumed < bytes.size()) {
    const size_t first = batch.arguments_.size();
    const std::string_view rest = bytes.substr(result.consumed);
    size_t length = plain && kept_ == nullptr ? parse_plain(rest, batch) : 0;
    if (length == 0) {
      Reading reading{rest, batch, limits, kept_ != nullptr ? kept_->at : Position()};
      const Step step = parse_one(reading);
      if (step == Step::kNeedMore) break;
      if (step == Step::kError) {
        batch.arguments_.resize(first);
        result.error = reading.error;
        break;
      }
      length = reading.at.offset;
    }
    result.consumed += length;
    const size_t count = batch.arguments_.size() - first;
    if (count > 0) {
      batch.requests_[batch.size_++] = {static_cast<uint32_t>(first), static_cast<uint32_t>(count),
                                        result.consumed};
    }
  }
  return result;
}

// Reads the request at the front of the bytes if it is all there and its numbers are short, and
// answers its length. 0: it is left to parse_one(), which takes whatever a request may be.
size_t RequestParser::parse_plain(std::string_view bytes, RequestBatch& batch) {
  const char* const end = bytes.data() + bytes.size();
  const size_t first = batch.arguments_.size();
  uint32_t count = 0;
  const char* at = read_short_header(bytes.data(), end, '*', count);
  if (at == nullptr) return 0;
  for (; count > 0; count--) {
    uint32_t size = 0;
    const char* const text = read_short_header(at, end, '$', size);
    if (text == nullptr || end - text < static_cast<ptrdiff_t>(size) + 2) {
      batch.arguments_.resize(first);
      return 0;
    }
    batch.arguments_.emplace_back(text, size);
    at = text + size + 2;
  }
  return static_cast<size_t>(at - bytes.data());
}

std::optional<RequestParser::UnfinishedBulk> RequestParser::unfinished_bulk(
    size_t bytes_held) const {
  if (kept_ == nullptr || kept_->at.bulk_bytes < 0 || kept_->places_left()) return std::nullopt;
  const auto size = static_cast<size_t>(kept_->at.bulk_bytes);
  const size_t held = bytes_held - kept_->at.offset;
  if (held >= size) return std::nullopt;
  return UnfinishedBulk{size, held};
}

void RequestParser::forget_placed() {
  if (kept_ == nullptr) return;
  kept_->placed = std::vector<Placed>();
  kept_->placed_next = 0;
  if (kept_->at.offset == 0) kept_.reset();
}

void RequestParser::reset() {
  if (kept_ == nullptr) return;
  forget_position();
  if (kept_ != nullptr) kept_->placed_next = 0;
}

// The request is complete, or will be given again.
void RequestParser::forget_position() {
  if (kept_ == nullptr) return;
  if (kept_->placed.empty()) return kept_.reset();
  kept_->at = Position();
  kept_->arguments = std::vector<Argument>();
}

size_t RequestParser::memory_bytes() const {
  if (kept_ == nullptr) return 0;
  return sizeof(Kept) + kept_->arguments.capacity() * sizeof(Argument) +
         kept_->placed.capacity() * sizeof(Placed);
}

// Reads the request at the front of the bytes. While it is incomplete its arguments are kept as
// offsets and none of them is looked at again, or a peer that sends a long request in small pieces
// would cost the square of its length.
RequestParser::Step RequestParser::parse_one(Reading& reading) {
  const size_t first = reading.batch.arguments_.size();
  const size_t first_placed = kept_ != nullptr ? kept_->placed_next : 0;
  const Step step = parse_arguments(reading);
  if (step == Step::kNeedMore) {
    keep(reading, first, first_placed);
  } else if (kept_ != nullptr) {
    if (step == Step::kDone) restore_arguments(reading, first);
    forget_position();
  }
  return step;
}

RequestParser::Step RequestParser::parse_arguments(Reading& reading) {
  Step step = Step::kDone;
  Position& at = reading.at;
  if (at.arguments_left < 0) {
    if (reading.bytes[0] != '*') return parse_inline(reading);
    step = parse_count(reading);
  }
  while (kept_ != nullptr && kept_->places_left() && step == Step::kDone && at.arguments_left > 0) {
    step = parse_placed(reading);
  }
  while (step == Step::kDone && at.arguments_left > 0) step = parse_bulk(reading);
  return step;
}

// Moves the arguments behind `first` out of the batch; those placed among them are from
// `first_placed` on.
void RequestParser::keep(const Reading& reading, size_t first, size_t first_placed) {
  if (kept_ == nullptr) kept_ = std::make_unique<Kept>();
  kept_->at = reading.at;
  std::vector<std::string_view>& arguments = reading.batch.arguments_;
  for (size_t i = first; i < arguments.size(); i++) {
    const std::string_view a = arguments[i];
    const bool placed =
        first_placed < kept_->placed_next && a.data() == kept_->placed[first_placed].data;
    const size_t offset = placed ? kPlacedFlag | first_placed++
                                 : static_cast<size_t>(a.data() - reading.bytes.data());
    kept_->arguments.push_back({offset, a.size()});
  }
  arguments.resize(first);
}

// Puts the arguments that earlier calls found in front of those of this call.
void RequestParser::restore_arguments(const Reading& reading, size_t first) const {
  std::vector<std::string_view>& arguments = reading.batch.arguments_;
  const size_t known = kept_->arguments.size();
  arguments.insert(arguments.begin() + static_cast<ptrdiff_t>(first), known, {});
  for (size_t i = 0; i < known; i++) {
    const Argument& a = kept_->arguments[i];
    const bool placed = (a.offset & kPlacedFlag) != 0;
    arguments[first + i] =
        placed ? std::string_view(kept_->placed[a.offset & ~kPlacedFlag].data, a.size)
               : reading.bytes.substr(a.offset, a.size);
  }
}

RequestParser::Step RequestParser::parse_inline(Reading& reading) {
  const std::string_view bytes = reading.bytes;
  const size_t from = reading.at.offset;
  const void* newline = std::memchr(bytes.data() + from, '\n', bytes.size() - from);
  if (newline == nullptr) {
    if (bytes.size() > kLineBytesMax) return fail(reading, "too big inline request");
    reading.at.offset = bytes.size();
    return Step::kNeedMore;
  }
  const size_t end = static_cast<size_t>(static_cast<const char*>(newline) - bytes.data());
  std::string_view line = bytes.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  WordSplitter splitter(line);
  std::string word;
  RequestBatch& batch = reading.batch;
  while (splitter.next(word)) {
    batch.texts_.push_back(std::move(word));
    batch.arguments_.push_back(batch.texts_.back());
    word = std::string();
  }
  if (!splitter.balanced()) return fail(reading, "unbalanced quotes in request");
  reading.at.offset = end + 1;
  return Step::kDone;
}

RequestParser::Step RequestParser::parse_count(Reading& reading) {
  int64_t count = 0;
  bool valid = false;
  const Step step = read_header(reading, "too big mbulk count string", count, valid);
  if (step != Step::kDone) return step;
  if (!valid || count > kArgumentsMax) return fail(reading, "invalid multibulk length");
  if (count > kUnauthenticatedArgumentsMax && !reading.limits.authenticated) {
    return fail(reading, "unauthenticated multibulk length");
  }
  reading.at.arguments_left = count > 0 ? count : 0;
  return Step::kDone;
}

// One argument: "$<size>\r\n<bytes>\r\n".
RequestParser::Step RequestParser::parse_bulk(Reading& reading) {
  Position& at = reading.at;
  if (at.bulk_bytes < 0) {
    const Step step = read_bulk_size(reading);
    if (step != Step::kDone) return step;
  }
  const auto size = static_cast<size_t>(at.bulk_bytes);
  if (reading.bytes.size() - at.offset < size + 2) return Step::kNeedMore;
  reading.batch.arguments_.push_back(reading.bytes.substr(at.offset, size));
  at.offset += size + 2;
  at.bulk_bytes = -1;
  at.arguments_left--;
  return Step::kDone;
}

// The same while strings of the request are placed elsewhere: of such a one, "$<size>\r\n" and
// "\r\n".
RequestParser::Step RequestParser::parse_placed(Reading& reading) {
  Position& at = reading.at;
  if (at.bulk_bytes < 0) {
    const Step step = read_bulk_size(reading);
    if (step != Step::kDone) return step;
  }
  const Placed& placed = kept_->placed[kept_->placed_next];
  if (placed.offset != at.offset) return parse_bulk(reading);
  if (reading.bytes.size() - at.offset < 2) return Step::kNeedMore;
  reading.batch.arguments_.emplace_back(placed.data, static_cast<size_t>(at.bulk_bytes));
  kept_->placed_next++;
  at.offset += 2;
  at.bulk_bytes = -1;
  at.arguments_left--;
  return Step::kDone;
}

RequestParser::Step RequestParser::read_bulk_size(Reading& reading) {
  const size_t start = reading.at.offset;
  int64_t size = 0;
  bool valid = false;
  const Step step = read_header(reading, "too big bulk count string", size, valid);
  if (step != Step::kDone) return step;
  if (const char type = reading.bytes[start]; type != '$') {
    std::deque<std::string>& texts = reading.batch.texts_;
    texts.push_back(std::string("expected '$', got '") + type + "'");
    return fail(reading, texts.back());
  }
  if (!valid || size < 0 || size > reading.limits.bulk_bytes_max) {
    return fail(reading, "invalid bulk length");
  }
  if (size > kUnauthenticatedBulkBytesMax && !reading.limits.authenticated) {
    return fail(reading, "unauthenticated bulk length");
  }
  reading.at.bulk_bytes = size;
  return Step::kDone;
}

// Reads "<type><integer>\r\n" where the reading stands and moves behind it. As Redis does, the line
// ends at '\r' and whatever follows that byte is taken for the '\n'.
RequestParser::Step RequestParser::read_header(Reading& reading, const char* too_big,
                                               int64_t& value, bool& valid) {
  const char* from = reading.bytes.data() + reading.at.offset;
  const size_t left = reading.bytes.size() - reading.at.offset;
  const void* end = std::memchr(from, '\r', left <= kLineBytesMax ? left : kLineBytesMax + 1);
  if (end == nullptr) return left > kLineBytesMax ? fail(reading, too_big) : Step::kNeedMore;
  const size_t length = static_cast<size_t>(static_cast<const char*>(end) - from);
  if (left < length + 2) return Step::kNeedMore;
  valid = length > 0 && parse_header_integer(std::string_view(from + 1, length - 1), value);
  reading.at.offset += length + 2;
  return Step::kDone;
}

RequestParser::Step RequestParser::fail(Reading& reading, std::string_view text) {
  reading.error = text;
  return Step::kError;
}

}  // namespace larder::protocol
