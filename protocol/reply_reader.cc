#include "protocol/reply_reader.h"

#include <charconv>

#include "protocol/limits.h"

namespace larder::protocol {
namespace {

enum class Outcome { kDone, kIncomplete, kInvalid };

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  size_t offset() const { return at_; }

  Outcome read(Reply& reply, int depth) {
    if (depth > kReplyDepthMax) return Outcome::kInvalid;
    std::string_view line;
    if (!read_line(line)) return Outcome::kIncomplete;
    if (line.empty() || line.find_first_of("\r\n") != line.npos) return Outcome::kInvalid;
    const char type = line[0];
    line.remove_prefix(1);
    switch (type) {
      case '+':
        return text(reply, Reply::Type::kSimple, line);
      case '-':
        return text(reply, Reply::Type::kError, line);
      case ',':
        return is_real(line) ? text(reply, Reply::Type::kDouble, line) : Outcome::kInvalid;
      case '(':
        return is_digits(line) ? text(reply, Reply::Type::kBigNumber, line) : Outcome::kInvalid;
      case '_':
        return line.empty() ? text(reply, Reply::Type::kNull, line) : Outcome::kInvalid;
      case '#':
        reply.type = Reply::Type::kBoolean;
        reply.integer = line == "t";
        return line == "t" || line == "f" ? Outcome::kDone : Outcome::kInvalid;
      case ':':
        reply.type = Reply::Type::kInteger;
        return integer(line, reply.integer) ? Outcome::kDone : Outcome::kInvalid;
      case '$':
        return blob(reply, Reply::Type::kBulk, line);
      case '=':
        return blob(reply, Reply::Type::kVerbatim, line);
      case '*':
        return aggregate(reply, Reply::Type::kArray, line, 1, depth);
      case '~':
        return aggregate(reply, Reply::Type::kSet, line, 1, depth);
      case '>':
        return aggregate(reply, Reply::Type::kPush, line, 1, depth);
      case '%':
        return aggregate(reply, Reply::Type::kMap, line, 2, depth);
      default:
        return Outcome::kInvalid;
    }
  }

 private:
  bool read_line(std::string_view& line) {
    const size_t end = bytes_.find("\r\n", at_);
    if (end == std::string_view::npos) return false;
    line = bytes_.substr(at_, end - at_);
    at_ = end + 2;
    return true;
  }

  static bool integer(std::string_view digits, int64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  }

  static bool is_real(std::string_view digits) {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  }

  static bool is_digits(std::string_view digits) {
    if (digits.starts_with('-')) digits.remove_prefix(1);
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  }

  static Outcome text(Reply& reply, Reply::Type type, std::string_view line) {
    reply.type = type;
    reply.text = line;
    return Outcome::kDone;
  }

  Outcome blob(Reply& reply, Reply::Type type, std::string_view line) {
    int64_t size = 0;
    if (!integer(line, size) || size < -1) return Outcome::kInvalid;
    if (size == -1) return text(reply, Reply::Type::kNull, "");
    const size_t wanted = static_cast<size_t>(size);
    if (bytes_.size() - at_ < wanted + 2) return Outcome::kIncomplete;
    if (bytes_.substr(at_ + wanted, 2) != "\r\n") return Outcome::kInvalid;
    const bool verbatim = type == Reply::Type::kVerbatim;
    if (verbatim && (wanted < 4 || bytes_[at_ + 3] != ':')) return Outcome::kInvalid;
    text(reply, type, bytes_.substr(at_ + (verbatim ? 4 : 0), wanted - (verbatim ? 4 : 0)));
    at_ += wanted + 2;
    return Outcome::kDone;
  }

  Outcome aggregate(Reply& reply, Reply::Type type, std::string_view line, int64_t factor,
                    int depth) {
    int64_t count = 0;
    if (!integer(line, count) || count < -1) return Outcome::kInvalid;
    if (count == -1) return text(reply, Reply::Type::kNull, "");
    if (count > kArgumentsMax) return Outcome::kInvalid;
    reply.type = type;
    reply.elements.clear();
    for (int64_t i = 0; i < count * factor; i++) {
      const Outcome outcome = read(reply.elements.emplace_back(), depth + 1);
      if (outcome != Outcome::kDone) return outcome;
    }
    return Outcome::kDone;
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace

std::optional<size_t> read_reply(std::string_view bytes, Reply& reply) {
  Reader reader(bytes);
  reply = Reply{};
  switch (reader.read(reply, 0)) {
    case Outcome::kDone:
      return reader.offset();
    case Outcome::kIncomplete:
      return 0;
    case Outcome::kInvalid:
      break;
  }
  return std::nullopt;
}

std::string Reply::to_string() const {
  switch (type) {
    case Type::kSimple:
      return "+" + text;
    case Type::kError:
      return "(error) " + text;
    case Type::kInteger:
      return std::to_string(integer);
    case Type::kBoolean:
      return integer ? "(true)" : "(false)";
    case Type::kNull:
      return "(nil)";
    case Type::kDouble:
      return "," + text;
    case Type::kBigNumber:
      return "(" + text;
    case Type::kBulk:
    case Type::kVerbatim:
      return "\"" + text + "\"";
    case Type::kArray:
    case Type::kMap:
    case Type::kSet:
    case Type::kPush:
      break;
  }
  std::string out = type == Type::kPush ? ">[" : "[";
  for (const Reply& element : elements) {
    if (&element != &elements.front()) out += ", ";
    out += element.to_string();
  }
  return out + "]";
}

}  // namespace larder::protocol
