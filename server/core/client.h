// One connection as commands see it. Sessions (server/core/session.h) are the real ones; tests in
// process have their own.
//
// Members stand by what protects them. A client belongs to one loop; other threads may look at it
// only under the lock of Clients, and then only at what is constant, atomic or guarded by that
// lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/core/reply.h"

namespace larder::storage {
class Blob;
}

namespace larder::core {

struct CommandRow;

class Client {
 public:
  enum Flag : uint32_t {
    kAuthenticated = 1u << 0,
    kMonitor = 1u << 1,
    kBlocked = 1u << 2,  // waits inside a command, or held by CLIENT PAUSE
    kUnixSocket = 1u << 3,
    kNoEvict = 1u << 4,
    kNoTouch = 1u << 5,
    kCloseAfterReply = 1u << 6,
    kReplyOff = 1u << 7,       // CLIENT REPLY OFF
    kReplySkipNext = 1u << 8,  // CLIENT REPLY SKIP was just said
    kReplySkip = 1u << 9,      // the command being run gets no reply
    kHeld = 1u << 10,          // by CLIENT PAUSE
  };

  struct Address {
    std::string peer;  // "127.0.0.1:50123", "[::1]:50123" or "/path/socket:0"
    std::string local;
    int descriptor = -1;
  };

  Client(uint64_t id, Address address, int64_t now_ms)
      : id_(id), address_(std::move(address)), created_ms_(now_ms), active_ms_(now_ms) {}
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Constant after construction: any thread.
  uint64_t id() const { return id_; }
  const Address& address() const { return address_; }
  int64_t created_ms() const { return created_ms_; }

  // Changed by the client's loop, read by any thread.
  size_t database() const { return database_.load(std::memory_order_relaxed); }
  void set_database(size_t index) { database_.store(index, std::memory_order_relaxed); }
  RespVersion resp() const { return resp_.load(std::memory_order_relaxed); }
  void set_resp(RespVersion version) { resp_.store(version, std::memory_order_relaxed); }
  bool has(Flag flag) const { return (flags_.load(std::memory_order_relaxed) & flag) != 0; }
  void set(Flag flag, bool on = true) {
    const uint32_t flags = flags_.load(std::memory_order_relaxed);
    flags_.store(on ? flags | flag : flags & ~flag, std::memory_order_relaxed);
  }
  // Another client ended this one: none of its requests is begun any more. Any thread.
  bool killed() const { return killed_.load(std::memory_order_acquire); }
  int64_t active_ms() const { return active_ms_.load(std::memory_order_relaxed); }
  const CommandRow* last_command() const { return last_command_.load(std::memory_order_relaxed); }
  void note_command(const CommandRow* row, int64_t now_ms) {
    last_command_.store(row, std::memory_order_relaxed);
    note_active(now_ms);
  }
  void note_active(int64_t now_ms) { active_ms_.store(now_ms, std::memory_order_relaxed); }

  // Guarded by the lock of Clients: use Clients::set_name() and its like.
  std::string name;
  std::string library_name;
  std::string library_version;

  // What the connection holds, in bytes. Any thread, under the lock of Clients.
  struct Buffers {
    size_t query_bytes = 0;
    size_t query_free_bytes = 0;
    size_t output_bytes = 0;
    size_t total_bytes = 0;
  };
  virtual Buffers buffers() const = 0;

  // Asks the client's loop to close the connection; returns at once, killed() by then. Any thread,
  // under the lock of Clients.
  virtual void request_close() = 0;
  // Asks the client's loop to wake a blocked command. Any thread, under the lock of Clients.
  virtual void request_unblock(bool with_error) = 0;
  // Asks the client's loop to resume a waiting command. Any thread, under the lock of Clients.
  virtual void request_wake() = 0;

  // The blob that an argument of the request being run was received into, null if it was not:
  // whoever wants to keep the argument can share it. The client's loop.
  virtual storage::Blob* blob_of(std::string_view /*argument*/) { return nullptr; }

 protected:
  void set_killed() { killed_.store(true, std::memory_order_release); }

 private:
  const uint64_t id_;
  const Address address_;
  const int64_t created_ms_;

  std::atomic<size_t> database_{0};
  std::atomic<RespVersion> resp_{RespVersion::k2};
  std::atomic<uint32_t> flags_{0};
  std::atomic<bool> killed_{false};
  std::atomic<int64_t> active_ms_;
  std::atomic<const CommandRow*> last_command_{nullptr};
};

}  // namespace larder::core
