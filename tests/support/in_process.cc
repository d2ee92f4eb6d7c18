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

FakeClient::FakeClient(core::Clients& clients, int64_t now_ms)
    : Client(clients.next_id(), {"127.0.0.1:50000", "127.0.0.1:6379", 8}, now_ms),
      clients_(clients) {
  set(kAuthenticated);
  clients.add(*this);
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
  dispatcher_ = std::make_unique<core::Dispatcher>(*server_, 0);
  client_ = connect();
}

std::unique_ptr<FakeClient> InProcess::connect() {
  return std::make_unique<FakeClient>(server_->clients, clock_.now_ms());
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
  return all_bytes(out);
}

}  // namespace larder::testing
