#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

core::DurationHistogram& durations_of(InProcess& server, const std::string& command) {
  const uint32_t index = server.server().commands.find_full(command)->index;
  return server.server().statistics.worker(0).command(index).durations;
}

TEST(LatencyHistogram, CountsCallsUpToEachPowerOfTwo) {
  InProcess server;
  core::DurationHistogram& get = durations_of(server, "get");
  get.add(500);
  get.add(1023);
  get.add(1024);
  get.add(40'000);
  EXPECT_EQ(server.run({"LATENCY", "HISTOGRAM", "get"}),
            "[\"get\", [\"calls\", 4, \"histogram_usec\", [1, 2, 2, 3, 66, 4]]]");
}

TEST(LatencyHistogram, BoundsAreThoseOfRedis) {
  InProcess server;
  core::DurationHistogram& get = durations_of(server, "get");
  std::string expected;
  int64_t calls = 0;
  uint64_t nanoseconds = 1000;
  for (const int64_t bound_us :
       {1,    2,    4,    8,     16,    33,    66,     132,    264,    528,    1056,
        2113, 4227, 8454, 16908, 33816, 67633, 135266, 270532, 541065, 1082130}) {
    get.add(nanoseconds);
    nanoseconds *= 2;
    calls++;
    expected += (calls == 1 ? "" : ", ") + std::to_string(bound_us) + ", " + std::to_string(calls);
  }
  EXPECT_EQ(server.run({"LATENCY", "HISTOGRAM", "get"}),
            "[\"get\", [\"calls\", 21, \"histogram_usec\", [" + expected + "]]]");
}

TEST(LatencyHistogram, EndsWithAllCallsHoweverLong) {
  InProcess server;
  core::DurationHistogram& get = durations_of(server, "get");
  get.add(uint64_t{1} << 62);
  const std::string reply = server.run({"LATENCY", "HISTOGRAM", "get"});
  EXPECT_EQ(reply, "[\"get\", [\"calls\", 1, \"histogram_usec\", [4432406249, 1]]]");
}

TEST(LatencyHistogram, NamesSubcommandsOfAContainer) {
  InProcess server;
  durations_of(server, "config|get").add(1000);
  durations_of(server, "config|set").add(1000);
  durations_of(server, "get").add(1000);
  const std::string one = ", [\"calls\", 1, \"histogram_usec\", [1, 1]]";
  EXPECT_EQ(server.run({"LATENCY", "HISTOGRAM", "CONFIG"}),
            "[\"config|get\"" + one + ", \"config|set\"" + one + "]");
  EXPECT_EQ(server.run({"LATENCY", "HISTOGRAM", "nosuch", "CONFIG|SET", "ping"}),
            "[\"config|set\"" + one + "]");
  const std::string all = server.run({"LATENCY", "HISTOGRAM"});
  for (const char* name : {"\"config|get\"", "\"config|set\"", "\"get\""}) {
    EXPECT_NE(all.find(name), std::string::npos) << name;
  }
}

TEST(LatencyHistogram, CountsCommandsThatRun) {
  InProcess server;
  server.run({"PING"});
  server.run({"PING"});
  EXPECT_EQ(server.run({"LATENCY", "HISTOGRAM", "ping"}).rfind("[\"ping\", [\"calls\", 2,", 0), 0u);
  server.run({"CONFIG", "RESETSTAT"});
  EXPECT_EQ(server.run({"LATENCY", "HISTOGRAM", "ping"}), "[]");
}

TEST(LatencyHistogram, IsAMapOfMapsInResp3) {
  InProcess server;
  durations_of(server, "get").add(1000);
  server.client().set_resp(core::RespVersion::k3);
  EXPECT_EQ(server.run_raw(server.client(), {"LATENCY", "HISTOGRAM", "get"}),
            "%1\r\n$3\r\nget\r\n%2\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n%1\r\n:1\r\n:1"
            "\r\n");
}

TEST(LatencyEvents, LatestAndHistory) {
  InProcess server;
  core::LatencyMonitor& latency = server.server().latency;
  EXPECT_EQ(server.run({"LATENCY", "LATEST"}), "[]");
  latency.add("command", 100, 30);
  latency.add("command", 101, 20);
  latency.add("fast-command", 102, 5);
  EXPECT_EQ(server.run({"LATENCY", "LATEST"}),
            "[[\"command\", 101, 20, 30], [\"fast-command\", 102, 5, 5]]");
  EXPECT_EQ(server.run({"LATENCY", "HISTORY", "command"}), "[[100, 30], [101, 20]]");
  EXPECT_EQ(server.run({"LATENCY", "HISTORY", "nosuch"}), "[]");
}

TEST(LatencyEvents, GraphDrawsAColumnASpike) {
  InProcess server;
  EXPECT_EQ(server.run({"LATENCY", "GRAPH", "command"}),
            "(error) ERR No samples available for event 'command'");
  const int64_t now_s = server.clock().now_ms() / 1000;
  server.server().latency.add("command", now_s - 7200, 30);
  server.server().latency.add("command", now_s - 65, 60);
  server.server().latency.add("command", now_s - 12, 40);
  protocol::Reply reply;
  protocol::read_reply(server.run_raw(server.client(), {"LATENCY", "GRAPH", "command"}), reply);
  EXPECT_EQ(reply.text, "command - high 60 ms, low 30 ms (all time high 60 ms)\n" +
                            std::string(80, '-') + "\n # \n | \n |#\n#||\n\n211\nhm2\n  s\n");
}

TEST(LatencyEvents, ResetSomeOrAll) {
  InProcess server;
  core::LatencyMonitor& latency = server.server().latency;
  for (const char* event : {"a", "b", "c"}) latency.add(event, 100, 30);
  EXPECT_EQ(server.run({"LATENCY", "RESET", ""}), "0");
  EXPECT_EQ(server.run({"LATENCY", "RESET", "a", "nosuch"}), "1");
  EXPECT_EQ(server.run({"LATENCY", "RESET"}), "2");
  EXPECT_EQ(server.run({"LATENCY", "LATEST"}), "[]");
}

TEST(LatencyDoctor, SaysWhetherItWatchesAndWhatItSaw) {
  InProcess server;
  EXPECT_NE(server.run({"LATENCY", "DOCTOR"}).find("latency-monitor-threshold"), std::string::npos);
  server.run({"CONFIG", "SET", "latency-monitor-threshold", "100"});
  EXPECT_NE(server.run({"LATENCY", "DOCTOR"}).find("No spike"), std::string::npos);
  server.server().latency.add("command", 100, 200);
  server.server().latency.add("command", 110, 400);
  EXPECT_NE(server.run({"LATENCY", "DOCTOR"})
                .find("command: 2 spikes, 300 ms on average (mean deviation 100 ms), one every 5 "
                      "s; the worst took 400 ms"),
            std::string::npos);
}

}  // namespace
}  // namespace larder
