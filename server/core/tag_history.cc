#include "server/core/tag_history.h"

namespace larder::core {

void TagHistory::note_deleted(size_t database, std::string_view tag, uint64_t hits, uint64_t misses,
                              int64_t now_ms) {
  Name name(database, tag);
  const std::lock_guard lock(mutex_);
  auto found = records_.find(name);
  if (found == records_.end()) {
    by_age_.push_back(name);
    try {
      found = records_.emplace(std::move(name), Record{{}, std::prev(by_age_.end())}).first;
    } catch (...) {
      by_age_.pop_back();
      throw;
    }
  }
  Record& record = found->second;
  by_age_.splice(by_age_.end(), by_age_, record.place);
  record.past.hits += hits;
  record.past.misses += misses;
  record.past.deletions++;
  record.past.last_deleted_ms = now_ms;
  if (records_.size() <= kTagsMax) return;
  records_.erase(by_age_.front());
  by_age_.pop_front();
}

TagHistory::Past TagHistory::find(size_t database, std::string_view tag) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(Name(database, tag));
  return found != records_.end() ? found->second.past : Past();
}

}  // namespace larder::core
