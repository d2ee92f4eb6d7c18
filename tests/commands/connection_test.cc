#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using core::Client;
using core::RespVersion;
using testing::FakeClient;
using testing::InProcess;

constexpr const char* kHello2 =
    "[\"server\", \"redis\", \"version\", \"7.2.4\", \"proto\", 2, \"id\", 1, \"mode\", "
    "\"standalone\", \"role\", \"master\", \"modules\", []]";
constexpr const char* kHello3 =
    "[\"server\", \"redis\", \"version\", \"7.2.4\", \"proto\", 3, \"id\", 1, \"mode\", "
    "\"standalone\", \"role\", \"master\", \"modules\", []]";
constexpr const char* kWrongPassword =
    "(error) WRONGPASS invalid username-password pair or user is disabled.";
constexpr const char* kNoAuth = "(error) NOAUTH Authentication required.";
constexpr const char* kHelloNoAuth =
    "(error) NOAUTH HELLO must be called with the client already authenticated, otherwise the "
    "HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
    "protocol version at the same time";

// A server with the password "sesame" and a client that has yet to say it.
struct Guarded {
  Guarded() {
    server.server().config.values.requirepass.set("sesame");
    client = server.connect();
    client->set(Client::kAuthenticated, false);
  }
  std::string run(const std::vector<std::string>& arguments) {
    return server.run(*client, arguments);
  }

  InProcess server;
  std::unique_ptr<FakeClient> client;
};

TEST(Ping, AnswersPongOrItsArgument) {
  InProcess server;
  EXPECT_EQ(server.run({"PING"}), "+PONG");
  EXPECT_EQ(server.run({"ping", "hello"}), "\"hello\"");
  EXPECT_EQ(server.run({"PING", "a", "b"}),
            "(error) ERR wrong number of arguments for 'ping' command");
}

TEST(Echo, AnswersItsArgumentByteForByte) {
  InProcess server;
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_EQ(server.run_raw(server.client(), {"ECHO", bytes}), "$4\r\n" + bytes + "\r\n");
  EXPECT_EQ(server.run({"ECHO"}), "(error) ERR wrong number of arguments for 'echo' command");
}

TEST(Http, EndsTheConnectionWithoutAReply) {
  for (const char* line : {"POST", "host:"}) {
    InProcess server;
    EXPECT_EQ(server.run({line, "/"}), "");
    EXPECT_TRUE(server.client().has(Client::kCloseAfterReply));
  }
}

TEST(Select, ChoosesTheDatabaseOfThisConnection) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"SELECT", "3"}), "+OK");
  EXPECT_EQ(server.client().database(), 3u);
  EXPECT_EQ(other->database(), 0u);
}

TEST(Select, RefusesWhatIsNoDatabase) {
  InProcess server;
  server.run({"SELECT", "2"});
  for (const char* index : {"16", "-1", "2147483647"}) {
    EXPECT_EQ(server.run({"SELECT", index}), "(error) ERR DB index is out of range") << index;
  }
  for (const char* index : {"a", "", "1.0", "01", "99999999999999999999"}) {
    EXPECT_EQ(server.run({"SELECT", index}), "(error) ERR value is not an integer or out of range")
        << index;
  }
  EXPECT_EQ(server.run({"SELECT", "3000000000"}),
            "(error) ERR value is out of range, value must between -2147483648 and 2147483647");
  EXPECT_EQ(server.client().database(), 2u);
}

TEST(Quit, ClosesAfterTheReply) {
  InProcess server;
  EXPECT_EQ(server.run({"QUIT", "now", "please"}), "+OK");
  EXPECT_TRUE(server.client().has(Client::kCloseAfterReply));
}

TEST(Auth, WithoutAPasswordSetOnlyTheUserIsLookedAt) {
  InProcess server;
  EXPECT_EQ(server.run({"AUTH", "x"}),
            "(error) ERR AUTH <password> called without any password configured for the default "
            "user. Are you sure your configuration is correct?");
  EXPECT_EQ(server.run({"AUTH", "default", "anything"}), "+OK");
  EXPECT_EQ(server.run({"AUTH", "somebody", "anything"}), kWrongPassword);
  EXPECT_EQ(server.run({"AUTH", "a", "b", "c"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"AUTH"}), "(error) ERR wrong number of arguments for 'auth' command");
}

TEST(Auth, NothingElseRunsBefore) {
  Guarded guarded;
  EXPECT_EQ(guarded.run({"PING"}), kNoAuth);
  EXPECT_EQ(guarded.run({"SELECT", "1"}), kNoAuth);
  EXPECT_EQ(guarded.run({"CLIENT", "ID"}), kNoAuth);
  // What is wrong with a command as such is said all the same.
  EXPECT_EQ(guarded.run({"FOO"}), "(error) ERR unknown command 'FOO', with args beginning with: ");
  EXPECT_EQ(guarded.run({"ECHO"}), "(error) ERR wrong number of arguments for 'echo' command");
  EXPECT_EQ(guarded.run({"QUIT"}), "+OK");
}

TEST(Auth, OnlyTheRightPasswordOpens) {
  Guarded guarded;
  for (const char* wrong : {"", "s", "sesam", "sesame ", "Sesame", "sesamesesame"}) {
    EXPECT_EQ(guarded.run({"AUTH", wrong}), kWrongPassword) << wrong;
    EXPECT_EQ(guarded.run({"AUTH", "default", wrong}), kWrongPassword) << wrong;
  }
  EXPECT_EQ(guarded.run({"AUTH", "somebody", "sesame"}), kWrongPassword);
  EXPECT_EQ(guarded.run({"PING"}), kNoAuth);
  EXPECT_EQ(guarded.run({"AUTH", "sesame"}), "+OK");
  EXPECT_EQ(guarded.run({"PING"}), "+PONG");
}

TEST(Auth, AWrongPasswordLaterTakesNothingBack) {
  Guarded guarded;
  EXPECT_EQ(guarded.run({"AUTH", "default", "sesame"}), "+OK");
  EXPECT_EQ(guarded.run({"AUTH", "wrong"}), kWrongPassword);
  EXPECT_EQ(guarded.run({"PING"}), "+PONG");
}

TEST(Auth, IsNotAskedForOnceThePasswordIsGone) {
  Guarded guarded;
  guarded.server.server().config.values.requirepass.set("");
  EXPECT_EQ(guarded.run({"PING"}), "+PONG");
  EXPECT_EQ(guarded.run({"HELLO"}), kHelloNoAuth);  // as in Redis
  EXPECT_EQ(guarded.run({"AUTH", "default", "x"}), "+OK");
  EXPECT_EQ(guarded.run({"HELLO"}).substr(0, 10), "[\"server\",");
}

TEST(Auth, PasswordsAreNotShownToMonitors) {
  InProcess server;
  server.server().monitors = 1;
  server.run({"AUTH", "secret"});
  server.run({"AUTH", "user", "secret"});
  server.run({"HELLO", "2", "AUTH", "user", "secret", "SETNAME", "me"});
  server.run({"ECHO", "open"});
  ASSERT_EQ(server.monitored.size(), 4u);
  const auto shown = [&](size_t i) {
    const std::string& line = server.monitored[i];
    return line.substr(line.find("] ") + 2);
  };
  EXPECT_EQ(shown(0), "\"AUTH\" \"(redacted)\"\r\n");
  EXPECT_EQ(shown(1), "\"AUTH\" \"(redacted)\" \"(redacted)\"\r\n");
  EXPECT_EQ(shown(2),
            "\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"me\"\r\n");
  EXPECT_EQ(shown(3), "\"ECHO\" \"open\"\r\n");
}

TEST(Hello, IntroducesTheServer) {
  InProcess server;
  EXPECT_EQ(server.run({"HELLO"}), kHello2);
  EXPECT_EQ(server.run({"HELLO", "3"}), kHello3);
  EXPECT_EQ(server.run({"HELLO"}), kHello3);  // the version stays
  EXPECT_EQ(server.run({"HELLO", "2"}), kHello2);
}

TEST(Hello, AnswersInTheVersionThatItChose) {
  InProcess server;
  EXPECT_EQ(server.run_raw(server.client(), {"HELLO", "3"})[0], '%');
  EXPECT_EQ(server.client().resp(), RespVersion::k3);
  EXPECT_EQ(server.run_raw(server.client(), {"HELLO", "2"})[0], '*');
  EXPECT_EQ(server.client().resp(), RespVersion::k2);
}

TEST(Hello, KnowsTwoVersions) {
  InProcess server;
  for (const char* version : {"1", "4", "0", "-3", "9223372036854775807"}) {
    EXPECT_EQ(server.run({"HELLO", version}), "(error) NOPROTO unsupported protocol version");
  }
  for (const char* version : {"abc", "", "3.0", "99999999999999999999", "AUTH"}) {
    EXPECT_EQ(server.run({"HELLO", version}),
              "(error) ERR Protocol version is not an integer or out of range");
  }
}

TEST(Hello, NamesTheOptionThatItDoesNotUnderstand) {
  InProcess server;
  EXPECT_EQ(server.run({"HELLO", "3", "FOO"}), "(error) ERR Syntax error in HELLO option 'FOO'");
  EXPECT_EQ(server.run({"HELLO", "3", "AUTH", "default"}),
            "(error) ERR Syntax error in HELLO option 'AUTH'");
  EXPECT_EQ(server.run({"HELLO", "3", "SETNAME"}),
            "(error) ERR Syntax error in HELLO option 'SETNAME'");
  EXPECT_EQ(server.run({"HELLO", "3", "SETNAME", "me", "auth", "x"}),
            "(error) ERR Syntax error in HELLO option 'auth'");
  EXPECT_EQ(server.client().resp(), RespVersion::k2);
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "(nil)");
}

TEST(Hello, SetsTheName) {
  InProcess server;
  EXPECT_EQ(server.run({"HELLO", "2", "SETNAME", "first", "setname", "me"}), kHello2);
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "\"me\"");
  EXPECT_EQ(server.run({"HELLO", "3", "SETNAME", "not me"}),
            "(error) ERR Client names cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(server.client().resp(), RespVersion::k2);
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "\"me\"");
}

TEST(Hello, NeedsThePassword) {
  Guarded guarded;
  EXPECT_EQ(guarded.run({"HELLO"}), kHelloNoAuth);
  EXPECT_EQ(guarded.run({"HELLO", "3", "SETNAME", "me"}), kHelloNoAuth);
  EXPECT_EQ(guarded.run({"HELLO", "3", "AUTH", "default", "wrong"}), kWrongPassword);
  EXPECT_EQ(guarded.run({"HELLO", "3", "AUTH", "somebody", "sesame"}), kWrongPassword);
  EXPECT_EQ(guarded.client->resp(), RespVersion::k2);
  // What is wrong with the options comes first.
  EXPECT_EQ(guarded.run({"HELLO", "9"}), "(error) NOPROTO unsupported protocol version");
  EXPECT_EQ(guarded.run({"HELLO", "3", "AUTH", "default", "sesame", "SETNAME", "a b"}),
            "(error) ERR Client names cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(guarded.run({"PING"}), kNoAuth);

  EXPECT_EQ(guarded.run({"HELLO", "3", "AUTH", "default", "sesame", "SETNAME", "me"}).substr(0, 9),
            "[\"server\"");
  EXPECT_EQ(guarded.client->resp(), RespVersion::k3);
  EXPECT_EQ(guarded.run({"CLIENT", "GETNAME"}), "\"me\"");
}

TEST(Reset, MakesTheConnectionLikeNew) {
  InProcess server;
  server.run({"HELLO", "3", "SETNAME", "me"});
  server.run({"SELECT", "5"});
  server.run({"CLIENT", "NO-EVICT", "ON"});
  server.run({"CLIENT", "NO-TOUCH", "ON"});
  server.run({"CLIENT", "SETINFO", "LIB-NAME", "lib"});
  EXPECT_EQ(server.run({"RESET"}), "+RESET");
  EXPECT_EQ(server.client().resp(), RespVersion::k2);
  EXPECT_EQ(server.client().database(), 0u);
  EXPECT_FALSE(server.client().has(Client::kNoEvict));
  EXPECT_FALSE(server.client().has(Client::kNoTouch));
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "(nil)");
  EXPECT_EQ(server.run({"PING"}), "+PONG");  // no password is set: still authenticated
  EXPECT_EQ(server.client().names->library_name, "lib");
}

TEST(Reset, AsksForThePasswordAgain) {
  Guarded guarded;
  EXPECT_EQ(guarded.run({"RESET"}), "+RESET");
  guarded.run({"AUTH", "sesame"});
  EXPECT_EQ(guarded.run({"RESET"}), "+RESET");
  EXPECT_EQ(guarded.run({"PING"}), kNoAuth);
}

TEST(Reset, LeavesMonitorMode) {
  InProcess server;
  server.client().set(Client::kMonitor);
  server.server().monitors = 1;
  EXPECT_EQ(server.run({"RESET"}), "+RESET");
  EXPECT_FALSE(server.client().has(Client::kMonitor));
  EXPECT_EQ(server.server().monitors, 0);
  server.run({"RESET"});
  EXPECT_EQ(server.server().monitors, 0);
}

TEST(Reset, TurnsRepliesOnButIsSkippedItself) {
  InProcess server;
  server.run({"CLIENT", "REPLY", "OFF"});
  EXPECT_EQ(server.run({"RESET"}), "+RESET");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
  server.run({"CLIENT", "REPLY", "SKIP"});
  EXPECT_EQ(server.run({"RESET"}), "");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
}

}  // namespace
}  // namespace larder
