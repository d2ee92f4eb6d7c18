// The large arguments of the request that a connection is receiving: read straight into the blobs
// that SET and its like then store, copied never.
//
// What a header promises costs nothing: memory is asked for in proportion to what has arrived, so
// that peers who announce half a gigabyte each and send nothing evict nobody's keys.
//
// Loop's thread only.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "storage/blob.h"

namespace larder::core {

class LargeArguments {
 public:
  // A blob has room for at most so many times the bytes that have arrived of the argument.
  static constexpr size_t kAhead = 32;

  // Whether an argument of `size` bytes, of which `held` have arrived, is large, and enough of it
  // is there to begin with a blob.
  static bool worth_beginning(size_t size, size_t held);

  // A further argument of `size` bytes begins: `held`, fewer, are copied. Only while not
  // receiving(). Throws std::bad_alloc, and then nothing has begun.
  void begin(std::string_view held, size_t size);

  // How many bytes the last argument lacks.
  size_t missing() const { return size_ - filled_; }
  bool receiving() const { return filled_ < size_; }
  // Where the bytes that come next are to be put; not empty while receiving().
  std::span<char> room();
  // So many bytes were put there. Throws std::bad_alloc.
  void add(size_t bytes);

  // The last argument's bytes, once they are all there.
  const char* last() const { return arguments_.back()->data(); }
  // The complete argument that begins at `bytes`; null if there is none. Quick if they are asked
  // for in their order.
  storage::Blob* find(const char* bytes);

  // Bytes received, and what the blobs take.
  size_t bytes() const { return bytes_; }
  size_t memory_bytes() const {
    return sizeof *this + arguments_.capacity() * sizeof(storage::BlobRef) + blob_bytes_;
  }

 private:
  std::vector<storage::BlobRef> arguments_;
  size_t size_ = 0;    // of the last one
  size_t filled_ = 0;  // of it
  size_t bytes_ = 0;   // of all
  size_t blob_bytes_ = 0;
  size_t found_ = 0;  // the one that find() found last
};

}  // namespace larder::core
