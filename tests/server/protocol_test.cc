// What arrives on a socket, in whatever pieces and however wrong: the reply, and that nobody else
// notices.
#include <gtest/gtest.h>

#include <thread>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::encode;
using testing::ServerProcess;
using testing::TestClient;

class Protocol : public testing::OnThreads {};
LARDER_ON_THREADS(Protocol);

struct Malformed {
  std::string bytes;
  std::string error;
};

void expect_protocol_errors(const ServerProcess& server, const std::vector<Malformed>& cases) {
  TestClient other = server.connect();
  for (const Malformed& wrong : cases) {
    SCOPED_TRACE(wrong.bytes.substr(0, 60));
    TestClient client = server.connect();
    client.send(wrong.bytes);
    EXPECT_EQ(client.reply(), "(error) ERR Protocol error: " + wrong.error);
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(other.call({"PING"}), "+PONG");
  }
}

TEST_P(Protocol, MalformedRequestIsAnsweredAndClosed) {
  ServerProcess server = start();
  expect_protocol_errors(server, {
                                     {"*x\r\n", "invalid multibulk length"},
                                     {"*1x\r\n", "invalid multibulk length"},
                                     {"*99999999999999999999\r\n", "invalid multibulk length"},
                                     {"*1\r\n+PING\r\n", "expected '$', got '+'"},
                                     {"*1\r\n\r\n\r\n", "expected '$', got ' '"},
                                     {"*1\r\n$x\r\n", "invalid bulk length"},
                                     {"*1\r\n$-1\r\n", "invalid bulk length"},
                                     {"*1\r\n$\r\n", "invalid bulk length"},
                                     {"SET key \"value\r\n", "unbalanced quotes in request"},
                                     {"SET key 'value'x\r\n", "unbalanced quotes in request"},
                                 });
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Protocol, HugeCountIsRefused) {
  ServerProcess server = start();
  expect_protocol_errors(server, {
                                     {"*2147483648\r\n", "invalid multibulk length"},
                                     {"*1\r\n$1000000000000\r\n", "invalid bulk length"},
                                     {"*1\r\n$9223372036854775807\r\n", "invalid bulk length"},
                                 });
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Protocol, LineOverItsLimitIsRefused) {
  ServerProcess server = start();
  const std::string digits(70'000, '1');
  expect_protocol_errors(server, {
                                     {std::string(70'000, 'a'), "too big inline request"},
                                     {"*" + digits, "too big mbulk count string"},
                                     {"*1\r\n$" + digits, "too big bulk count string"},
                                 });
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Protocol, ArgumentOverItsLimitIsRefused) {
  ServerProcess server = start({"--proto-max-bulk-len", "1mb"});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SET", "key", std::string(1024 * 1024, 'x')}), "+OK");
  expect_protocol_errors(server,
                         {{"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n", "invalid bulk length"},
                          {"*2\r\n$3\r\nGET\r\n$1048577\r\n", "invalid bulk length"},
                          {"*1\r\n$1048577\r\n", "invalid bulk length"}});
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Protocol, RequestsBeforeAnErrorAreAnswered) {
  ServerProcess server = start();
  TestClient client = server.connect();
  client.send("PING\r\nPING two\r\n*x\r\nPING\r\n");
  EXPECT_EQ(client.reply(), "+PONG");
  EXPECT_EQ(client.reply(), "\"two\"");
  EXPECT_EQ(client.reply(), "(error) ERR Protocol error: invalid multibulk length");
  EXPECT_TRUE(client.closed());
}

TEST_P(Protocol, EmptyRequestsHaveNoReply) {
  ServerProcess server = start();
  TestClient client = server.connect();
  client.send("*0\r\n*-1\r\n*-1000000000\r\n\r\n   \r\nPING\r\n");
  EXPECT_EQ(client.reply(), "+PONG");
  EXPECT_TRUE(client.silent(20));
}

// A header alone must not make the server allocate what it promises.
TEST_P(Protocol, PromisesCostNoMemory) {
  ServerProcess server = start();
  testing::expect_served(server);
  const size_t before = server.resident_bytes();
  TestClient many = server.connect();
  many.send("*1000000000\r\n$4\r\nPING\r\n$1\r\n");
  TestClient long_one = server.connect();
  long_one.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + std::string(100'000, 'x'));
  testing::expect_served(server);
  EXPECT_TRUE(many.silent(20));
  EXPECT_TRUE(long_one.silent(0));
  EXPECT_LT(server.resident_bytes(), before + 16 * 1024 * 1024);
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Protocol, LongNamesAndKeysWork) {
  ServerProcess server = start();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({std::string(200'000, 'n'), "argument"}).rfind("(error) ERR unknown", 0),
            0u);
  const std::string key(1'000'000, 'k');
  EXPECT_EQ(client.call({"SET", key, "value"}), "+OK");
  EXPECT_EQ(client.call({"GET", key}), "\"value\"");
}

const std::vector<std::vector<std::string>> kMixed = {
    {"SET", "one", "first"}, {"GET", "one"},  {"SET", "bytes", std::string("\r\n\0$3*", 6)},
    {"GET", "bytes"},        {"GET", "none"}, {"PING", ""},
};

void expect_mixed_replies(TestClient& client) {
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.reply(), "\"first\"");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.reply(), "\"" + std::string("\r\n\0$3*", 6) + "\"");
  EXPECT_EQ(client.reply(), "(nil)");
  EXPECT_EQ(client.reply(), "\"\"");
}

std::string mixed_requests() {
  std::string bytes;
  for (const auto& request : kMixed) bytes += encode(request);
  return bytes + "GET \"o\\x6ee\"\r\n";
}

TEST_P(Protocol, RequestsMayBeCutAnywhere) {
  ServerProcess server = start();
  TestClient client = server.connect();
  TestClient other = server.connect();
  const std::string bytes = mixed_requests();
  for (size_t cut = 1; cut < bytes.size(); cut++) {
    client.send(bytes.substr(0, cut));
    EXPECT_EQ(other.call({"PING"}), "+PONG");  // so that the parts come apart
    client.send(bytes.substr(cut));
    expect_mixed_replies(client);
    EXPECT_EQ(client.reply(), "\"first\"");
    if (HasFailure()) FAIL() << "cut at byte " << cut;
  }
}

TEST_P(Protocol, SlowPeerIsServedByteByByte) {
  ServerProcess server = start();
  TestClient client = server.connect();
  TestClient other = server.connect();
  for (const char byte : mixed_requests()) {
    client.send(std::string(1, byte));
    EXPECT_EQ(other.call({"PING"}), "+PONG");
  }
  expect_mixed_replies(client);
  EXPECT_EQ(client.reply(), "\"first\"");
}

TEST_P(Protocol, InlineCommandsHaveQuotes) {
  ServerProcess server = start();
  TestClient client = server.connect();
  client.send("SET key \"a \\\"b\\\" \\x41\\n\"\r\n");
  EXPECT_EQ(client.reply(), "+OK");
  client.send("GET key\n");
  EXPECT_EQ(client.reply(), "\"a \"b\" A\n\"");
  client.send("  SET\tother 'single \\' quoted'  \r\nGET other\r\n");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.reply(), "\"single ' quoted\"");
}

TEST_P(Protocol, LongPipelineIsAnsweredInOrder) {
  constexpr int kCommands = 100'000;
  ServerProcess server = start();
  TestClient client = server.connect();
  std::string bytes;
  for (int i = 0; i < kCommands; i++) bytes += encode({"PING", std::to_string(i)});
  std::thread sender([&] { client.send(bytes); });
  int in_order = 0;
  for (int i = 0; i < kCommands; i++) in_order += client.reply() == "\"" + std::to_string(i) + "\"";
  sender.join();
  EXPECT_EQ(in_order, kCommands);
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
}

// The peer sends all before it reads anything, and its replies are larger than all buffers.
TEST_P(Protocol, PipelineIsAnsweredAfterThePeerReadsAgain) {
  constexpr int kCommands = 2000;
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string value(20'000, 'v');
  EXPECT_EQ(client.call({"SET", "key", value}), "+OK");
  std::string bytes;
  for (int i = 0; i < kCommands; i++) bytes += "GET key\r\n";
  client.send(bytes);
  testing::expect_served(server);
  int right = 0;
  for (int i = 0; i < kCommands; i++) right += client.read_reply().text == value;
  EXPECT_EQ(right, kCommands);
}

TEST_P(Protocol, PeerThatStopsSendingGetsItsReplies) {
  ServerProcess server = start();
  TestClient client = server.connect();
  std::string bytes;
  for (int i = 0; i < 1000; i++) bytes += encode({"PING"});
  client.send(bytes);
  client.finish_sending();
  for (int i = 0; i < 1000; i++) ASSERT_EQ(client.reply(), "+PONG");
  EXPECT_TRUE(client.closed());
}

TEST_P(Protocol, HundredMegabytesComeInAndGoOut) {
  ServerProcess server = start();
  TestClient client = server.connect();
  TestClient other = server.connect();
  std::string value(100 * 1024 * 1024, 'v');
  for (size_t i = 0; i < value.size(); i += 4093) value[i] = static_cast<char>(i);
  std::thread sender([&] { client.request({"SET", "key", value}); });
  for (int i = 0; i < 20; i++) EXPECT_EQ(other.call({"PING"}), "+PONG");
  sender.join();
  EXPECT_EQ(client.reply(), "+OK");
  client.request({"GET", "key"});
  EXPECT_EQ(other.call({"PING"}), "+PONG");
  EXPECT_TRUE(client.read_reply().text == value);
  EXPECT_EQ(client.call({"PING"}), "+PONG");
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
