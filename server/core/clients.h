// The register of all connections, whichever loop they live on: for CLIENT LIST, CLIENT KILL, INFO
// and the limit on their number. Thread-safe; taken at connect and close and by those commands,
// never by an ordinary command.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "server/core/client.h"
#include "storage/function_ref.h"

namespace larder::core {

class Clients {
 public:
  uint64_t next_id() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

  // A client must be removed, on its own loop, before it is destroyed.
  void add(Client& client);
  void remove(Client& client);

  size_t count() const { return count_.load(std::memory_order_relaxed); }
  size_t blocked() const;

  // Visits all clients by ascending id, under the lock: `visit` must not call back into Clients.
  // One that was killed is not visited any more, although it may take its loop a while to close it.
  void each(storage::FunctionRef<void(Client&)> visit) const;
  // Visits one client; false if there is none with this id, or it was killed.
  bool with(uint64_t id, storage::FunctionRef<void(Client&)> visit) const;

  void set_name(Client& client, std::string_view name);
  void set_library_name(Client& client, std::string_view name);
  void set_library_version(Client& client, std::string_view version);
  std::string name_of(const Client& client) const;

  // One line of CLIENT LIST, as Redis 7.2 writes it, without the line end. Only inside
  // each()/with(), or for the calling loop's own client through describe_own().
  static std::string describe(const Client& client, int64_t now_ms);
  // Whom its invalidation messages go to: another client's id, 0 for itself, -1 if it tracks no
  // keys. As describe().
  static int64_t redirection_of(const Client& client);
  std::string describe_own(const Client& client, int64_t now_ms) const;

 private:
  std::atomic<uint64_t> next_id_{1};
  std::atomic<size_t> count_{0};

  mutable std::mutex mutex_;
  std::map<uint64_t, Client*> clients_;  // guarded by mutex_
};

}  // namespace larder::core
