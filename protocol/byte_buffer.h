// A growing byte buffer for replies: like std::string, but growing does not zero the new bytes and
// space can be reserved, written through a pointer, then committed.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace larder::protocol {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ~ByteBuffer() { std::free(data_); }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  std::string_view view() const { return {data_, size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }

  void clear() { size_ = 0; }

  // Forgets what was written after the first `size` bytes. size <= size().
  void truncate(size_t size) { size_ = size; }

  // Space for at least `bytes` more; valid until the next call. Throws std::bad_alloc.
  char* reserve(size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_ + size_;
  }
  // Takes over `bytes` that were written to the space of the last reserve().
  void commit(size_t bytes) { size_ += bytes; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  // Gives memory above `bytes` back; for use when the buffer is empty between turns.
  void shrink_to(size_t bytes) {
    if (capacity_ <= bytes || size_ > bytes) return;
    if (void* smaller = std::realloc(data_, bytes)) {
      data_ = static_cast<char*>(smaller);
      capacity_ = bytes;
    }
  }

 private:
  void grow(size_t bytes) {
    size_t wanted = capacity_ < 1024 ? 1024 : capacity_ * 2;
    if (wanted < size_ + bytes) wanted = size_ + bytes;
    void* larger = std::realloc(data_, wanted);
    if (larger == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(larger);
    capacity_ = wanted;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace larder::protocol
