// A server in process with two clients, for commands that wait.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/in_process.h"

namespace larder::testing {

struct Waiting : ::testing::Test {
  using Suspended = core::Dispatcher::Suspended;
  std::string run(const std::vector<std::string>& arguments) { return server.run(arguments); }
  std::string resume(FakeClient& client, Suspended& command) {
    return server.resume(client, command);
  }

  InProcess server{2};
  std::unique_ptr<FakeClient> a = server.connect();
  std::unique_ptr<FakeClient> b = server.connect();
};

}  // namespace larder::testing
