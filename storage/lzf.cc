#include "storage/lzf.h"

#include <cstdint>
#include <cstring>

namespace larder::storage {
namespace {

constexpr size_t kLiteralRunMax = 32;
constexpr size_t kLengthEscape = 7;
constexpr size_t kLengthMin = 2;

// Writes into a room of known size; every step says whether it fitted.
class Unpacker {
 public:
  Unpacker(std::string_view packed, std::string& out) : in_(packed), out_(out) {}

  bool run() {
    while (!in_.empty()) {
      const size_t control = take();
      if (!(control < kLiteralRunMax ? copy_literals(control + 1) : repeat(control))) return false;
    }
    return at_ == out_.size();
  }

 private:
  size_t take() {
    const auto byte = static_cast<uint8_t>(in_.front());
    in_.remove_prefix(1);
    return byte;
  }
  size_t room() const { return out_.size() - at_; }

  bool copy_literals(size_t bytes) {
    if (bytes > in_.size() || bytes > room()) return false;
    std::memcpy(out_.data() + at_, in_.data(), bytes);
    in_.remove_prefix(bytes);
    at_ += bytes;
    return true;
  }

  bool repeat(size_t control) {
    size_t length = control >> 5;
    if (length == kLengthEscape) {
      if (in_.empty()) return false;
      length += take();
    }
    length += kLengthMin;
    if (in_.empty()) return false;
    const size_t distance = ((control & 31) << 8 | take()) + 1;
    if (distance > at_ || length > room()) return false;
    // Byte by byte: what is repeated may reach into what is being written.
    for (; length > 0; length--, at_++) out_[at_] = out_[at_ - distance];
    return true;
  }

  std::string_view in_;
  std::string& out_;
  size_t at_ = 0;
};

}  // namespace

bool unpack_lzf(std::string_view packed, size_t bytes, std::string& out) {
  if (bytes == 0 || bytes / kLzfGrowthMax > packed.size()) return false;
  out.resize(bytes);
  return Unpacker(packed, out).run();
}

}  // namespace larder::storage
