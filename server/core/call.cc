#include "server/core/call.h"

#include "server/core/key_positions.h"

namespace larder::core {

DatabaseLock Call::lock() {
  const size_t database = client_.database();
  if (held_ != nullptr) return DatabaseLock(*held_, database, now_ms_);
  const KeySpec& spec = row().keys[0];
  const bool single = spec.last == 0 && spec.key_count_at < 0 && row().keys[1].begin == 0;
  if (single)
    return DatabaseLock(store().lock(key(static_cast<size_t>(spec.begin))), database, now_ms_);

  std::vector<KeyPosition> positions;
  find_keys(row(), arguments_, positions);
  std::vector<storage::Key> keys;
  keys.reserve(positions.size());
  for (const KeyPosition& position : positions) keys.push_back(key(position.index));
  return DatabaseLock(store().lock(keys), database, now_ms_);
}

void Call::redact(size_t i) {
  if (redacted_.empty()) redacted_.assign(arguments_.begin(), arguments_.end());
  redacted_[i] = "(redacted)";
}

DatabaseLock Call::lock_all() {
  if (held_ != nullptr) return DatabaseLock(*held_, client_.database(), now_ms_);
  return DatabaseLock(store().lock_all(), client_.database(), now_ms_);
}

}  // namespace larder::core
