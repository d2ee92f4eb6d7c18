#include "server/core/pushes.h"

#include <algorithm>
#include <utility>

#include "server/core/client.h"
#include "server/core/subscriptions.h"

namespace larder::core {

bool PushQueue::add(Push push) {
  const std::lock_guard lock(mutex_);
  const size_t bytes = waiting_bytes_.load(std::memory_order_relaxed) + push.text.size();
  waiting_bytes_.store(bytes, std::memory_order_relaxed);
  added_.push_back(std::move(push));
  added_count_++;
  waiting_.store(added_.size(), std::memory_order_relaxed);
  return added_.size() == 1;
}

uint64_t PushQueue::added() const {
  const std::lock_guard lock(mutex_);
  return added_count_;
}

void PushQueue::take() {
  const std::lock_guard lock(mutex_);
  if (taken_.empty()) {
    taken_.swap(added_);
  } else {
    std::move(added_.begin(), added_.end(), std::back_inserter(taken_));
    added_.clear();
  }
  waiting_.store(0, std::memory_order_relaxed);
  waiting_bytes_.store(0, std::memory_order_relaxed);
}

void PushQueue::hand_out(uint64_t up_to) {
  if (any_added()) take();
  for (; given_ < taken_.size() && taken_before_ + given_ < up_to; given_++) give(taken_[given_]);
  if (given_ == 0 || given_ < taken_.size()) return;
  taken_before_ += given_;
  given_ = 0;
  taken_.clear();
}

void PushQueue::give(const Push& push) const {
  const auto wants = [&](const Client& client) {
    if (push.audience == PushAudience::kAll) return true;
    const bool in_resp3 = client.resp() == RespVersion::k3;
    if (push.audience == PushAudience::kResp3) return in_resp3;
    return !in_resp3 && (push.audience == PushAudience::kResp2 || client.has(Client::kSubscribed));
  };
  if (push.subscribers != nullptr) {
    for (const Subscriptions* member : push.subscribers->members) {
      Client* client = member->client();
      if (client != nullptr && wants(*client)) client->add_push(push.text);
    }
    return;
  }
  Client* client = find_ ? find_(push.client) : nullptr;
  if (client != nullptr && wants(*client)) client->add_push(push.text);
}

thread_local Pushes::Own* Pushes::own_ = nullptr;

Pushes::Pushes(size_t workers) {
  for (size_t i = 0; i < workers; i++) {
    queues_.push_back(std::make_unique<PushQueue>());
    owns_.push_back({.worker = i});
  }
}

void Pushes::send(size_t worker, Push push) {
  if (!queues_[worker]->add(std::move(push))) return;
  if (own_ == nullptr) {
    if (wake_) wake_(worker);
  } else if (own_->worker != worker) {
    own_->to_wake.set(worker);
    own_->any = true;
  }
}

bool Pushes::behind() const {
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const auto& queue) { return queue->behind(); });
}

void Pushes::belong_to(size_t worker) {
  own_ = &owns_[worker];
}

void Pushes::belong_to_none() {
  wake_others();
  own_ = nullptr;
}

void Pushes::wake_others() {
  if (own_ == nullptr || !own_->any) return;
  for (size_t i = 0; i < queues_.size(); i++) {
    if (own_->to_wake[i]) wake_(i);
  }
  own_->to_wake.reset();
  own_->any = false;
}

void Pushes::relieve() {
  if (own_ == nullptr || !behind()) return;
  wake_others();
  queues_[own_->worker]->hand_out();
}

}  // namespace larder::core
