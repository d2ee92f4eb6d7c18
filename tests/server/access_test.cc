// Who may do what: passwords, protected mode, commands with other names.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::encode;
using testing::ServerProcess;
using testing::TestClient;

class Password : public testing::OnThreads {};
LARDER_ON_THREADS(Password);

TEST_P(Password, IsWantedBeforeCommands) {
  ServerProcess server = start({"--requirepass", "secret"});
  TestClient client = server.connect();
  const std::string wanted = "(error) NOAUTH Authentication required.";
  EXPECT_EQ(client.call({"PING"}), wanted);
  EXPECT_EQ(client.call({"GET", "key"}), wanted);
  EXPECT_EQ(client.call({"AUTH", "wrong"}),
            "(error) WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(client.call({"PING"}), wanted);
  EXPECT_EQ(client.call({"AUTH", "secret"}), "+OK");
  EXPECT_EQ(client.call({"PING"}), "+PONG");
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"GET", "key"}), wanted);
  EXPECT_EQ(other.call({"AUTH", "default", "secret"}), "+OK");
  EXPECT_EQ(other.call({"GET", "key"}), "(nil)");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Password, MayComeWithHello) {
  ServerProcess server = start({"--requirepass", "secret"});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"HELLO", "3"}).rfind("(error) NOAUTH HELLO must be called", 0), 0u);
  EXPECT_EQ(client.call({"HELLO", "3", "AUTH", "default", "wrong"}).rfind("(error) WRONGPASS", 0),
            0u);
  client.request({"HELLO", "3", "AUTH", "default", "secret"});
  EXPECT_EQ(client.read_reply().type, protocol::Reply::Type::kMap);
  EXPECT_EQ(client.call({"PING"}), "+PONG");
}

TEST_P(Password, WhoHasNotSaidItMaySendLittle) {
  ServerProcess server = start({"--requirepass", "secret"});
  for (const auto& [bytes, error] : std::vector<std::pair<std::string, std::string>>{
           {"*11\r\n", "unauthenticated multibulk length"},
           {"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "unauthenticated bulk length"}}) {
    TestClient client = server.connect();
    client.send(bytes);
    EXPECT_EQ(client.reply(), "(error) ERR Protocol error: " + error);
    EXPECT_TRUE(client.closed());
  }
}

// The limits are those of the moment, though all of it came at once.
TEST_P(Password, WhoHasSaidItMaySendMoreInTheSameBreath) {
  ServerProcess server = start({"--requirepass", "secret"});
  TestClient client = server.connect();
  std::vector<std::string> many{"MGET"};
  many.resize(20, "key");
  client.send(encode({"AUTH", "secret"}) + encode({"SET", "key", std::string(20'000, 'v')}) +
              encode(many) + encode({"PING"}));
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.read_reply().elements.size(), 19u);
  EXPECT_EQ(client.reply(), "+PONG");
}

TEST_P(Password, IsNotShownToMonitors) {
  ServerProcess server = start({"--requirepass", "secret"});
  TestClient monitor = server.connect();
  EXPECT_EQ(monitor.call({"AUTH", "secret"}), "+OK");
  EXPECT_EQ(monitor.call({"MONITOR"}), "+OK");
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"AUTH", "secret"}), "+OK");
  client.request({"HELLO", "2", "AUTH", "default", "secret"});
  client.reply();
  EXPECT_EQ(client.call({"PING", "last"}), "\"last\"");
  std::string line;
  do {
    line = monitor.read_line();
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
  } while (line.find("\"last\"") == std::string::npos);
}

TEST(RenamedCommand, HasItsNewNameOnly) {
  ServerProcess server({"--rename-command", "GET", "FETCH", "--rename-command", "FLUSHALL", ""});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SET", "key", "value"}), "+OK");
  EXPECT_EQ(client.call({"fetch", "key"}), "\"value\"");
  EXPECT_EQ(client.call({"GET", "key"}).rfind("(error) ERR unknown command 'GET'", 0), 0u);
  EXPECT_EQ(client.call({"FLUSHALL"}).rfind("(error) ERR unknown command 'FLUSHALL'", 0), 0u);
  EXPECT_TRUE(server.stops(SIGTERM));
}

// An IPv4 address of this machine from which it is not the loopback interface; empty: none.
std::string outer_address() {
  std::string found;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = "";
    const auto* in = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    if ((ntohl(in->sin_addr.s_addr) >> 24) != 127) found = text;
  }
  freeifaddrs(all);
  return found;
}

// Gives the calling thread (and what it starts) a network of its own, with such an address.
bool enter_network_with_outer_address() {
  if (unshare(CLONE_NEWNET) != 0) return false;
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto set = [any](const char* name, unsigned long what, const char* text) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (what == SIOCSIFADDR) {
      auto* in = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
      in->sin_family = AF_INET;
      inet_pton(AF_INET, text, &in->sin_addr);
    } else {
      request.ifr_flags = IFF_UP;
    }
    return ioctl(any, what, &request) == 0;
  };
  const bool done = set("lo", SIOCSIFFLAGS, nullptr) && set("lo:1", SIOCSIFADDR, "192.0.2.77");
  ::close(any);
  return done;
}

void check_protected_mode(const std::string& outer) {
  ServerProcess server({"--bind", "127.0.0.1", outer});
  testing::expect_served(server);
  TestClient refused = TestClient::tcp(outer, server.port());
  EXPECT_EQ(refused.reply().rfind("(error) DENIED Larder is running in protected mode", 0), 0u);
  EXPECT_TRUE(refused.closed());
  TestClient local = server.connect();
  EXPECT_EQ(local.call({"CONFIG", "SET", "protected-mode", "no"}), "+OK");
  EXPECT_EQ(TestClient::tcp(outer, server.port()).call({"PING"}), "+PONG");
  EXPECT_EQ(local.call({"CONFIG", "SET", "protected-mode", "yes", "requirepass", "secret"}), "+OK");
  EXPECT_EQ(TestClient::tcp(outer, server.port()).call({"AUTH", "secret"}), "+OK");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(ProtectedMode, RefusesOtherMachinesWhileThereIsNoPassword) {
  std::string outer = outer_address();
  if (!outer.empty()) return check_protected_mode(outer);
  bool possible = false;
  std::thread elsewhere([&] {
    possible = enter_network_with_outer_address();
    if (possible) check_protected_mode(outer_address());
  });
  elsewhere.join();
  if (!possible) GTEST_SKIP() << "no address but the loopback interface's";
}

}  // namespace
}  // namespace larder
