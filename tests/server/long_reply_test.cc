// A reply that is sent in slices, to clients that read it late or not at all.
#include <gtest/gtest.h>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::encode;
using testing::ServerProcess;
using testing::TestClient;

class LongReply : public testing::OnThreads {
 protected:
  // A reply of 40 MB: more than the sockets' buffers hold.
  static constexpr size_t kKeys = 40'000;
  static constexpr size_t kKeyBytes = 1'000;

  static void fill(const ServerProcess& server) {
    TestClient client = server.connect();
    std::string requests;
    for (size_t i = 0; i < kKeys; i++) {
      const std::string digits = std::to_string(i);
      requests += encode({"SET", digits + std::string(kKeyBytes - digits.size(), 'k'), "v"});
      if (i % 1'000 == 999) {
        client.send(requests);
        requests.clear();
        for (int n = 0; n < 1'000; n++) ASSERT_EQ(client.reply(), "+OK");
      }
    }
  }

  static void expect_all_keys(const protocol::Reply& reply) {
    EXPECT_EQ(reply.elements.size(), kKeys);
    for (const protocol::Reply& key : reply.elements) ASSERT_EQ(key.text.size(), kKeyBytes);
  }
};
LARDER_ON_THREADS(LongReply);

TEST_P(LongReply, WaitsForAClientThatReadsLate) {
  ServerProcess server = start();
  ASSERT_NO_FATAL_FAILURE(fill(server));
  const auto used = [&] { return std::stoul(server.info("used_memory")); };
  const size_t before = used();
  TestClient late = server.connect();
  late.request({"KEYS", "*"});
  ASSERT_TRUE(testing::eventually([&] { return !late.silent(0); }));
  for (int i = 0; i < 100; i++) testing::expect_served(server);
  // The list of keys is held once, and not again as output. (A sanitizer keeps what was freed.)
  if (!testing::kSanitized) {
    EXPECT_GT(used(), before + kKeys * kKeyBytes / 2);
    EXPECT_LT(used(), before + kKeys * kKeyBytes * 3 / 2);
  }
  late.request({"PING"});
  expect_all_keys(late.read_reply());
  EXPECT_EQ(late.reply(), "+PONG");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(LongReply, EndsWithItsClient) {
  ServerProcess server = start();
  ASSERT_NO_FATAL_FAILURE(fill(server));
  {
    TestClient client = server.connect();
    client.request({"KEYS", "*"});
    client.reset();
  }
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
