// What tests over sockets share: a server with one thread and one with two.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/server_process.h"

namespace larder::testing {

// For TEST_P: runs with each number of threads.
class OnThreads : public ::testing::TestWithParam<int> {
 protected:
  ServerProcess start(const std::vector<std::string>& options = {}) const {
    return ServerProcess(GetParam(), options);
  }
};

#define LARDER_ON_THREADS(suite)                                    \
  INSTANTIATE_TEST_SUITE_P(Threads, suite, ::testing::Values(1, 2), \
                           ::testing::PrintToStringParamName())

// Whether the server (as the tests) was built with a sanitizer, which costs memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// Whether connections other than a test's own are served: one on each loop, at least.
inline void expect_served(const ServerProcess& server) {
  TestClient first = server.connect();
  TestClient second = server.connect();
  EXPECT_EQ(first.call({"PING"}), "+PONG");
  EXPECT_EQ(second.call({"PING"}), "+PONG");
}

// Sets key:0, key:1 ... to a short value, each with further words of SET if there are any.
inline void populate(const ServerProcess& server, int keys, const std::string& words = "") {
  std::string bytes = "CLIENT REPLY OFF\r\n";
  for (int i = 0; i < keys; i++)
    bytes += "SET key:" + std::to_string(i) + " value " + words + "\r\n";
  TestClient client = server.connect();
  client.send(bytes + "CLIENT REPLY ON\r\n");
  EXPECT_EQ(client.reply(), "+OK");
}

}  // namespace larder::testing
