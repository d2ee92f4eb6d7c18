#include "tests/support/in_process.h"

#include <stdexcept>

#include "server/commands/families.h"
#include "server/core/output.h"

namespace larder::testing {
namespace {

std::string all_bytes(core::Output& out) {
  std::string bytes;
  size_t at = 0;
  for (const net::HeldBytes& piece : out.held(0, out.size())) {
    bytes += out.text().substr(at, piece.position() - at);
    bytes += piece.bytes();
    at = piece.position();
  }
  bytes += out.text().substr(at);
  return bytes;
}

std::string printed(const std::string& bytes) {
  if (bytes.empty()) return "";
  protocol::Reply reply;
  const auto size = protocol::read_reply(bytes, reply);
  if (!size || *size != bytes.size()) return "(not one reply) " + bytes;
  return reply.to_string();
}

}  // namespace

FakeClient::FakeClient(core::Server& server, int64_t now_ms)
    : Client(server.clients.next_id(), 0, {"127.0.0.1:50000", "127.0.0.1:6379", 8}, now_ms),
      server_(server) {
  set(kAuthenticated);
  server.clients.add(*this);
}

FakeClient::~FakeClient() {
  server_.clients.remove(*this);
  server_.watches.unwatch_all(*this, 0);
  server_.tracking.client_gone(*this);
  const auto left = server_.pubsub.client_gone(*this);
  while (left != nullptr && server_.pubsub.end_some(*left)) {
  }
}

void FakeClient::add_push(const core::PushText& text) {
  core::Output out;
  out.push(text, resp());
  protocol::Reply reply;
  const std::string bytes = all_bytes(out);
  const auto size = protocol::read_reply(bytes, reply);
  pushes_.push_back(size && *size == bytes.size() ? reply.to_string() : "(no push) " + bytes);
}

InProcess::InProcess(size_t databases) {
  config_.values.databases = static_cast<int64_t>(databases);
  const std::vector<core::Family> families = commands::all_families();
  server_ = std::make_unique<core::Server>(
      config_, clock_,
      storage::StoreOptions{.databases = databases, .hash_seed = 1, .concurrent = false}, families,
      1);
  server_->host = this;
  server_->identity = {std::string(40, 'a'), "larder", clock_.now_ms()};
  server_->pushes.queue(0).set_lookup([this](uint64_t id) {
    core::Client* found = nullptr;
    server_->clients.with(id, [&](core::Client& client) { found = &client; });
    return found;
  });
  dispatcher_ = std::make_unique<core::Dispatcher>(*server_, 0);
  client_ = connect();
}

std::unique_ptr<FakeClient> InProcess::connect() {
  return std::make_unique<FakeClient>(*server_, clock_.now_ms());
}

std::string InProcess::run(const std::vector<std::string>& arguments) {
  return run(*client_, arguments);
}

std::string InProcess::run(FakeClient& client, const std::vector<std::string>& arguments) {
  return printed(run_raw(client, arguments));
}

core::Dispatcher::Suspended InProcess::start(FakeClient& client,
                                             const std::vector<std::string>& arguments) {
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  core::Output out;
  dispatcher_->start_timing();
  if (dispatcher_->run(client, views, out, clock_.now_ms()) ==
      core::Dispatcher::Outcome::kContinues) {
    return dispatcher_->take_suspended();
  }
  throw std::logic_error("it does not wait: " + all_bytes(out));
}

std::string InProcess::resume(FakeClient& client, core::Dispatcher::Suspended& suspended) {
  core::Output out;
  dispatcher_->resume(client, suspended, out, clock_.now_ms());
  return printed(all_bytes(out));
}

std::vector<std::string> InProcess::run_all(FakeClient& client,
                                            const std::vector<std::string>& arguments) {
  const std::string bytes = run_raw(client, arguments);
  std::vector<std::string> replies;
  for (std::string_view rest = bytes; !rest.empty();) {
    protocol::Reply reply;
    const auto size = protocol::read_reply(rest, reply);
    if (!size || *size == 0) return {"(not replies) " + bytes};
    replies.push_back(reply.to_string());
    rest.remove_prefix(*size);
  }
  return replies;
}

std::string InProcess::run_raw(FakeClient& client, const std::vector<std::string>& arguments) {
  using Progress = core::Continuation::Progress;
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  core::Output out;
  dispatcher_->start_timing();
  if (dispatcher_->run(client, views, out, clock_.now_ms()) ==
      core::Dispatcher::Outcome::kContinues) {
    auto suspended = dispatcher_->take_suspended();
    Progress progress = Progress::kAgain;
    while (progress != Progress::kDone) {
      progress = dispatcher_->resume(client, suspended, out, clock_.now_ms());
      const int64_t wake_at_ms = suspended.continuation->wake_at_ms();
      if (progress == Progress::kWaiting) {
        if (wake_at_ms == core::Continuation::kNever) break;  // WAIT n 0: nobody here could end it
        clock_.set_ms(wake_at_ms);
      }
    }
  }
  server_->tracking.settle(0);
  server_->pushes.queue(0).hand_out();
  return all_bytes(out);
}

}  // namespace larder::testing
