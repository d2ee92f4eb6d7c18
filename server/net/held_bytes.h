// Bytes that are sent from where they are, and the text that they belong into.
//
// A reply is mostly text in a buffer. What is large in it is not copied there: HeldBytes says at
// which place of the text it belongs, and keeps it alive until it has been sent.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace larder::net {

// Move-only; whoever owns the bytes is told by `let_go`, once, on the thread that is done with
// them.
class HeldBytes {
 public:
  // The bytes belong in front of the byte `position` of the text. They stay as they are until
  // `let_go` is called with `owner`.
  HeldBytes(size_t position, std::string_view bytes, void* owner, void (*let_go)(void* owner))
      : position_(position), bytes_(bytes), owner_(owner), let_go_(let_go) {}
  // The bytes of another, for another text.
  HeldBytes(size_t position, HeldBytes&& other)
      : HeldBytes(position, other.bytes_, std::exchange(other.owner_, nullptr), other.let_go_) {}
  HeldBytes(HeldBytes&& other) noexcept
      : position_(other.position_),
        bytes_(other.bytes_),
        owner_(std::exchange(other.owner_, nullptr)),
        let_go_(other.let_go_) {}
  HeldBytes& operator=(HeldBytes&&) = delete;
  ~HeldBytes() {
    if (owner_ != nullptr) let_go_(owner_);
  }

  size_t position() const { return position_; }
  std::string_view bytes() const { return bytes_; }
  // They have been sent up to here.
  void remove_prefix(size_t bytes) { bytes_.remove_prefix(bytes); }

 private:
  size_t position_;
  std::string_view bytes_;
  void* owner_;
  void (*let_go_)(void* owner);
};

}  // namespace larder::net
