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

}  // namespace

void RequestBatch::clear() {
  constexpr size_t kArgumentsKept = 4096;
  arguments_.clear();
  if (arguments_.capacity() > kArgumentsKept) arguments_.shrink_to_fit();
  requests_.clear();
  if (!unquoted_.empty()) unquoted_.clear();
}

ParseResult RequestParser::parse(std::string_view bytes, RequestBatch& batch,
                                 const ParserLimits& limits) {
  ParseResult result;
  while (batch.requests_.size() < RequestBatch::kRequestsMax && result.consumed < bytes.size()) {
    const size_t first = batch.arguments_.size();
    const Step step = parse_one(bytes.substr(result.consumed), batch, limits);
    if (step == Step::kNeedMore) break;
    if (step == Step::kError) {
      batch.arguments_.resize(first);
      result.error = std::move(error_);
      break;
    }
    result.consumed += offset_;
    const size_t count = batch.arguments_.size() - first;
    if (count > 0) {
      batch.requests_.push_back(
          {static_cast<uint32_t>(first), static_cast<uint32_t>(count), result.consumed});
    }
  }
  return result;
}

std::optional<RequestParser::UnfinishedBulk> RequestParser::unfinished_bulk(
    size_t bytes_held) const {
  if (progress_.bulk_bytes < 0 || placed_next_ < placed_.size()) return std::nullopt;
  const auto size = static_cast<size_t>(progress_.bulk_bytes);
  const size_t held = bytes_held - progress_.offset;
  if (held >= size) return std::nullopt;
  return UnfinishedBulk{size, held};
}

void RequestParser::forget_placed() {
  placed_ = std::vector<Placed>();
  placed_next_ = 0;
}

void RequestParser::reset() {
  progress_ = Progress{};
  placed_next_ = 0;
}

// Parses the request at the front of bytes. kDone: offset_ is its length. While it is incomplete
// its arguments are kept as offsets and none of them is looked at again, or a peer that sends a
// long request in small pieces would cost the square of its length.
RequestParser::Step RequestParser::parse_one(std::string_view bytes, RequestBatch& batch,
                                             const ParserLimits& limits) {
  const size_t first = batch.arguments_.size();
  const size_t first_placed = placed_next_;
  offset_ = progress_.offset;
  arguments_left_ = progress_.arguments_left;
  bulk_bytes_ = progress_.bulk_bytes;

  Step step = Step::kDone;
  if (arguments_left_ < 0) {
    if (bytes[0] != '*') return parse_inline(bytes, batch);
    step = parse_count(bytes, limits);
  }
  while (placed_next_ < placed_.size() && step == Step::kDone && arguments_left_ > 0) {
    step = parse_placed(bytes, batch, limits);
  }
  while (step == Step::kDone && arguments_left_ > 0) step = parse_bulk(bytes, batch, limits);

  if (step == Step::kNeedMore) {
    keep_progress(bytes, batch, first, first_placed);
  } else if (progress_.offset > 0) {
    if (step == Step::kDone) restore_arguments(bytes, batch, first);
    progress_ = Progress{};
  }
  return step;
}

// Moves the arguments behind `first` from the batch to the progress; those placed among them are
// from `first_placed` on.
void RequestParser::keep_progress(std::string_view bytes, RequestBatch& batch, size_t first,
                                  size_t first_placed) {
  progress_.offset = offset_;
  progress_.arguments_left = arguments_left_;
  progress_.bulk_bytes = bulk_bytes_;
  for (size_t i = first; i < batch.arguments_.size(); i++) {
    const std::string_view a = batch.arguments_[i];
    const bool placed = first_placed < placed_next_ && a.data() == placed_[first_placed].data;
    const size_t offset =
        placed ? kPlacedFlag | first_placed++ : static_cast<size_t>(a.data() - bytes.data());
    progress_.arguments.push_back({offset, a.size()});
  }
  batch.arguments_.resize(first);
}

// Puts the arguments that earlier calls found in front of those of this call.
void RequestParser::restore_arguments(std::string_view bytes, RequestBatch& batch, size_t first) {
  std::vector<std::string_view>& arguments = batch.arguments_;
  const size_t known = progress_.arguments.size();
  arguments.insert(arguments.begin() + static_cast<ptrdiff_t>(first), known, {});
  for (size_t i = 0; i < known; i++) {
    const Argument& a = progress_.arguments[i];
    const bool placed = (a.offset & kPlacedFlag) != 0;
    arguments[first + i] = placed ? std::string_view(placed_[a.offset & ~kPlacedFlag].data, a.size)
                                  : bytes.substr(a.offset, a.size);
  }
}

RequestParser::Step RequestParser::parse_inline(std::string_view bytes, RequestBatch& batch) {
  const size_t from = offset_;
  const void* newline = std::memchr(bytes.data() + from, '\n', bytes.size() - from);
  if (newline == nullptr) {
    if (bytes.size() > kLineBytesMax) return fail("too big inline request");
    progress_.offset = bytes.size();
    return Step::kNeedMore;
  }
  const size_t end = static_cast<size_t>(static_cast<const char*>(newline) - bytes.data());
  std::string_view line = bytes.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  WordSplitter splitter(line);
  std::string word;
  while (splitter.next(word)) {
    batch.unquoted_.push_back(std::move(word));
    batch.arguments_.push_back(batch.unquoted_.back());
    word = std::string();
  }
  progress_ = Progress{};
  if (!splitter.balanced()) return fail("unbalanced quotes in request");
  offset_ = end + 1;
  return Step::kDone;
}

RequestParser::Step RequestParser::parse_count(std::string_view bytes, const ParserLimits& limits) {
  int64_t count = 0;
  bool valid = false;
  const Step step = read_header(bytes, "too big mbulk count string", count, valid);
  if (step != Step::kDone) return step;
  if (!valid || count > kArgumentsMax) return fail("invalid multibulk length");
  if (count > kUnauthenticatedArgumentsMax && !limits.authenticated) {
    return fail("unauthenticated multibulk length");
  }
  arguments_left_ = count > 0 ? count : 0;
  return Step::kDone;
}

// One argument: "$<size>\r\n<bytes>\r\n".
inline RequestParser::Step RequestParser::parse_bulk(std::string_view bytes, RequestBatch& batch,
                                                     const ParserLimits& limits) {
  if (bulk_bytes_ < 0) {
    const Step step = read_bulk_size(bytes, limits);
    if (step != Step::kDone) return step;
  }
  const size_t size = static_cast<size_t>(bulk_bytes_);
  if (bytes.size() - offset_ < size + 2) return Step::kNeedMore;
  batch.arguments_.push_back(bytes.substr(offset_, size));
  offset_ += size + 2;
  bulk_bytes_ = -1;
  arguments_left_--;
  return Step::kDone;
}

// The same while strings of the request are placed elsewhere: of such a one, "$<size>\r\n" and
// "\r\n".
RequestParser::Step RequestParser::parse_placed(std::string_view bytes, RequestBatch& batch,
                                                const ParserLimits& limits) {
  if (bulk_bytes_ < 0) {
    const Step step = read_bulk_size(bytes, limits);
    if (step != Step::kDone) return step;
  }
  const Placed& placed = placed_[placed_next_];
  if (placed.offset != offset_) return parse_bulk(bytes, batch, limits);
  if (bytes.size() - offset_ < 2) return Step::kNeedMore;
  batch.arguments_.emplace_back(placed.data, static_cast<size_t>(bulk_bytes_));
  placed_next_++;
  offset_ += 2;
  bulk_bytes_ = -1;
  arguments_left_--;
  return Step::kDone;
}

inline RequestParser::Step RequestParser::read_bulk_size(std::string_view bytes,
                                                         const ParserLimits& limits) {
  // Nearly every header is "$" with one or two digits: read those without a search.
  const char* at = bytes.data() + offset_;
  const size_t left = bytes.size() - offset_;
  if (left >= 5 && at[0] == '$' && at[1] >= '1' && at[1] <= '9') {
    if (at[2] == '\r') {
      bulk_bytes_ = at[1] - '0';
      offset_ += 4;
      return Step::kDone;
    }
    if (at[2] >= '0' && at[2] <= '9' && at[3] == '\r') {
      bulk_bytes_ = (at[1] - '0') * 10 + (at[2] - '0');
      offset_ += 5;
      return Step::kDone;
    }
  }
  int64_t size = 0;
  bool valid = false;
  const size_t start = offset_;
  const Step step = read_header(bytes, "too big bulk count string", size, valid);
  if (step != Step::kDone) return step;
  if (bytes[start] != '$') {
    return fail(std::string("expected '$', got '") + bytes[start] + "'");
  }
  if (!valid || size < 0 || size > limits.bulk_bytes_max) return fail("invalid bulk length");
  if (size > kUnauthenticatedBulkBytesMax && !limits.authenticated) {
    return fail("unauthenticated bulk length");
  }
  bulk_bytes_ = size;
  return Step::kDone;
}

// Reads "<type><integer>\r\n" at offset_ and moves behind it. As Redis does, the line ends at '\r'
// and whatever follows that byte is taken for the '\n'.
RequestParser::Step RequestParser::read_header(std::string_view bytes, const char* too_big,
                                               int64_t& value, bool& valid) {
  const char* from = bytes.data() + offset_;
  const size_t left = bytes.size() - offset_;
  const void* end = std::memchr(from, '\r', left <= kLineBytesMax ? left : kLineBytesMax + 1);
  if (end == nullptr) return left > kLineBytesMax ? fail(too_big) : Step::kNeedMore;
  const size_t length = static_cast<size_t>(static_cast<const char*>(end) - from);
  if (left < length + 2) return Step::kNeedMore;
  valid = length > 0 && parse_header_integer(std::string_view(from + 1, length - 1), value);
  offset_ += length + 2;
  return Step::kDone;
}

RequestParser::Step RequestParser::fail(std::string text) {
  error_ = std::move(text);
  return Step::kError;
}

}  // namespace larder::protocol
