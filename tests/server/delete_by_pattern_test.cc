// Deletions by pattern on real loops: who waits, who does not, and what goes on without its client.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::TestClient;

class DeleteByPattern : public testing::OnThreads {
 protected:
  static constexpr int kKeys = testing::kSanitized ? 20'000 : 200'000;
};

// `key:*` of populate() matches; what the second client writes meanwhile does not.
TEST_P(DeleteByPattern, OthersAreServedWhileTheCallerWaits) {
  const testing::ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient caller = server.connect();
  TestClient other = server.connect();
  caller.request({"DELMATCH", "key:*"});
  int written = 0;
  for (; written < 1000; written++) {
    EXPECT_EQ(other.call({"SET", "other:" + std::to_string(written), "v"}), "+OK");
  }
  EXPECT_EQ(caller.reply(), std::to_string(kKeys));
  EXPECT_EQ(other.call({"DBSIZE"}), std::to_string(written));
  EXPECT_EQ(other.call({"DEBUG", "RECOUNT"}), "+OK");
}

TEST_P(DeleteByPattern, GoesOnWhenTheClientHasLeft) {
  const testing::ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient caller = server.connect();
  EXPECT_EQ(caller.call({"DELMATCH", "key:*", "ASYNC"}), "+OK");
  caller.close();
  TestClient other = server.connect();
  EXPECT_TRUE(testing::eventually([&] { return other.call({"DBSIZE"}) == "0"; }));
}

TEST_P(DeleteByPattern, TwoDeletionsShareTheKeys) {
  const testing::ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient one = server.connect();
  TestClient two = server.connect();
  one.request({"DELMATCH", "key:*"});
  two.request({"DELMATCH", "*:*"});
  EXPECT_EQ(std::stoi(one.reply()) + std::stoi(two.reply()), kKeys);
  EXPECT_EQ(one.call({"DBSIZE"}), "0");
}

TEST_P(DeleteByPattern, TheEndOfTheServerEndsWhatIsUnderWay) {
  testing::ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient caller = server.connect();
  EXPECT_EQ(caller.call({"DELMATCH", "key:*", "ASYNC"}), "+OK");
  EXPECT_TRUE(server.stops(SIGTERM));
}

LARDER_ON_THREADS(DeleteByPattern);

}  // namespace
}  // namespace larder
