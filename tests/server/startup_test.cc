// The command line, and what keeps a server from starting: a clear word and exit status 1.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
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

// Expects that larder does not start with these arguments, and says why.
void expect_refused(const std::vector<std::string>& arguments, const std::string& why) {
  Process process(arguments);
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(process.errors().find(why), std::string::npos) << process.errors();
  EXPECT_EQ(process.output(), "");
}

TEST(CommandLine, HelpNamesTheOptions) {
  for (const std::string option : {"--help", "-h"}) {
    Process process({option});
    EXPECT_EQ(process.wait(), 0);
    EXPECT_NE(process.output().find("--maxclients"), std::string::npos);
    EXPECT_NE(process.output().find("Usage: larder"), std::string::npos);
    EXPECT_EQ(process.errors(), "");
  }
}

TEST(CommandLine, VersionIsOneLine) {
  for (const std::string option : {"--version", "-v"}) {
    Process process({option});
    EXPECT_EQ(process.wait(), 0);
    EXPECT_EQ(process.output().rfind("Larder ", 0), 0u);
    EXPECT_EQ(process.output().find('\n'), process.output().size() - 1);
  }
}

TEST(CommandLine, DumpedConfigurationIsAConfiguration) {
  Process dump({"--dump-config"});
  EXPECT_EQ(dump.wait(), 0);
  const TemporaryFolder folder;
  ServerProcess server({folder.write("larder.conf", dump.output())});
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(CommandLine, WrongOptionsAreNamed) {
  expect_refused({"--no-such-option", "1"}, "unknown option 'no-such-option'");
  expect_refused({"--port", "many"}, "port: argument couldn't be parsed into an integer");
  expect_refused({"--port", "65536"}, "port: argument must be between 0 and 65535 inclusive");
  expect_refused({"--port"}, "port: wrong number of arguments");
  expect_refused({"--port", "1", "2"}, "port: wrong number of arguments");
  expect_refused({"--maxmemory", "12parrots"}, "maxmemory: argument must be a memory value");
  expect_refused({"--protected-mode", "maybe"}, "protected-mode: argument must be 'yes' or 'no'");
  expect_refused({"--loglevel", "loud"}, "loglevel: argument(s) must be one of the following");
  expect_refused({"--save", "900 1"}, "save: Larder keeps nothing on disk");
  expect_refused({"--rename-command", "NOSUCH", "x"}, "there is no command 'NOSUCH'");
  expect_refused({"--rename-command", "GET", "SET"}, "'SET' is taken");
}

TEST(ConfigFile, WrongLineIsNamedWithItsNumber) {
  const TemporaryFolder folder;
  const std::string head = "# a comment\n\nport 7000\r\n";
  expect_refused({folder.write("a.conf", head + "prot 7001\n")}, "a.conf:4: unknown option 'prot'");
  expect_refused({folder.write("b.conf", head + "maxclients none\n")}, "b.conf:4: maxclients: ");
  expect_refused({folder.write("c.conf", head + "requirepass \"secret\n")},
                 "c.conf:4: unbalanced quotes");
}

TEST(ConfigFile, FileThatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  expect_refused({folder.path("missing.conf")}, "missing.conf: cannot be opened");
  expect_refused({folder.path("")}, "cannot be read");
  expect_refused({folder.write("x.conf", ""), "stray"}, "unexpected argument 'stray'");
}

TEST(ConfigFile, CommandLineOverridesTheFile) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("x.conf", "maxclients 77\nTIMEOUT 55\nrequirepass 'two words'\nport 1\n");
  ServerProcess server({file, "--timeout", "66"});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"AUTH", "two words"}), "+OK");
  EXPECT_EQ(client.call({"CONFIG", "GET", "maxclients"}), "[\"maxclients\", \"77\"]");
  EXPECT_EQ(client.call({"CONFIG", "GET", "timeout"}), "[\"timeout\", \"66\"]");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(ConfigFile, RewrittenFileStartsTheSameServer) {
  const TemporaryFolder folder;
  const std::string file = folder.write("x.conf", "# keep this\nmaxclients 77\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  {
    ServerProcess server({file});
    TestClient client = server.connect();
    EXPECT_EQ(client.call({"CONFIG", "SET", "maxclients", "88", "requirepass", "a \"b\" c#"}),
              "+OK");
    EXPECT_EQ(client.call({"CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0"}),
              "+OK");
    EXPECT_EQ(client.call({"CONFIG", "REWRITE"}), "+OK");
    EXPECT_TRUE(server.stops(SIGTERM));
  }
  EXPECT_EQ(read_file(file).rfind("# keep this\nmaxclients 88\n", 0), 0u) << read_file(file);
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);  // it holds a password
  ServerProcess server({file});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"AUTH", "a \"b\" c#"}), "+OK");
  EXPECT_EQ(client.call({"CONFIG", "GET", "maxclients"}), "[\"maxclients\", \"88\"]");
  EXPECT_NE(client.call({"CONFIG", "GET", "client-output-buffer-limit"}).find("normal 1048576 0 0"),
            std::string::npos);
}

TEST(Log, UnwritableFileKeepsTheServerFromStarting) {
  const TemporaryFolder folder;
  const std::string blocked = folder.write("file", "") + "/larder.log";
  expect_refused({"--port", "0", "--logfile", blocked}, blocked);
  expect_refused({"--port", "0", "--logfile", folder.path("")}, folder.path(""));
}

TEST(Log, LevelIsFollowed) {
  ServerProcess quiet({"--loglevel", "nothing"});
  EXPECT_TRUE(quiet.stops(SIGTERM));
  EXPECT_EQ(quiet.process().errors(), "");
}

TEST(Log, HangupReopensTheFile) {
  const TemporaryFolder folder;
  const std::string log = folder.path("larder.log");
  ServerProcess server({"--logfile", log});
  EXPECT_NE(read_file(log).find("Ready: "), std::string::npos);
  std::filesystem::rename(log, folder.path("old.log"));
  server.process().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return read_file(log).find("reopened") != std::string::npos; }));
  EXPECT_TRUE(server.stops(SIGTERM));
  EXPECT_NE(read_file(log).find("Stopped"), std::string::npos);
  EXPECT_EQ(read_file(folder.path("old.log")).find("Stopped"), std::string::npos);
}

// A log that cannot be opened again must not end the server, nor the log.
TEST(Log, HangupWithoutAFileToOpenKeepsTheOldOne) {
  const TemporaryFolder folder;
  const std::string log = folder.path("larder.log");
  ServerProcess server({"--logfile", log});
  std::filesystem::rename(log, folder.path("old.log"));
  std::filesystem::create_directory(log);
  server.process().signal(SIGHUP);
  EXPECT_TRUE(eventually(
      [&] { return read_file(folder.path("old.log")).find("not reopened") != std::string::npos; }));
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
