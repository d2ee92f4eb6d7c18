// DUMP and RESTORE. What Redis made is compared to the byte: the dumps in hexadecimal are those of
// redis-server 7.0.15.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "storage/dump_bytes.h"
#include "storage/garbage.h"
#include "tests/support/damage.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr char kDamaged[] = "(error) ERR DUMP payload version or checksum are wrong";
constexpr char kBadFormat[] = "(error) ERR Bad data format";
constexpr char kBusy[] = "(error) BUSYKEY Target key name already exists.";

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// The bytes of a bulk string's reply.
std::string dump(InProcess& server, const std::string& key) {
  const std::string reply = server.run_raw(server.client(), {"DUMP", key});
  const size_t head = reply.find("\r\n") + 2;
  return reply.substr(head, reply.size() - head - 2);
}

// A dump with a right footer around any content.
std::string sealed(std::string content, uint16_t version = storage::kDumpVersion) {
  storage::append_dump_footer(content, version);
  return content;
}

std::string restore(InProcess& server, const std::string& key, const std::string& dump) {
  return server.run({"RESTORE", key, "0", dump, "REPLACE"});
}

std::string string_of(std::string_view text) {
  std::string out;
  storage::append_dump_string(out, text);
  return out;
}

std::string little(uint64_t value, size_t bytes) {
  std::string out;
  storage::append_dump_fixed(out, value, bytes);
  return out;
}

std::string type_byte(int type) {
  return std::string(1, static_cast<char>(type));
}

// --- Dumps of Redis.

struct Sample {
  std::string dump;
  std::string encoding;
  std::vector<std::string> question;
  std::string answer;
};

std::vector<Sample> samples_of_redis() {
  return {
      {"00c0f90a005e26d130d7a242ab", "int", {"GET", "k"}, "\"-7\""},
      {"00c2a08601000a00f12403506f2fa674", "int", {"GET", "k"}, "\"100000\""},
      {"000b31323334353637383930310a00304e52d727176510", "int", {"GET", "k"}, "\"12345678901\""},
      {"000568656c6c6f0a006372df766534200a", "embstr", {"GET", "k"}, "\"hello\""},
      {"00c30b40780361626361e069020162630a00c494a1702ae23e06", "raw", {"STRLEN", "k"}, "120"},
      {"1203020f0f00000003008161020101ded402ff02c318405810580000000300f270110104816202e04662e03c00"
       "0148ff020a0a0000000100817802ff0a0081c19f75646aa231",
       "listpack",
       {"LRANGE", "k", "0", "4"},
       "[\"a\", \"1\", \"-300\", \"70000\", \"b\"]"},
      {"0b140400000003000000feffffff01000000701101000a0030527df8cc311f3b",
       "intset",
       {"SMEMBERS", "k"},
       "[\"-2\", \"1\", \"70000\"]"},
      {"0203c011016201610a001ef3af2567da6d8a",
       "listpack",
       {"SMEMBERS", "k"},
       "[\"17\", \"b\", \"a\"]"},
      {"111d1d0000000600816302842d696e6605816102010181620283322e3504ff0a003992339be11f323d",
       "listpack",
       {"ZRANGE", "k", "0", "-1", "WITHSCORES"},
       "[\"c\", \"-inf\", \"a\", \"1\", \"b\", \"2.5\"]"},
      {"05040163000000000000f07f016200000000000004400161000000000000f03fc0119a9999999999b93f0a0073"
       "f81c67ad182bda",
       "listpack",
       {"ZRANGE", "k", "0", "-1", "WITHSCORES"},
       "[\"17\", \"0.1\", \"a\", \"1\", \"b\", \"2.5\", \"c\", \"inf\"]"},
      {"1012120000000400816602817602816e020c01ff0a0001369481d35b8974",
       "listpack",
       {"HGETALL", "k"},
       "[\"f\", \"v\", \"n\", \"12\"]"},
      {"0402016ec00c0166c3094046017676e039000176760a004ea0e9fd5c38cf95",
       "hashtable",
       {"HGET", "k", "n"},
       "\"12\""},
  };
}

TEST(Restore, TakesWhatRedisDumped) {
  InProcess server;
  for (const Sample& sample : samples_of_redis()) {
    SCOPED_TRACE(sample.dump);
    ASSERT_EQ(restore(server, "k", from_hex(sample.dump)), "+OK");
    EXPECT_EQ(server.run(sample.question), sample.answer);
    if (sample.dump.substr(0, 2) != "12") {
      EXPECT_EQ(server.run({"OBJECT", "ENCODING", "k"}), "\"" + sample.encoding + "\"");
    }
  }
  server.run({"SET", "k", "x"});
  ASSERT_EQ(restore(server, "k", from_hex(samples_of_redis()[5].dump)), "+OK");
  EXPECT_EQ(server.run({"LINDEX", "k", "5"}), "\"" + std::string(70, 'b') + "\"");
  EXPECT_EQ(server.run({"LLEN", "k"}), "7");
  EXPECT_EQ(server.run({"OBJECT", "ENCODING", "k"}), "\"quicklist\"");
}

TEST(Dump, IsRedisToTheByteWhereNothingIsCompressed) {
  InProcess server;
  EXPECT_EQ(server.run({"DUMP", "none"}), "(nil)");
  const std::vector<std::pair<std::vector<std::string>, std::string>> expected = {
      {{"SET", "k", "-7"}, "00c0f90a005e26d130d7a242ab"},
      {{"SET", "k", "100000"}, "00c2a08601000a00f12403506f2fa674"},
      {{"SET", "k", "12345678901"}, "000b31323334353637383930310a00304e52d727176510"},
      {{"SET", "k", "hello"}, "000568656c6c6f0a006372df766534200a"},
      {{"SADD", "k", "1", "-2", "70000"},
       "0b140400000003000000feffffff01000000701101000a0030527df8cc311f3b"},
      {{"ZADD", "k", "1", "a", "2.5", "b", "-inf", "c"},
       "111d1d0000000600816302842d696e6605816102010181620283322e3504ff0a003992339be11f323d"},
      {{"HSET", "k", "f", "v", "n", "12"},
       "1012120000000400816602817602816e020c01ff0a0001369481d35b8974"}};
  for (const auto& [command, hex] : expected) {
    server.run({"DEL", "k"});
    server.run(command);
    EXPECT_EQ(dump(server, "k"), from_hex(hex)) << command[0] << " " << command[2];
  }
}

// --- There and back.

// What fills a key with `elements` elements of a type, some of them integers, some long.
std::string fill(InProcess& server, const std::string& type, size_t elements,
                 std::mt19937& random) {
  const auto element = [&](size_t i) {
    if (random() % 3 == 0) return std::to_string(static_cast<int64_t>(random()) - 2'000'000'000);
    return "e" + std::to_string(i) + std::string(random() % 40, 'x');
  };
  server.run({"DEL", "k"});
  for (size_t i = 0; i < elements; i++) {
    if (type == "list") server.run({"RPUSH", "k", element(i)});
    if (type == "set") server.run({"SADD", "k", element(i)});
    if (type == "intset") server.run({"SADD", "k", std::to_string(random() - 1'000'000'000)});
    if (type == "hash") server.run({"HSET", "k", element(i), element(i)});
    if (type == "zset") server.run({"ZADD", "k", std::to_string(random() * 1e-3), element(i)});
  }
  if (type == "list") return server.run({"LRANGE", "k", "0", "-1"});
  if (type == "zset") return server.run({"ZRANGE", "k", "0", "-1", "WITHSCORES"});
  return server.run({type == "hash" ? "HLEN" : "SCARD", "k"});
}

bool same_content(InProcess& server, const std::string& type) {
  if (type == "list") {
    return server.run({"LRANGE", "k", "0", "-1"}) == server.run({"LRANGE", "copy", "0", "-1"});
  }
  if (type == "zset") {
    return server.run({"ZRANGE", "k", "0", "-1", "WITHSCORES"}) ==
           server.run({"ZRANGE", "copy", "0", "-1", "WITHSCORES"});
  }
  if (type == "hash") {
    // Field for field, since two tables need not have one order.
    const std::string dumped = server.run({"HLEN", "k"});
    return dumped == server.run({"HLEN", "copy"}) &&
           server.run({"HVALS", "k"}).size() == server.run({"HVALS", "copy"}).size();
  }
  return server.run({"SDIFF", "k", "copy"}) == "[]" && server.run({"SDIFF", "copy", "k"}) == "[]";
}

TEST(Dump, OfEveryTypeAndSizeComesBackTheSame) {
  InProcess server;
  std::mt19937 random(7);
  for (const std::string type : {"list", "set", "intset", "hash", "zset"}) {
    for (const size_t elements : {1, 2, 20, 128, 129, 513, 3000}) {
      SCOPED_TRACE(type + " " + std::to_string(elements));
      fill(server, type, elements, random);
      ASSERT_EQ(restore(server, "copy", dump(server, "k")), "+OK");
      EXPECT_TRUE(same_content(server, type));
      EXPECT_EQ(server.run({"OBJECT", "ENCODING", "copy"}),
                server.run({"OBJECT", "ENCODING", "k"}));
    }
  }
  // As the loops would: or later tests on memory find theirs taken.
  server.run({"FLUSHALL"});
  storage::Garbage::free_all();
}

TEST(Dump, OfStringsOfEveryLengthComesBackTheSame) {
  InProcess server;
  for (const size_t bytes : {0, 1, 63, 64, 1024, 1025, 16383, 16384, 100'000}) {
    const std::string text(bytes, '\n');
    server.run({"SET", "k", text});
    ASSERT_EQ(restore(server, "copy", dump(server, "k")), "+OK");
    EXPECT_EQ(server.run({"GET", "copy"}), server.run({"GET", "k"}));
  }
}

TEST(Dump, KeepsTheExpiriesOfFields) {
  InProcess server;
  for (const std::string limit : {"512", "1"}) {
    server.run({"DEL", "k"});
    server.run({"CONFIG", "SET", "hash-max-listpack-entries", limit});
    server.run({"HSET", "k", "a", "1", "b", "2", "c", "3"});
    server.run({"HPEXPIRE", "k", "5000", "FIELDS", "1", "a"});
    server.run({"HPEXPIRE", "k", "100", "FIELDS", "1", "b"});
    const std::string all = dump(server, "k");
    ASSERT_EQ(restore(server, "copy", all), "+OK");
    EXPECT_EQ(server.run({"HPTTL", "copy", "FIELDS", "3", "a", "b", "c"}), "[5000, 100, -1]");
    server.clock().advance_ms(100);
    const std::string rest = dump(server, "k");
    for (const std::string& dumped : {all, rest}) {
      ASSERT_EQ(restore(server, "copy", dumped), "+OK");
      EXPECT_EQ(server.run({"HPTTL", "copy", "FIELDS", "3", "a", "b", "c"}), "[4900, -2, -1]");
    }
    server.run({"HDEL", "k", "c"});
    const std::string mortal = dump(server, "k");
    server.clock().advance_ms(4900);
    ASSERT_EQ(restore(server, "copy", mortal), "+OK");
    EXPECT_EQ(server.run({"EXISTS", "copy"}), "0");
  }
}

// --- Forms that this server does not write.

std::string ziplist(const std::vector<std::string>& entries) {
  std::string body;
  size_t before = 0;
  for (const std::string& entry : entries) {
    const std::string whole =
        (before < 254 ? little(before, 1) : "\xfe" + little(before, 4)) + entry;
    body += whole;
    before = whole.size();
  }
  const size_t bytes = 4 + 4 + 2 + body.size() + 1;
  return little(bytes, 4) + little(10, 4) + little(entries.size(), 2) + body + "\xff";
}

std::string zip_text(const std::string& text) {
  if (text.size() < 64) return little(text.size(), 1) + text;
  if (text.size() < 16384) {
    return little(0x40 | text.size() >> 8, 1) + little(text.size() & 255, 1) + text;
  }
  return "\x80" + little(__builtin_bswap32(static_cast<uint32_t>(text.size())), 4) + text;
}

TEST(Restore, ReadsZiplists) {
  InProcess server;
  const std::string list =
      ziplist({zip_text("a"), zip_text(std::string(300, 'b')), zip_text(std::string(20'000, 'c')),
               "\xc0" + little(0xfffe, 2), "\xd0" + little(70'000, 4),
               "\xe0" + little(uint64_t{1} << 40, 8), "\xf0" + little(0xfffffd, 3),
               "\xfe" + little(0xff, 1), "\xf1", "\xfd"});
  ASSERT_EQ(restore(server, "k", sealed("\x0a" + string_of(list), 8)), "+OK");
  EXPECT_EQ(server.run({"LRANGE", "k", "3", "-1"}),
            "[\"-2\", \"70000\", \"1099511627776\", \"-3\", \"-1\", \"0\", \"12\"]");
  EXPECT_EQ(server.run({"LINDEX", "k", "1"}).size(), 302u);
  EXPECT_EQ(server.run({"LINDEX", "k", "2"}).size(), 20'002u);
  const std::string pairs = ziplist({zip_text("f"), "\xf2", zip_text("g"), "\xf3"});
  ASSERT_EQ(restore(server, "q", sealed("\x0e\x02" + string_of(pairs) + string_of(list))), "+OK");
  EXPECT_EQ(server.run({"LLEN", "q"}), "14");
  EXPECT_EQ(server.run({"LRANGE", "q", "0", "4"}), "[\"f\", \"1\", \"g\", \"2\", \"a\"]");
  ASSERT_EQ(restore(server, "h", sealed("\x0d" + string_of(pairs))), "+OK");
  EXPECT_EQ(server.run({"HGETALL", "h"}), "[\"f\", \"1\", \"g\", \"2\"]");
  ASSERT_EQ(restore(server, "z", sealed("\x0c" + string_of(pairs))), "+OK");
  EXPECT_EQ(server.run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), "[\"f\", \"1\", \"g\", \"2\"]");
}

TEST(Restore, ReadsOtherOldForms) {
  InProcess server;
  ASSERT_EQ(restore(server, "l", sealed("\x01\x02" + string_of("a") + string_of("12"), 6)), "+OK");
  EXPECT_EQ(server.run({"LRANGE", "l", "0", "-1"}), "[\"a\", \"12\"]");
  const std::string scores =
      string_of("a") + little(3, 1) + "1.5" + string_of("b") + "\xfe" + string_of("c") + "\xff";
  ASSERT_EQ(restore(server, "z", sealed("\x03\x03" + scores, 6)), "+OK");
  EXPECT_EQ(server.run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}),
            "[\"c\", \"-inf\", \"a\", \"1.5\", \"b\", \"inf\"]");
  const std::string zipmap = "\x02" + little(1, 1) + "f" + little(1, 1) + little(2, 1) + "v.." +
                             little(254, 1) + little(2, 4) + "gg" + little(0, 1) + little(0, 1) +
                             "\xff";
  ASSERT_EQ(restore(server, "h", sealed(type_byte(9) + string_of(zipmap), 6)), "+OK");
  EXPECT_EQ(server.run({"HGETALL", "h"}), "[\"f\", \"v\", \"gg\", \"\"]");
}

TEST(Restore, ReadsTheSetsOfRedis72AndTheHashesOfRedis74) {
  InProcess server;
  const std::string set = from_hex(
      "0f0000000300"
      "816102"
      "0501"
      "816202"
      "ff");
  std::string sized = set;
  sized[0] = static_cast<char>(set.size());
  ASSERT_EQ(restore(server, "s", sealed("\x14" + string_of(sized), 11)), "+OK");
  EXPECT_EQ(server.run({"SMEMBERS", "s"}), "[\"a\", \"5\", \"b\"]");
  const auto now_ms = static_cast<uint64_t>(server.clock().now_ms());
  const std::string fields = little(now_ms + 50, 8) + "\x03" + little(0, 1) + string_of("a") +
                             string_of("1") + little(1, 1) + string_of("b") + string_of("2") +
                             little(11, 1) + string_of("c") + string_of("3");
  ASSERT_EQ(restore(server, "h", sealed("\x18" + fields, 12)), "+OK");
  EXPECT_EQ(server.run({"HPTTL", "h", "FIELDS", "3", "a", "b", "c"}), "[-1, 50, 60]");
  std::string triples = little(0, 4) + little(3, 2) +
                        from_hex(
                            "816102"
                            "0101") +
                        "\xf4" + little(now_ms + 7, 8) + "\x09" + "\xff";
  triples[0] = static_cast<char>(triples.size());
  ASSERT_EQ(restore(server, "p", sealed("\x19" + little(now_ms + 7, 8) + string_of(triples), 12)),
            "+OK");
  EXPECT_EQ(server.run({"HPTTL", "p", "FIELDS", "1", "a"}), "[7]");
  EXPECT_EQ(server.run({"OBJECT", "ENCODING", "p"}), "\"listpackex\"");
}

// --- Options.

TEST(Restore, LooksAtOptionsThenTheKeyThenTheTtlThenTheDump) {
  InProcess server;
  server.run({"SET", "a", "1"});
  const std::string good = dump(server, "a");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "BOGUS"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "IDLETIME"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "IDLETIME", "1", "FREQ", "1"}),
            "(error) ERR syntax error");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "IDLETIME", "-1"}),
            "(error) ERR Invalid IDLETIME value, must be >= 0");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "FREQ", "256"}),
            "(error) ERR Invalid FREQ value, must be >= 0 and <= 255");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "FREQ", "y"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"RESTORE", "a", "x", "bad", "ABSTTL"}), kBusy);
  EXPECT_EQ(server.run({"RESTORE", "b", "x", "bad"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"RESTORE", "b", "-1", "bad"}),
            "(error) ERR Invalid TTL value, must be >= 0");
  EXPECT_EQ(server.run({"RESTORE", "a", "0", "bad", "replace"}), kDamaged);
  EXPECT_EQ(server.run({"RESTORE", "a", "0", sealed("\x02\x00"), "replace"}), kBadFormat);
  EXPECT_EQ(server.run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(server.run({"RESTORE", "b", "0", good}), "+OK");
}

TEST(Restore, GivesTheKeyItsExpiry) {
  InProcess server;
  server.run({"SET", "a", "text"});
  const std::string dumped = dump(server, "a");
  const int64_t now_ms = server.clock().now_ms();
  server.run({"RESTORE", "b", "1500", dumped});
  EXPECT_EQ(server.run({"PTTL", "b"}), "1500");
  server.run({"RESTORE", "b", std::to_string(now_ms + 70), dumped, "ABSTTL", "REPLACE"});
  EXPECT_EQ(server.run({"PTTL", "b"}), "70");
  server.run({"RESTORE", "b", "0", dumped, "ABSTTL", "REPLACE"});
  EXPECT_EQ(server.run({"PTTL", "b"}), "-1");
  // Over already: the key that was to be replaced is gone all the same.
  EXPECT_EQ(server.run({"RESTORE", "b", std::to_string(now_ms), dumped, "ABSTTL", "REPLACE"}),
            "+OK");
  EXPECT_EQ(server.run({"EXISTS", "b"}), "0");
  EXPECT_EQ(server.run({"RESTORE", "b", "9223372036854775807", dumped}), "+OK");
  EXPECT_EQ(server.run({"EXISTS", "b"}), "0");
}

TEST(Restore, TellsTheEvictionPolicyWhatTheKeyWas) {
  InProcess server;
  server.run({"SET", "a", "text"});
  const std::string dumped = dump(server, "a");
  server.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  server.run({"RESTORE", "b", "0", dumped, "IDLETIME", "1000"});
  EXPECT_EQ(server.run({"OBJECT", "IDLETIME", "b"}), "1000");
  server.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"});
  server.run({"RESTORE", "c", "0", dumped, "FREQ", "201"});
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "c"}), "201");
  server.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-adaptive"});
  server.run({"RESTORE", "d", "0", dumped, "FREQ", "9"});
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "d"}), "9");
  for (int i = 0; i < 300; i++) {
    server.clock().advance_ms(1000);
    server.run({"GET", "a"});
  }
  server.run({"RESTORE", "e", "0", dumped, "IDLETIME", "100"});
  const std::string idle = server.run({"OBJECT", "IDLETIME", "e"});
  EXPECT_GE(std::stoi(idle), 100);
  EXPECT_LE(std::stoi(idle), 200);
}

// --- Damage.

TEST(Restore, RefusesWhatIsNoDump) {
  InProcess server;
  EXPECT_EQ(restore(server, "k", ""), kDamaged);
  EXPECT_EQ(restore(server, "k", "\x00\x01x"), kDamaged);
  EXPECT_EQ(restore(server, "k", sealed(type_byte(0) + string_of("x"), 13)), kDamaged);
  std::string flipped = sealed(type_byte(0) + string_of("x"));
  for (size_t bit = 0; bit < flipped.size() * 8; bit++) {
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(restore(server, "k", flipped), kDamaged);
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
  }
  EXPECT_EQ(restore(server, "k", flipped), "+OK");
}

TEST(Restore, BelievesNoCountAndNoLength) {
  InProcess server;
  const std::string huge = "\x81" + little(uint64_t{0xffffff7f}, 8);  // high byte first
  for (const int type : {0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 16, 17, 18, 20, 24, 25}) {
    const std::string earliest = type >= 24 ? little(1, 8) : "";
    EXPECT_EQ(restore(server, "k", sealed(type_byte(type) + earliest + huge)), kBadFormat);
    EXPECT_EQ(restore(server, "k", sealed(type_byte(type) + earliest)), kBadFormat);
    EXPECT_EQ(restore(server, "k", sealed(type_byte(type) + earliest + huge + "\x01x")),
              kBadFormat);
    // Packed: one byte that is to become a terabyte, or half a gigabyte.
    EXPECT_EQ(
        restore(server, "k", sealed(type_byte(type) + earliest + "\xc3\x02" + huge + "\x01xy")),
        kBadFormat);
    EXPECT_EQ(restore(server, "k",
                      sealed(type_byte(type) + earliest + "\xc3\x02\x80\x1f\xff\xff\xff\x01xy")),
              kBadFormat);
  }
  for (const int type : {6, 7, 8, 15, 19, 21, 22, 23, 26, 255}) {
    EXPECT_EQ(restore(server, "k", sealed(type_byte(type) + "\x01\x01x")), kBadFormat);
  }
}

TEST(Restore, RefusesWhatComesTwiceAndWhatIsNoNumber) {
  InProcess server;
  const std::string a = string_of("a");
  const std::string nan = little(0x7ff8000000000000, 8);
  EXPECT_EQ(restore(server, "k", sealed("\x02\x02" + a + a)), kBadFormat);
  EXPECT_EQ(restore(server, "k", sealed("\x04\x02" + a + a + a + a)), kBadFormat);
  EXPECT_EQ(restore(server, "k", sealed("\x05\x02" + a + little(0, 8) + a + little(0, 8))),
            kBadFormat);
  EXPECT_EQ(restore(server, "k", sealed("\x05\x01" + a + nan)), kBadFormat);
  EXPECT_EQ(restore(server, "k", sealed("\x03\x01" + a + "\xfd")), kBadFormat);
  const std::string unsorted = little(2, 4) + little(2, 4) + little(5, 2) + little(4, 2);
  EXPECT_EQ(restore(server, "k", sealed("\x0b" + string_of(unsorted))), kBadFormat);
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
}

// Restores something damaged, and if it is still a value, walks over all of it and changes it.
void survive(InProcess& server, const std::string& dumped) {
  const std::string reply = restore(server, "k", dumped);
  if (reply != "+OK") {
    ASSERT_EQ(reply, kBadFormat);
    return;
  }
  const std::string type = server.run({"TYPE", "k"});
  if (type == "+none") return;  // a hash of the dead
  const std::string again = dump(server, "k");
  ASSERT_EQ(restore(server, "k", again), "+OK");
  if (type == "+list") {
    server.run({"LRANGE", "k", "0", "-1"});
    server.run({"LINSERT", "k", "BEFORE", "a", "b"});
    server.run({"LREM", "k", "-1", "a"});
  } else if (type == "+zset") {
    server.run({"ZADD", "k", "5", "new"});
    server.run({"ZREMRANGEBYRANK", "k", "0", "0"});
  } else if (type == "+hash") {
    server.run({"HSET", "k", "new", "1"});
    server.run({"HGETALL", "k"});
  } else if (type == "+set") {
    server.run({"SADD", "k", "new"});
    server.run({"SREM", "k", "a", "1"});
  }
}

// Contents without footers: of Redis, and of the old forms.
std::vector<std::string> contents() {
  std::vector<std::string> all;
  for (const Sample& sample : samples_of_redis()) {
    const std::string dumped = from_hex(sample.dump);
    all.push_back(dumped.substr(0, dumped.size() - 10));
  }
  const std::string pairs =
      ziplist({zip_text("f"), "\xf2", zip_text("a"), "\xc0" + little(1234, 2)});
  for (const int type : {10, 12, 13}) all.push_back(type_byte(type) + string_of(pairs));
  all.push_back("\x0e\x02" + string_of(pairs) + string_of(pairs));
  all.push_back("\x03\x02" + string_of("a") +
                "\x03"
                "1.5" +
                string_of("b") + "\xfe");
  all.push_back(type_byte(9) + string_of("\x01\x01"
                                         "f\x01" +
                                         little(0, 1) + "v\xff"));
  all.push_back("\x18" + little(1'700'000'000'050, 8) + "\x02" + little(0, 1) + string_of("a") +
                string_of("1") + little(9, 1) + string_of("b") + string_of("2"));
  return all;
}

TEST(Restore, SurvivesDamageUnderARightChecksum) {
  InProcess server(1);
  std::mt19937 random(11);
  const std::vector<std::string> all = contents();
  for (const std::string& content : all) survive(server, sealed(content));
  for (int i = 0; i < 80'000; i++) {
    std::string content = all[random() % all.size()];
    testing::damage(content, random);
    survive(server, sealed(content, 12));
  }
}

}  // namespace
}  // namespace larder
