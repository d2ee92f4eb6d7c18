#include <gtest/gtest.h>

#include "server/core/output.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using core::Client;
using core::Dispatcher;
using testing::FakeClient;
using testing::InProcess;

// The CLIENT LIST lines' ids, in order.
std::vector<std::string> listed_ids(const std::string& reply) {
  std::vector<std::string> ids;
  for (size_t at = reply.find("id="); at != reply.npos; at = reply.find("\nid=", at + 1)) {
    const size_t from = reply.find("id=", at) + 3;
    ids.push_back(reply.substr(from, reply.find(' ', from) - from));
  }
  return ids;
}

using Ids = std::vector<std::string>;

TEST(ClientId, IsAnothersForEachConnection) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "ID"}), "1");
  EXPECT_EQ(server.run(*other, {"client", "id"}), "2");
}

TEST(Client, RefusesUnknownSubcommands) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT"}), "(error) ERR wrong number of arguments for 'client' command");
  EXPECT_EQ(server.run({"CLIENT", "FOO"}),
            "(error) ERR unknown subcommand 'FOO'. Try CLIENT HELP.");
  // Clients that hear an error here get along without.
  EXPECT_EQ(server.run({"CLIENT", "MAINT_NOTIFICATIONS", "ON"}),
            "(error) ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.");
  EXPECT_EQ(server.run({"CLIENT", "ID", "x"}),
            "(error) ERR wrong number of arguments for 'client|id' command");
}

TEST(ClientHelp, ListsTheSubcommands) {
  InProcess server;
  const std::string help = server.run({"CLIENT", "HELP"});
  EXPECT_EQ(help.find("[+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"), 0u);
  EXPECT_NE(help.find("+PAUSE timeout [WRITE | ALL]"), help.npos);
}

TEST(ClientSetname, IsAnsweredByGetname) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "(nil)");
  EXPECT_EQ(server.run({"CLIENT", "SETNAME", "!me~"}), "+OK");
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "\"!me~\"");
  EXPECT_EQ(server.run({"CLIENT", "SETNAME", ""}), "+OK");
  EXPECT_EQ(server.run({"CLIENT", "GETNAME"}), "(nil)");
}

TEST(ClientSetname, RefusesWhatWouldSpoilTheList) {
  InProcess server;
  for (const std::string& name :
       {std::string("a b"), std::string("a\nb"), std::string("\xc3\xa9"), std::string("a\0b", 3)}) {
    EXPECT_EQ(server.run({"CLIENT", "SETNAME", name}),
              "(error) ERR Client names cannot contain spaces, newlines or special characters.");
  }
}

TEST(ClientSetinfo, ShowsTheLibraryInTheList) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "SETINFO", "lib-name", "some-lib"}), "+OK");
  EXPECT_EQ(server.run({"CLIENT", "SETINFO", "LIB-VER", "1.2"}), "+OK");
  EXPECT_NE(server.run({"CLIENT", "INFO"}).find(" lib-name=some-lib lib-ver=1.2\n"),
            std::string::npos);
  EXPECT_EQ(server.run({"CLIENT", "SETINFO", "LIB-NAME", ""}), "+OK");
  EXPECT_NE(server.run({"CLIENT", "INFO"}).find(" lib-name= lib-ver=1.2\n"), std::string::npos);
}

TEST(ClientSetinfo, RefusesOtherAttributesAndCharacters) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "SETINFO", "LIB-FOO", "x"}),
            "(error) ERR Unrecognized option 'LIB-FOO'");
  EXPECT_EQ(server.run({"CLIENT", "SETINFO", "Lib-Name", "a b"}),
            "(error) ERR Lib-Name cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(server.run({"CLIENT", "SETINFO", "LIB-NAME"}),
            "(error) ERR wrong number of arguments for 'client|setinfo' command");
}

TEST(ClientInfo, DescribesTheConnection) {
  InProcess server;
  server.run({"CLIENT", "SETNAME", "me"});
  server.run({"SELECT", "2"});
  server.clock().advance_ms(3500);
  const std::string info = server.run({"CLIENT", "INFO"});
  EXPECT_EQ(info,
            "\"id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name=me age=3 idle=0 flags=N "
            "db=2 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 "
            "rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client|info user=default redir=-1 "
            "resp=2 lib-name= lib-ver=\n\"");
  server.run({"HELLO", "3"});
  EXPECT_EQ(server.run_raw(server.client(), {"CLIENT", "INFO"})[0], '=');
}

TEST(ClientList, HasALineForEachConnectionById) {
  InProcess server;
  const auto second = server.connect();
  auto third = server.connect();
  server.run(*second, {"CLIENT", "SETNAME", "two"});
  EXPECT_EQ(listed_ids(server.run({"CLIENT", "LIST"})), (Ids{"1", "2", "3"}));
  EXPECT_NE(server.run({"CLIENT", "LIST"}).find(" name=two "), std::string::npos);
  third.reset();
  EXPECT_EQ(listed_ids(server.run({"CLIENT", "LIST"})), (Ids{"1", "2"}));
}

TEST(ClientList, ByType) {
  InProcess server;
  EXPECT_EQ(listed_ids(server.run({"CLIENT", "LIST", "TYPE", "normal"})), Ids{"1"});
  for (const char* type : {"master", "replica", "SLAVE", "pubsub"}) {
    EXPECT_EQ(server.run({"CLIENT", "LIST", "TYPE", type}), "\"\"") << type;
  }
  EXPECT_EQ(server.run({"CLIENT", "LIST", "TYPE", "foo"}), "(error) ERR Unknown client type 'foo'");
}

TEST(ClientList, ByIdInTheOrderAskedFor) {
  InProcess server;
  const auto second = server.connect();
  EXPECT_EQ(listed_ids(server.run({"CLIENT", "LIST", "ID", "2", "9", "1", "2", "-1", "0"})),
            (Ids{"2", "1", "2"}));
  EXPECT_EQ(server.run({"CLIENT", "LIST", "ID", "99"}), "\"\"");
  EXPECT_EQ(server.run({"CLIENT", "LIST", "ID", "1", "a"}), "(error) ERR Invalid client ID");
}

TEST(ClientList, RefusesOtherOptions) {
  InProcess server;
  using Words = std::vector<std::string>;
  for (const Words& words : {Words{"FOO"}, Words{"FOO", "BAR"}, Words{"TYPE"}, Words{"ID"},
                             Words{"TYPE", "normal", "x"}}) {
    Words command{"CLIENT", "LIST"};
    command.insert(command.end(), words.begin(), words.end());
    EXPECT_EQ(server.run(command), "(error) ERR syntax error");
  }
}

TEST(ClientKill, OldFormNamesAnAddress) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "KILL", "1.1.1.1:1"}), "(error) ERR No such client");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID"}), "(error) ERR No such client");
  EXPECT_FALSE(other->closed);
  // Both have the same address here: the old form does not spare who says it.
  EXPECT_EQ(server.run({"CLIENT", "KILL", "127.0.0.1:50000"}), "+OK");
  EXPECT_TRUE(other->closed);
  EXPECT_FALSE(server.client().closed);
  EXPECT_TRUE(server.client().has(Client::kCloseAfterReply));
}

TEST(ClientKill, ById) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "99"}), "0");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "2"}), "1");
  EXPECT_TRUE(other->closed);
  for (const char* id : {"0", "-1", "abc", "9223372036854775808"}) {
    EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", id}),
              "(error) ERR client-id should be greater than 0");
  }
}

TEST(ClientKill, WhoWasKilledIsNotSeenAgain) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "2"}), "1");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "2"}), "0");
  EXPECT_EQ(listed_ids(server.run({"CLIENT", "LIST"})), Ids{"1"});
  EXPECT_EQ(listed_ids(server.run({"CLIENT", "LIST", "ID", "2"})), Ids{});
}

TEST(ClientKill, SparesWhoSaysItUnlessAskedOtherwise) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "KILL", "TYPE", "normal"}), "1");
  EXPECT_TRUE(other->closed);
  EXPECT_FALSE(server.client().has(Client::kCloseAfterReply));
  EXPECT_EQ(server.run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"}), "1");
  EXPECT_TRUE(server.client().has(Client::kCloseAfterReply));
}

TEST(ClientKill, AllFiltersMustPass) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ADDR", "127.0.0.1:50000", "LADDR", "1:1"}), "0");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "2", "TYPE", "pubsub"}), "0");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "1"}), "0");
  EXPECT_FALSE(other->closed);
  EXPECT_EQ(server.run({"CLIENT", "KILL", "addr", "127.0.0.1:50000", "laddr", "127.0.0.1:6379",
                        "type", "NORMAL", "user", "default", "skipme", "YES", "id", "2"}),
            "1");
  EXPECT_TRUE(other->closed);
}

TEST(ClientKill, ReportsTheFirstThingWrong) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "KILL"}),
            "(error) ERR wrong number of arguments for 'client|kill' command");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "TYPE", "foo"}), "(error) ERR Unknown client type 'foo'");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "USER", "foo"}), "(error) ERR No such user 'foo'");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "SKIPME", "maybe"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "FOO", "bar"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "5", "TYPE"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "MAXAGE", "5"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"CLIENT", "KILL", "ID", "abc", "FOO", "bar"}),
            "(error) ERR client-id should be greater than 0");
}

TEST(ClientReply, OffSilencesUntilOn) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "OFF"}), "");
  EXPECT_EQ(server.run({"PING"}), "");
  EXPECT_EQ(server.run({"NOSUCH"}), "");
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "SKIP"}), "");
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "FOO"}), "");
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "ON"}), "+OK");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
}

TEST(ClientReply, SkipSilencesTheNextCommand) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "SKIP"}), "");
  EXPECT_EQ(server.run({"PING"}), "");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
  server.run({"CLIENT", "REPLY", "SKIP"});
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "ON"}), "+OK");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "FOO"}), "(error) ERR syntax error");
}

TEST(ClientReply, SkipSilencesACommandThatWorksInSlices) {
  InProcess server;
  server.run({"SET", "k", "v"});
  server.run({"CLIENT", "REPLY", "SKIP"});
  EXPECT_EQ(server.run({"KEYS", "*"}), "");
  EXPECT_EQ(server.run({"KEYS", "*"}), "[\"k\"]");
  server.run({"CLIENT", "REPLY", "OFF"});
  EXPECT_EQ(server.run({"KEYS", "*"}), "");
}

TEST(ClientNoEvict, TakesOnOrOff) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "NO-EVICT", "on"}), "+OK");
  EXPECT_NE(server.run({"CLIENT", "INFO"}).find(" flags=e "), std::string::npos);
  EXPECT_EQ(server.run({"CLIENT", "NO-EVICT", "OFF"}), "+OK");
  EXPECT_FALSE(server.client().has(Client::kNoEvict));
  EXPECT_EQ(server.run({"CLIENT", "NO-EVICT", "maybe"}), "(error) ERR syntax error");
}

TEST(ClientNoTouch, TakesOnOrOff) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "NO-TOUCH", "ON"}), "+OK");
  EXPECT_NE(server.run({"CLIENT", "INFO"}).find(" flags=T "), std::string::npos);
  EXPECT_EQ(server.run({"CLIENT", "NO-TOUCH", "off"}), "+OK");
  EXPECT_FALSE(server.client().has(Client::kNoTouch));
  EXPECT_EQ(server.run({"CLIENT", "NO-TOUCH", ""}), "(error) ERR syntax error");
}

TEST(ClientGetredir, HasNobody) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "GETREDIR"}), "-1");
}

// What the server would do with the command now.
bool is_held(InProcess& server, const std::vector<std::string>& arguments) {
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  Dispatcher dispatcher(server.server(), 0);
  core::Output out;
  const bool held = dispatcher.run(server.client(), views, out, server.clock().now_ms()) ==
                    Dispatcher::Outcome::kHeld;
  EXPECT_EQ(held, out.size() == 0);
  return held;
}

TEST(ClientPause, HoldsEverythingUntilItsTime) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "100"}), "+OK");
  EXPECT_TRUE(is_held(server, {"PING"}));
  EXPECT_TRUE(is_held(server, {"GET", "k"}));
  EXPECT_TRUE(is_held(server, {"CLIENT", "UNPAUSE"}));
  EXPECT_TRUE(is_held(server, {"QUIT"}));
  EXPECT_FALSE(is_held(server, {"NOSUCH"}));  // errors are not held
  EXPECT_FALSE(is_held(server, {"GET"}));
  server.clock().advance_ms(99);
  EXPECT_TRUE(is_held(server, {"PING"}));
  server.clock().advance_ms(1);
  EXPECT_FALSE(is_held(server, {"PING"}));
}

TEST(ClientPause, WriteLetsReadsPass) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "100", "write"}), "+OK");
  EXPECT_FALSE(is_held(server, {"PING"}));
  EXPECT_FALSE(is_held(server, {"GET", "k"}));
  EXPECT_TRUE(is_held(server, {"SET", "k", "v"}));
}

TEST(ClientPause, IsNeverMadeShorterOrLaxer) {
  InProcess server;
  server.run({"CLIENT", "PAUSE", "100", "WRITE"});
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "0"}), "+OK");  // ALL, but for no longer
  EXPECT_TRUE(is_held(server, {"GET", "k"}));
  server.clock().advance_ms(99);
  EXPECT_TRUE(is_held(server, {"PING"}));
  server.clock().advance_ms(1);
  // The old pause is over and forgotten.
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "100", "WRITE"}), "+OK");
  EXPECT_FALSE(is_held(server, {"GET", "k"}));
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "200", "WRITE"}), "+OK");
  server.clock().advance_ms(199);
  EXPECT_TRUE(is_held(server, {"SET", "k", "v"}));
}

TEST(ClientUnpause, LetsThemGo) {
  InProcess server;
  server.run({"CLIENT", "PAUSE", "100", "WRITE"});
  EXPECT_EQ(server.run({"CLIENT", "UNPAUSE"}), "+OK");
  EXPECT_EQ(server.pauses_ended, 1);
  EXPECT_FALSE(is_held(server, {"SET", "k", "v"}));
  EXPECT_EQ(server.run({"CLIENT", "UNPAUSE"}), "+OK");
}

TEST(ClientPause, ReportsTheFirstThingWrong) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "abc", "FOO"}),
            "(error) ERR CLIENT PAUSE mode must be WRITE or ALL");
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "abc"}),
            "(error) ERR timeout is not an integer or out of range");
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "-1"}), "(error) ERR timeout is negative");
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "9223372036854775807"}),
            "(error) ERR timeout is out of range");
  EXPECT_EQ(server.run({"CLIENT", "PAUSE", "1", "WRITE", "x"}),
            "(error) ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT "
            "HELP.");
  EXPECT_FALSE(is_held(server, {"PING"}));
}

TEST(ClientUnblock, ReachesOnlyThoseWhoWait) {
  InProcess server;
  const auto other = server.connect();
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "2"}), "0");
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "99"}), "0");
  EXPECT_EQ(other->unblocked, 0);
  other->set(Client::kBlocked);
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "2"}), "1");
  EXPECT_EQ(other->unblocked, 1);
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "2", "ERROR"}), "1");
  EXPECT_EQ(other->unblocked, 2);
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "2", "timeout"}), "1");
  EXPECT_EQ(other->unblocked, 1);
}

TEST(ClientUnblock, DoesNotEndAPause) {
  InProcess server;
  const auto other = server.connect();
  other->set(Client::kBlocked);
  other->set(Client::kHeld);
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "2"}), "0");
  EXPECT_EQ(other->unblocked, 0);
}

TEST(ClientUnblock, ReportsTheFirstThingWrong) {
  InProcess server;
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "a", "FOO"}),
            "(error) ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "a"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"CLIENT", "UNBLOCK", "1", "ERROR", "x"}),
            "(error) ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT "
            "HELP.");
}

}  // namespace
}  // namespace larder
