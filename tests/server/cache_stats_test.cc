// Statistics by prefix on real loops: counted by several, walked over by the first.
#include <gtest/gtest.h>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::TestClient;

class CacheStats : public testing::OnThreads {
 protected:
  static constexpr int kKeys = testing::kSanitized ? 20'000 : 200'000;

  static bool tells(TestClient& client, const std::string& prefix, int keys) {
    return client.call({"STATS", "PREFIX"})
               .find('"' + prefix + "\", [\"keys\", " + std::to_string(keys) + ",") !=
           std::string::npos;
  }
};

TEST_P(CacheStats, AreExactOnEveryLoop) {
  const testing::ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient one = server.connect();
  TestClient two = server.connect();
  for (int i = 0; i < 500; i++) {
    one.call({"SET", "a:" + std::to_string(i), "v"});
    two.call({"DEL", "a:" + std::to_string(i / 2)});
  }
  EXPECT_TRUE(tells(one, "key", kKeys));
  EXPECT_TRUE(tells(one, "a", 250));
  EXPECT_EQ(one.call({"DEBUG", "RECOUNT"}), "+OK");
}

TEST_P(CacheStats, AnotherSeparatorIsLearntBehindTheCommands) {
  const testing::ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"CONFIG", "SET", "stats-prefix-separator", ""}), "+OK");
  EXPECT_EQ(client.call({"STATS", "PREFIX"}), "[]");
  EXPECT_EQ(client.call({"CONFIG", "SET", "stats-prefix-separator", ":"}), "+OK");
  client.call({"SET", "a:1", "v"});
  EXPECT_TRUE(testing::eventually([&] { return tells(client, "key", kKeys); }));
  EXPECT_TRUE(tells(client, "a", 1));
  EXPECT_EQ(client.call({"DEBUG", "RECOUNT"}), "+OK");
}

LARDER_ON_THREADS(CacheStats);

}  // namespace
}  // namespace larder
