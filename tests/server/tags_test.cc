// Tags under several connections on several loops: what carried a tag when it was deleted is never
// read again, and everything that is counted stays right.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::ServerProcess;
using testing::TestClient;

class Tags : public testing::OnThreads {};
LARDER_ON_THREADS(Tags);

constexpr int kKeys = 64;
constexpr int kRounds = testing::kSanitized ? 100 : 500;

// Writers store the number of the present round under a tag. What a writer stores behind the
// beginning of a TAGDEL is no older than what it was at then; what was stored before must not be
// read behind its end.
TEST_P(Tags, NothingThatCarriedADeletedTagIsRead) {
  const ServerProcess server = start();
  std::atomic<int> present{0};
  std::array<std::atomic<int>, 3> storing{};
  std::atomic<bool> over{false};
  std::vector<std::thread> writers;
  for (size_t w = 0; w < storing.size(); w++) {
    writers.emplace_back([&, w] {
      TestClient client = server.connect();
      for (size_t i = w; !over; i++) {
        const std::string key = "key:" + std::to_string(i % kKeys);
        storing[w] = present.load();
        const std::string value = std::to_string(storing[w]);
        client.call({"SET", key, value, "TAGS", "2", "all", "part:" + std::to_string(i % 3)});
        if (i % 5 == 0) client.call({"EXPIRE", key, "100"});
        if (i % 7 == 0) client.call({"SET", key, value, "XX", "KEEPTAGS"});
        if (i % 11 == 0) client.call({"DEL", key});
      }
    });
  }
  TestClient client = server.connect();
  int stale = 0;
  for (int round = 1; round <= kRounds; round++) {
    present = round;
    const int oldest = *std::min_element(storing.begin(), storing.end());
    if (round % 2 == 0) {
      client.call({"TAGDEL", "all"});
    } else {
      client.call({"TAGDEL", "part:0", "part:1", "part:2"});
    }
    for (int i = 0; i < kKeys; i++) {
      const std::string value = client.call({"GET", "key:" + std::to_string(i)});
      if (value != "(nil)" && std::stoi(value.substr(1)) < oldest) stale++;
    }
  }
  over = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(stale, 0);
  EXPECT_EQ(client.call({"DEBUG", "RECOUNT"}), "+OK");
  EXPECT_EQ(client.call({"TAGCARD", "all"}), client.call({"DBSIZE"}));
}

TEST_P(Tags, AreRightBesideTransactionsScriptsAndFlushes) {
  const ServerProcess server = start();
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; c++) {
    clients.emplace_back([&, c] {
      TestClient client = server.connect();
      for (int i = 0; i < kRounds * 4; i++) {
        const std::string key = "key:" + std::to_string((i * 7 + c) % kKeys);
        const std::string tag = "tag:" + std::to_string(i % 5);
        client.call({"SET", key, "v", "TAGS", "2", tag, "all"});
        client.call({"TAGADD", key, "more"});
        client.call({"RENAME", key, "key:" + std::to_string(i % kKeys)});
        client.call({"COPY", key, "key:" + std::to_string(i % 3), "REPLACE"});
        if (i % 13 == c) client.call({"TAGDEL", tag});
        if (i % 17 == c) client.call({"TAGDELEX", "2", tag, "more", "ALL"});
        if (i % 19 == c) client.call({"EVAL", "return redis.call('TAGDEL', 'more')", "0"});
        if (i % 101 == c) client.call({"FLUSHALL", "ASYNC"});
        if (i % 23 == c) {
          client.call({"MULTI"});
          client.call({"TAGDEL", "all"});
          client.call({"DBSIZE"});
          client.call({"EXEC"});
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"DEBUG", "RECOUNT"}), "+OK");
  EXPECT_EQ(client.call({"TAGCARD", "all"}), client.call({"DBSIZE"}));
}

// The memory of what was deleted comes back without anybody asking for the keys.
TEST_P(Tags, MemoryOfDeletedKeysComesBack) {
  const ServerProcess server = start();
  testing::populate(server, 20'000, "TAGS 1 t");
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"TAGDEL", "t"}), "20000");
  EXPECT_TRUE(testing::eventually([&] {
    const std::string tables = client.call({"DEBUG", "HTSTATS", "0"});
    return tables.find(" number of elements: 0") != std::string::npos;
  }));
}

}  // namespace
}  // namespace larder
