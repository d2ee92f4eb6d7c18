// Where a server listens: addresses, IPv6, Unix sockets.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <exception>
#include <filesystem>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::Process;
using testing::read_file;
using testing::ServerProcess;
using testing::TemporaryFolder;
using testing::TestClient;

bool has_ipv6() {
  return read_file("/proc/net/if_inet6").find("00000000000000000000000000000001 ") !=
         std::string::npos;
}

TEST(Listen, PortInUseKeepsTheServerFromStarting) {
  ServerProcess server;
  const std::string port = std::to_string(server.port());
  Process second({"--port", port, "--bind", "127.0.0.1"});
  EXPECT_EQ(second.wait(), 1);
  EXPECT_NE(second.errors().find("127.0.0.1 port " + port + ": Address already in use"),
            std::string::npos)
      << second.errors();
  testing::expect_served(server);
}

TEST(Listen, NoAddressIsAnError) {
  Process nowhere({"--port", "0"});
  EXPECT_EQ(nowhere.wait(), 1);
  EXPECT_NE(nowhere.errors().find("nothing to listen on"), std::string::npos);
  Process foreign({"--port", std::to_string(testing::free_port()), "--bind", "203.0.113.1"});
  EXPECT_EQ(foreign.wait(), 1);
  EXPECT_NE(foreign.errors().find("203.0.113.1 port "), std::string::npos);
  Process nonsense({"--bind", "127.0.0.1", "no-address"});
  EXPECT_EQ(nonsense.wait(), 1);
  EXPECT_NE(nonsense.errors().find("no-address port 6379: not an address"), std::string::npos);
}

TEST(Listen, OptionalAddressMayBeMissing) {
  ServerProcess server({"--bind", "127.0.0.1", "-203.0.113.1"});
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(Listen, SeveralAddressesAreServed) {
  ServerProcess server({"--bind", "127.0.0.1", "127.0.0.2"});
  TestClient second = TestClient::tcp("127.0.0.2", server.port());
  EXPECT_EQ(second.call({"PING"}), "+PONG");
  EXPECT_NE(
      second.call({"CLIENT", "INFO"}).find("laddr=127.0.0.2:" + std::to_string(server.port())),
      std::string::npos);
  EXPECT_THROW(TestClient::tcp("127.0.0.3", server.port()), std::runtime_error);
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(Listen, Ipv6IsServed) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no ::1";
  ServerProcess server({"--bind", "127.0.0.1", "-::1"});
  TestClient client = TestClient::tcp("::1", server.port());
  EXPECT_NE(client.call({"CLIENT", "INFO"}).find("addr=[::1]:" + std::to_string(client.port())),
            std::string::npos);
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(Listen, EveryAddressMeansEveryAddress) {
  ServerProcess server({"--bind", "*", "-::*"});
  EXPECT_EQ(TestClient::tcp("127.0.0.3", server.port()).call({"PING"}), "+PONG");
  if (has_ipv6()) {
    EXPECT_EQ(TestClient::tcp("::1", server.port()).call({"PING"}), "+PONG");
  }
}

class UnixSocket : public testing::OnThreads {
 protected:
  const TemporaryFolder folder_;
  const std::string path_ = folder_.path("socket");
};
LARDER_ON_THREADS(UnixSocket);

TEST_P(UnixSocket, IsServedWithItsPermissionsAndRemovedAtTheEnd) {
  ServerProcess server = start({"--unixsocket", path_, "--unixsocketperm", "700"});
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  TestClient client = TestClient::unix_socket(path_);
  EXPECT_EQ(client.call({"SET", "key", std::string(1'000'000, 'v')}), "+OK");
  EXPECT_EQ(client.call({"STRLEN", "key"}), "1000000");
  const std::string info = client.call({"CLIENT", "INFO"});
  EXPECT_NE(info.find(" addr=" + path_ + ":0 laddr=" + path_ + ":0 "), std::string::npos) << info;
  EXPECT_NE(info.find(" flags=U "), std::string::npos) << info;
  TestClient monitor = server.connect();
  EXPECT_EQ(monitor.call({"MONITOR"}), "+OK");
  EXPECT_EQ(client.call({"PING"}), "+PONG");
  EXPECT_NE(monitor.read_line().find(" [0 unix:" + path_ + "] \"PING\""), std::string::npos);
  TestClient::unix_socket(path_).reset();
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_P(UnixSocket, IsEnoughToListenOn) {
  Process process({"--port", "0", "--unixsocket", path_});
  // The file is there a moment before the server listens on it.
  const auto listens = [&] {
    try {
      return TestClient::unix_socket(path_).call({"PING"}) == "+PONG";
    } catch (const std::exception&) {
      return false;
    }
  };
  EXPECT_TRUE(eventually([&] { return listens() || !process.running(); }));
  EXPECT_TRUE(process.running());
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 0);
}

TEST_P(UnixSocket, OfADeadServerIsReplaced) {
  {
    ServerProcess killed = start({"--unixsocket", path_});
    killed.process().signal(SIGKILL);
    killed.process().wait();
  }
  ASSERT_TRUE(std::filesystem::exists(path_));
  ServerProcess server = start({"--unixsocket", path_});
  EXPECT_EQ(TestClient::unix_socket(path_).call({"PING"}), "+PONG");
}

TEST_P(UnixSocket, OfALivingServerIsLeftAlone) {
  ServerProcess server = start({"--unixsocket", path_});
  Process second({"--port", "0", "--unixsocket", path_});
  EXPECT_EQ(second.wait(), 1);
  EXPECT_NE(second.errors().find(path_ + ": Address already in use"), std::string::npos);
  EXPECT_EQ(TestClient::unix_socket(path_).call({"PING"}), "+PONG");
}

TEST_P(UnixSocket, DoesNotReplaceAFile) {
  folder_.write("socket", "precious");
  Process process({"--port", "0", "--unixsocket", path_});
  EXPECT_EQ(process.wait(), 1);
  EXPECT_EQ(read_file(path_), "precious");
}

TEST_P(UnixSocket, PathThatIsTooLongIsAnError) {
  Process process({"--port", "0", "--unixsocket", folder_.path(std::string(200, 'x'))});
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(process.errors().find("not an address"), std::string::npos) << process.errors();
}

}  // namespace
}  // namespace larder
