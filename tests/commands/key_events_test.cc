#include "server/core/key_events.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/in_process.h"

namespace larder::testing {
namespace {

using core::KeyEvents;

// Writes down what it hears.
class Recorder final : public storage::Observer {
 public:
  void changed(size_t database, const storage::Key& key, storage::KeyChange change) override {
    constexpr const char* kNames[] = {"written", "removed", "expired", "evicted", "fields expired"};
    heard.push_back(std::to_string(database) + " " + std::string(key.bytes) + " " +
                    kNames[static_cast<size_t>(change)]);
  }
  void flushed(size_t database) override { heard.push_back("flushed " + std::to_string(database)); }
  void swapped(size_t database, size_t other) override {
    heard.push_back("swapped " + std::to_string(database) + " " + std::to_string(other));
  }

  std::vector<std::string> heard;
};

struct KeyEventsTest : ::testing::Test {
  KeyEventsTest() {
    events().set_listener(KeyEvents::Listener::kWatch, watch);
    events().set_listener(KeyEvents::Listener::kTracking, tracking);
  }
  KeyEvents& events() { return server.server().key_events; }

  InProcess server{2};
  Recorder watch;
  Recorder tracking;
};

TEST_F(KeyEventsTest, StoreHasNoObserverWhileNobodyWantsToHear) {
  EXPECT_EQ(server.server().store.observer(), nullptr);
  events().want(KeyEvents::Listener::kWatch);
  events().want(KeyEvents::Listener::kTracking);
  EXPECT_EQ(server.server().store.observer(), &events());
  events().unwant(KeyEvents::Listener::kWatch);
  EXPECT_EQ(server.server().store.observer(), &events());
  events().unwant(KeyEvents::Listener::kTracking);
  EXPECT_EQ(server.server().store.observer(), nullptr);
}

TEST_F(KeyEventsTest, OnlyThoseWhoWantToHearAreTold) {
  events().want(KeyEvents::Listener::kWatch);
  server.run({"SET", "a", "1"});
  events().want(KeyEvents::Listener::kTracking);
  server.run({"DEL", "a"});
  events().unwant(KeyEvents::Listener::kWatch);
  server.run({"SET", "b", "1"});
  events().unwant(KeyEvents::Listener::kTracking);
  server.run({"SET", "c", "1"});
  EXPECT_EQ(watch.heard, (std::vector<std::string>{"0 a written", "0 a removed"}));
  EXPECT_EQ(tracking.heard, (std::vector<std::string>{"0 a removed", "0 b written"}));
}

TEST_F(KeyEventsTest, ChangesOfWholeDatabasesAreTold) {
  events().want(KeyEvents::Listener::kWatch);
  server.run({"SWAPDB", "0", "1"});
  server.run({"FLUSHDB"});
  EXPECT_EQ(watch.heard, (std::vector<std::string>{"swapped 0 1", "flushed 0"}));
}

}  // namespace
}  // namespace larder::testing
