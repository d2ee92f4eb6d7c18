#include "server/core/waiting_command.h"

#include <cmath>
#include <utility>
#include <vector>

#include "server/core/blocking.h"
#include "server/core/call.h"

namespace larder::core {
namespace {

// Lives as long as the client waits and is there.
class KeyWait final : public Continuation {
 public:
  KeyWait(Server& server, std::unique_ptr<Waiter> waiter, int64_t deadline_ms)
      : server_(server), waiter_(std::move(waiter)), deadline_ms_(deadline_ms) {}

  ~KeyWait() override {
    if (delivered_) return;
    server_.blocking.remove(*waiter_);
    if (served()) give_back();
  }

  Progress resume(Call& call) override {
    const bool over = unblocked_ || call.now_ms() >= deadline_ms_;
    if (!served() && !over) return Progress::kWaiting;
    server_.blocking.remove(*waiter_);
    if (served()) {
      deliver(call);
    } else if (unblocked_with_error_) {
      call.fail(errors::kUnblocked);
    } else {
      call.reply().null_array();
    }
    delivered_ = true;
    return Progress::kDone;
  }

  int64_t wake_at_ms() const override { return deadline_ms_; }
  bool unblock(bool with_error) override {
    unblocked_ = true;
    unblocked_with_error_ = with_error;
    return true;
  }

 private:
  bool served() const { return waiter_->served.load(std::memory_order_acquire); }

  void deliver(Call& call) {
    if (!waiter_->error.empty()) return call.fail(waiter_->error);
    call.reply().raw(waiter_->reply);
  }

  // What was taken for a client that has gone meanwhile: the next in the queue shall have it.
  void give_back() {
    server_.blocking.give_back(std::move(waiter_));
    if (!server_.scripts.busy()) server_.blocking.serve(server_.clock.now_ms());
  }

  Server& server_;
  std::unique_ptr<Waiter> waiter_;
  const int64_t deadline_ms_;
  bool unblocked_ = false;
  bool unblocked_with_error_ = false;
  bool delivered_ = false;  // or answered otherwise: it is in no register
};

std::unique_ptr<Waiter> make_waiter(Call& call, const WaitTerms& terms,
                                    std::span<const storage::Key> keys,
                                    const WaitingCommand& command) {
  auto waiter = std::make_unique<Waiter>();
  waiter->client = call.client().id();
  waiter->resp = call.client().resp();
  waiter->database = call.client().database();
  waiter->awaited = terms.awaited;
  waiter->key_bytes.reserve(keys.size());
  for (const storage::Key& key : keys) {
    waiter->key_bytes.emplace_back(key.bytes);
    waiter->keys.push_back({waiter->key_bytes.back(), key.hash});
  }
  waiter->command = command.keep();
  return waiter;
}

}  // namespace

int64_t read_deadline(Args& args, int64_t now_ms) {
  const double ms = std::ceil(args.real(errors::kTimeoutNotFloat) * 1000);
  if (args.failed() || ms == 0) return Continuation::kNever;
  if (ms < 0) return args.fail(errors::kTimeoutNegative), 0;
  if (ms >= static_cast<double>(INT64_MAX - now_ms)) {
    return args.fail(errors::kTimeoutOutOfRange), 0;
  }
  return now_ms + static_cast<int64_t>(ms);
}

void run_or_wait(Call& call, const WaitTerms& terms, WaitingCommand& command) {
  DatabaseLock db = call.lock();
  std::vector<storage::Key> keys;
  keys.reserve(terms.keys);
  for (size_t i = 0; i < terms.keys; i++) keys.push_back(call.key(terms.first_key + i));
  if (command.attempt(*db, keys, call.reply())) return call.note_published();
  if (call.held() != nullptr) {
    return terms.nothing == NothingThere::kNull ? call.reply().null() : call.reply().null_array();
  }
  std::unique_ptr<Waiter> waiter = make_waiter(call, terms, keys, command);
  call.server().blocking.add(*waiter);
  call.continue_with(
      std::make_unique<KeyWait>(call.server(), std::move(waiter), terms.deadline_ms));
}

}  // namespace larder::core
