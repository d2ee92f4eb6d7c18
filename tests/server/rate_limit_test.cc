// Rate limits that many connections, on several loops, run into at once.
#include <gtest/gtest.h>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::TestClient;

class RateLimits : public testing::OnThreads {
 protected:
  static constexpr int kConnections = 8;
  static constexpr int kRequestsEach = 500;

  // Sends the request from all connections and answers how many of them passed.
  static int count_passed(const testing::ServerProcess& server,
                          const std::vector<std::string>& request) {
    std::string requests;
    for (int i = 0; i < kRequestsEach; i++) requests += testing::encode(request);
    std::vector<TestClient> clients;
    for (int i = 0; i < kConnections; i++) clients.push_back(server.connect());
    for (TestClient& client : clients) client.send(requests);
    int passed = 0;
    for (TestClient& client : clients) {
      for (int i = 0; i < kRequestsEach; i++) {
        const std::string reply = client.reply();
        if (reply.starts_with("[0, ")) {
          passed++;
        } else {
          EXPECT_TRUE(reply.starts_with("[1, ")) << reply;
        }
      }
    }
    return passed;
  }
};

// Periods are so long that nothing comes back in the time of the test.
TEST_P(RateLimits, ExactlyTheLimitPasses) {
  const testing::ServerProcess server = start();
  for (const char* algorithm : {"GCRA", "FIXED", "SLIDING", "LOG"}) {
    EXPECT_EQ(count_passed(server, {"THROTTLE", algorithm, "2", "1000", "31622400000", "2000",
                                    "31622400000", "ALGO", algorithm}),
              1000)
        << algorithm;
  }
  EXPECT_EQ(count_passed(server, {"CL.THROTTLE", "cell", "999", "1", "31622"}), 1000);
}

TEST_P(RateLimits, AnIncrementNeverPassesItsBound) {
  const testing::ServerProcess server = start();
  std::vector<TestClient> clients;
  for (int i = 0; i < kConnections; i++) clients.push_back(server.connect());
  std::string requests;
  for (int i = 0; i < kRequestsEach; i++) {
    requests += testing::encode({"INCREX", "k", "UBOUND", "1000", "EX", "3600", "ENX"});
  }
  for (TestClient& client : clients) client.send(requests);
  int applied = 0;
  for (TestClient& client : clients) {
    for (int i = 0; i < kRequestsEach; i++) applied += client.reply().ends_with(", 1]") ? 1 : 0;
  }
  EXPECT_EQ(applied, 1000);
}

LARDER_ON_THREADS(RateLimits);

}  // namespace
}  // namespace larder
