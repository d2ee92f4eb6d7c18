#include "server/core/large_arguments.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "protocol/limits.h"

namespace larder::core {
namespace {

// With so many bytes of an argument it is begun, however large it is.
constexpr size_t kEnoughToBegin = 32 * 1024;

}  // namespace

bool LargeArguments::worth_beginning(size_t size, size_t held) {
  return size >= protocol::kLargeBulkBytes && (held >= kEnoughToBegin || held >= size / kAhead);
}

void LargeArguments::begin(std::string_view held, size_t size) {
  assert(!receiving() && worth_beginning(size, held.size()) && held.size() < size);
  const size_t room = std::min(size, held.size() * kAhead);
  storage::BlobRef blob(storage::Blob::create(room, room));
  arguments_.push_back(std::move(blob));
  size_ = size;
  filled_ = held.size();
  bytes_ += held.size();
  blob_bytes_ += arguments_.back()->memory_bytes();
  std::memcpy(arguments_.back()->data(), held.data(), held.size());
}

// A blob's size is here what may be written of it.
std::span<char> LargeArguments::room() {
  storage::Blob& blob = *arguments_.back();
  return {blob.data() + filled_, blob.size() - filled_};
}

void LargeArguments::add(size_t bytes) {
  filled_ += bytes;
  bytes_ += bytes;
  storage::BlobRef& blob = arguments_.back();
  assert(filled_ <= blob->size());
  if (filled_ < blob->size() || filled_ == size_) return;
  const size_t room = std::min(size_, filled_ * kAhead);
  storage::BlobRef larger(storage::Blob::create(room, room));
  std::memcpy(larger->data(), blob->data(), filled_);
  blob_bytes_ += larger->memory_bytes() - blob->memory_bytes();
  blob = std::move(larger);
}

storage::Blob* LargeArguments::find(const char* bytes) {
  for (size_t tried = 0; tried < arguments_.size(); tried++) {
    const size_t i = (found_ + tried) % arguments_.size();
    if (arguments_[i]->data() != bytes) continue;
    found_ = i;
    return arguments_[i].get();
  }
  return nullptr;
}

}  // namespace larder::core
