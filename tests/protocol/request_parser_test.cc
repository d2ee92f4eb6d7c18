#include "protocol/request_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace larder::protocol {
namespace {

using Request = std::vector<std::string>;

// What came of a stream: the requests in front of the error, if there was one.
struct Outcome {
  std::vector<Request> requests;
  std::string error;
  size_t left = 0;  // bytes of an incomplete request

  bool operator==(const Outcome&) const = default;
};

// Parses all complete requests of `held`, as a connection does, and takes them off its front.
void take_requests(RequestParser& parser, std::string& held, const ParserLimits& limits,
                   Outcome& outcome) {
  RequestBatch batch;
  do {
    batch.clear();
    const ParseResult result = parser.parse(held, batch, limits);
    for (size_t i = 0; i < batch.size(); i++) {
      const auto arguments = batch.arguments(i);
      outcome.requests.emplace_back(arguments.begin(), arguments.end());
    }
    outcome.error = result.error;
    held.erase(0, result.consumed);
  } while (outcome.error.empty() && batch.size() == RequestBatch::kRequestsMax);
}

// Feeds the stream in pieces of `sizes`, then what is left of it.
Outcome feed(std::string_view stream, const std::vector<size_t>& sizes,
             const ParserLimits& limits = {}) {
  RequestParser parser;
  Outcome outcome;
  std::string held;
  size_t at = 0;
  for (size_t i = 0; at < stream.size() && outcome.error.empty(); i++) {
    const size_t size = i < sizes.size() ? sizes[i] : stream.size() - at;
    held += stream.substr(at, size);
    at += size;
    take_requests(parser, held, limits, outcome);
  }
  outcome.left = held.size();
  return outcome;
}

// A connection that receives each bulk string which it has not got whole into memory of its own.
class PlacingConnection {
 public:
  explicit PlacingConnection(const ParserLimits& limits) : limits_(limits) {}

  void receive(std::string_view bytes) {
    while (!bytes.empty() && outcome_.error.empty()) {
      if (missing_ > 0) {
        fill(bytes);
      } else {
        held_ += bytes;
        bytes = {};
        take();
      }
    }
  }

  const Outcome& outcome() {
    outcome_.left = held_.size();
    return outcome_;
  }

 private:
  void take() {
    const size_t before = outcome_.requests.size();
    take_requests(parser_, held_, limits_, outcome_);
    if (outcome_.requests.size() > before) {
      parser_.forget_placed();
      places_.clear();
    }
    const auto bulk = parser_.unfinished_bulk(held_.size());
    if (!bulk) return;
    EXPECT_LT(bulk->held, bulk->size);
    places_.push_back(held_.substr(held_.size() - bulk->held));
    held_.resize(held_.size() - bulk->held);
    places_.back().reserve(bulk->size);
    missing_ = bulk->size - bulk->held;
  }

  void fill(std::string_view& bytes) {
    const std::string_view part = bytes.substr(0, missing_);
    places_.back() += part;
    bytes.remove_prefix(part.size());
    missing_ -= part.size();
    if (missing_ > 0) return;
    parser_.place(places_.back().data());
    EXPECT_EQ(parser_.unfinished_bulk(held_.size()), std::nullopt);
  }

  const ParserLimits limits_;
  RequestParser parser_;
  Outcome outcome_;
  std::string held_;
  std::deque<std::string> places_;
  size_t missing_ = 0;  // of the last place
};

Outcome feed_placing(std::string_view stream, const std::vector<size_t>& sizes,
                     const ParserLimits& limits = {}) {
  PlacingConnection connection(limits);
  size_t at = 0;
  for (size_t i = 0; at < stream.size(); i++) {
    const size_t size = i < sizes.size() ? sizes[i] : stream.size() - at;
    connection.receive(stream.substr(at, size));
    at += size;
  }
  return connection.outcome();
}

// The outcome, after making sure that it is the same however the stream is cut, and whether bulk
// strings are placed elsewhere.
Outcome parse(std::string_view stream, const ParserLimits& limits = {}) {
  const Outcome whole = feed(stream, {}, limits);
  const Outcome bytes = feed(stream, std::vector<size_t>(stream.size(), 1), limits);
  EXPECT_EQ(bytes.requests, whole.requests);
  EXPECT_EQ(bytes.error, whole.error);
  if (whole.error.empty()) {
    EXPECT_EQ(bytes.left, whole.left);
  }
  const Outcome placed = feed_placing(stream, std::vector<size_t>(stream.size(), 1), limits);
  EXPECT_EQ(placed.requests, whole.requests);
  EXPECT_EQ(placed.error, whole.error);
  for (size_t cut = 1; cut < stream.size(); cut++) {
    const Outcome halves = feed(stream, {cut}, limits);
    EXPECT_EQ(halves.requests, whole.requests) << "cut at " << cut;
    EXPECT_EQ(halves.error, whole.error) << "cut at " << cut;
    const Outcome placed_halves = feed_placing(stream, {cut}, limits);
    EXPECT_EQ(placed_halves.requests, whole.requests) << "placed, cut at " << cut;
    EXPECT_EQ(placed_halves.error, whole.error) << "placed, cut at " << cut;
  }
  return whole;
}

std::vector<Request> requests(std::string_view stream) {
  const Outcome outcome = parse(stream);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.left, 0u);
  return outcome.requests;
}

std::string error(std::string_view stream, const ParserLimits& limits = {}) {
  return parse(stream, limits).error;
}

std::string encode(const Request& request) {
  std::string bytes = "*" + std::to_string(request.size()) + "\r\n";
  for (const std::string& argument : request) {
    bytes += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  return bytes;
}

using Requests = std::vector<Request>;

TEST(RequestParser, ReadsArraysOfBulkStrings) {
  EXPECT_EQ(requests("*1\r\n$4\r\nPING\r\n"), (Requests{{"PING"}}));
  EXPECT_EQ(requests("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"), (Requests{{"SET", "k", ""}}));
}

TEST(RequestParser, ArgumentsMayHoldAnyBytes) {
  const Request request{"ECHO", std::string("\0\r\n*1\r\n$\xff", 9)};
  EXPECT_EQ(requests(encode(request)), Requests{request});
}

TEST(RequestParser, ReadsSizesOfOneToFiveDigits) {
  for (const size_t size : {0, 1, 9, 10, 99, 100, 999}) {
    const Request request{"ECHO", std::string(size, 'x')};
    EXPECT_EQ(requests(encode(request)), Requests{request}) << size;
  }
  const Request request{"ECHO", std::string(65536, 'x')};
  EXPECT_EQ(feed(encode(request), {}).requests, Requests{request});
}

TEST(RequestParser, KeepsTheOrderOfAPipeline) {
  EXPECT_EQ(requests("*1\r\n$4\r\nPING\r\nECHO a\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n\r\nQUIT\n"),
            (Requests{{"PING"}, {"ECHO", "a"}, {"GET", "k"}, {"QUIT"}}));
}

TEST(RequestParser, TakesAnyByteForTheNewlineBehindCarriageReturn) {
  EXPECT_EQ(requests("*1\rX$4\rXPINGXX"), (Requests{{"PING"}}));
}

TEST(RequestParser, SplitsInlineRequestsAtWhiteSpace) {
  EXPECT_EQ(requests("PING\r\n"), (Requests{{"PING"}}));
  EXPECT_EQ(requests("PING\n"), (Requests{{"PING"}}));
  EXPECT_EQ(requests("  SET\tk   v \r\n"), (Requests{{"SET", "k", "v"}}));
  EXPECT_EQ(requests("PING\rx\n"), (Requests{{"PING", "x"}}));
  EXPECT_EQ(requests("PING \xe9\r\n"), (Requests{{"PING", "\xe9"}}));
}

TEST(RequestParser, VerticalTabAndFormFeedOnlySeparateInFrontOfAWord) {
  EXPECT_EQ(requests("PING\vx\r\n"), (Requests{{"PING\vx"}}));
  EXPECT_EQ(requests("PING\fx\r\n"), (Requests{{"PING\fx"}}));
  EXPECT_EQ(requests("\v\fPING \vx\r\n"), (Requests{{"PING", "x"}}));
  EXPECT_EQ(requests("PING \"a\"\vx\r\n"), (Requests{{"PING", "a", "x"}}));
}

TEST(RequestParser, InlineRequestsMayBeQuoted) {
  EXPECT_EQ(requests("PING \"a b\"\r\n"), (Requests{{"PING", "a b"}}));
  EXPECT_EQ(requests("PING 'a b'\r\n"), (Requests{{"PING", "a b"}}));
  EXPECT_EQ(requests("PING \"\" ''\r\n"), (Requests{{"PING", "", ""}}));
  EXPECT_EQ(requests("\"\"\r\n"), (Requests{{""}}));
  EXPECT_EQ(requests("PING ab\"cd e\"\r\n"), (Requests{{"PING", "abcd e"}}));
}

TEST(RequestParser, DoubleQuotesTakeEscapes) {
  EXPECT_EQ(requests("PING \"\\x41\\n\\r\\t\\b\\a\\q\\\\\\\"\"\r\n"),
            (Requests{{"PING", "A\n\r\t\b\aq\\\""}}));
  EXPECT_EQ(requests("PING \"\\x00z\\xfF\"\r\n"), (Requests{{"PING", std::string("\0z\xff", 3)}}));
  EXPECT_EQ(requests("PING \"\\x4\" \"\\x4g\"\r\n"), (Requests{{"PING", "x4", "x4g"}}));
}

TEST(RequestParser, SingleQuotesTakeNoEscapeButTheirOwn) {
  EXPECT_EQ(requests("PING 'a\\'b\\n\"'\r\n"), (Requests{{"PING", "a'b\\n\""}}));
}

TEST(RequestParser, UnbalancedQuotesAreAnError) {
  for (const char* line :
       {"PING \"abc\r\n", "PING 'abc\r\n", "PING \"abc\"d\r\n", "PING 'abc'd\r\n",
        "PING ab\"cd\"e\r\n", "PING \"a\\\r\n", "PING \"\n"}) {
    EXPECT_EQ(error(line), "unbalanced quotes in request") << line;
  }
}

TEST(RequestParser, EmptyRequestsLeaveNoTrace) {
  EXPECT_EQ(requests("\r\n"), Requests{});
  EXPECT_EQ(requests(" \t\r\n"), Requests{});
  EXPECT_EQ(requests("\r\n\n\r\nPING\r\n"), (Requests{{"PING"}}));
  EXPECT_EQ(requests("*0\r\n*-1\r\n*-10\r\nPING\r\n"), (Requests{{"PING"}}));
  EXPECT_EQ(requests("*-9223372036854775808\r\nPING\r\n"), (Requests{{"PING"}}));
}

TEST(RequestParser, RefusesBadCounts) {
  for (const char* head :
       {"*\r\n", "*a\r\n", "*01\r\n", "*+1\r\n", "* 1\r\n", "*1 \r\n", "*-0\r\n", "*--1\r\n",
        "*-\r\n", "*1.0\r\n", "*2147483648\r\n", "*9223372036854775808\r\n",
        "*-9223372036854775809\r\n", "*99999999999999999999999\r\n"}) {
    EXPECT_EQ(error(head), "invalid multibulk length") << head;
  }
}

TEST(RequestParser, RefusesBadSizes) {
  for (const char* head : {"$\r\n", "$-1\r\n", "$a\r\n", "$04\r\n", "$+4\r\n", "$4 \r\n",
                           "$536870913\r\n", "$4294967296\r\n", "$99999999999999999999\r\n"}) {
    EXPECT_EQ(error("*1\r\n" + std::string(head)), "invalid bulk length") << head;
  }
}

TEST(RequestParser, NamesTheByteThatStandsWhereADollarShould) {
  EXPECT_EQ(error("*1\r\nPING\r\n"), "expected '$', got 'P'");
  EXPECT_EQ(error("*1\r\n:4\r\nPING\r\n"), "expected '$', got ':'");
  EXPECT_EQ(error("*1\r\n\r\n"), "expected '$', got '\r'");
  EXPECT_EQ(error("*2\r\n$4\r\nPING\r\n*1\r\n"), "expected '$', got '*'");
}

TEST(RequestParser, RequestsInFrontOfAnErrorCount) {
  const Outcome outcome = parse("PING\r\n*1\r\n$4\r\nPING\r\n*1\r\nx\r\nPING\r\n");
  EXPECT_EQ(outcome.requests, (Requests{{"PING"}, {"PING"}}));
  EXPECT_EQ(outcome.error, "expected '$', got 'x'");
}

TEST(RequestParser, HugeCountsReserveNothing) {
  RequestParser parser;
  RequestBatch batch;
  const ParseResult result = parser.parse("*2147483647\r\n$1\r\na\r\n", batch, {});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.consumed, 0u);
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_LT(parser.memory_bytes() + batch.memory_bytes(), 1024u);
}

TEST(RequestParser, LinesHaveALimit) {
  const std::string long_line(kLineBytesMax + 1, '1');
  const std::string_view fits = std::string_view(long_line).substr(1);
  EXPECT_EQ(feed(long_line, {}).error, "too big inline request");
  EXPECT_EQ(feed(fits, {}).error, "");
  EXPECT_EQ(feed("*" + long_line.substr(1), {}).error, "too big mbulk count string");
  EXPECT_EQ(feed("*" + long_line.substr(2), {}).error, "");
  EXPECT_EQ(feed("*1\r\n$" + long_line.substr(1), {}).error, "too big bulk count string");
  EXPECT_EQ(feed("*1\r\n$" + long_line.substr(2), {}).error, "");
}

TEST(RequestParser, LinesHaveTheSameLimitByteForByte) {
  const std::vector<size_t> bytes(kLineBytesMax + 10, 1);
  const std::string long_line(kLineBytesMax, '1');
  EXPECT_EQ(feed("1" + long_line, bytes).error, "too big inline request");
  EXPECT_EQ(feed("*" + long_line, bytes).error, "too big mbulk count string");
  EXPECT_EQ(feed(long_line, bytes).error, "");
  EXPECT_EQ(feed("*" + long_line.substr(1), bytes).error, "");
}

TEST(RequestParser, BulkStringsHaveTheLimitGiven) {
  const ParserLimits limits{.bulk_bytes_max = 1000};
  EXPECT_EQ(error("*1\r\n$1001\r\n", limits), "invalid bulk length");
  EXPECT_EQ(error("*1\r\n$1000\r\n", limits), "");
  EXPECT_EQ(error("*1\r\n$536870912\r\n"), "");
}

TEST(RequestParser, PeersThatHaveNotAuthenticatedGetLess) {
  const ParserLimits limits{.authenticated = false};
  EXPECT_EQ(error("*11\r\n", limits), "unauthenticated multibulk length");
  EXPECT_EQ(error("*10\r\n", limits), "");
  EXPECT_EQ(error("*1\r\n$16385\r\n", limits), "unauthenticated bulk length");
  EXPECT_EQ(error("*1\r\n$16384\r\n", limits), "");
  EXPECT_EQ(error("*99999999999\r\n", limits), "invalid multibulk length");
  EXPECT_EQ(error("*1\r\n$99999999999\r\n", limits), "invalid bulk length");
}

TEST(RequestParser, StopsAtTheSizeOfABatch) {
  std::string stream;
  for (int i = 0; i < 70; i++) stream += encode({"ECHO", std::to_string(i)});
  RequestParser parser;
  RequestBatch batch;
  const ParseResult first = parser.parse(stream, batch, {});
  ASSERT_EQ(batch.size(), RequestBatch::kRequestsMax);
  EXPECT_EQ(first.consumed, batch.end_offset(RequestBatch::kRequestsMax - 1));
  EXPECT_EQ(batch.arguments(31)[1], "31");

  const Outcome outcome = parse(stream);
  ASSERT_EQ(outcome.requests.size(), 70u);
  for (int i = 0; i < 70; i++) EXPECT_EQ(outcome.requests[i][1], std::to_string(i));
}

TEST(RequestParser, EndOffsetsDivideTheStream) {
  const std::string stream = "PING\r\n" + encode({"GET", "k"}) + "\r\n" + encode({"PING"});
  RequestParser parser;
  RequestBatch batch;
  EXPECT_EQ(parser.parse(stream, batch, {}).consumed, stream.size());
  ASSERT_EQ(batch.size(), 3u);
  EXPECT_EQ(batch.end_offset(0), 6u);
  EXPECT_EQ(batch.end_offset(1), 6u + 20u);
  EXPECT_EQ(batch.end_offset(2), stream.size());
}

TEST(RequestParser, ViewsPointIntoTheBytesGiven) {
  const std::string stream = encode({"GET", "key"});
  RequestParser parser;
  RequestBatch batch;
  parser.parse(std::string_view(stream).substr(0, 15), batch, {});
  batch.clear();
  parser.parse(stream, batch, {});
  EXPECT_EQ(batch.arguments(0)[0].data(), stream.data() + 8);
  EXPECT_EQ(batch.arguments(0)[1].data(), stream.data() + 17);
}

TEST(RequestParser, SaysWhichBulkStringIsUnfinished) {
  RequestParser parser;
  RequestBatch batch;
  std::string held = "*2\r\n$3\r\nSET\r\n$1000";
  EXPECT_FALSE(parser.unfinished_bulk(0));
  parser.parse(held, batch, {});
  EXPECT_FALSE(parser.unfinished_bulk(held.size()));  // the size's line is not complete
  held += "\r\n";
  parser.parse(held, batch, {});
  ASSERT_TRUE(parser.unfinished_bulk(held.size()));
  EXPECT_EQ(parser.unfinished_bulk(held.size())->size, 1000u);
  EXPECT_EQ(parser.unfinished_bulk(held.size())->held, 0u);
  held += std::string(999, 'x');
  parser.parse(held, batch, {});
  ASSERT_TRUE(parser.unfinished_bulk(held.size()));
  EXPECT_EQ(parser.unfinished_bulk(held.size())->held, 999u);
  held += "x";
  parser.parse(held, batch, {});
  EXPECT_FALSE(parser.unfinished_bulk(held.size()));
  held += "\r\n";
  EXPECT_EQ(parser.parse(held, batch, {}).consumed, held.size());
  EXPECT_FALSE(parser.unfinished_bulk(0));
}

// Parses "MSET a <first> b <second>" with both values placed, then a PING.
class TwoPlaced : public ::testing::Test {
 protected:
  void SetUp() override {
    held_ = "*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$5\r\n";
    parser_.parse(held_, batch_, {});
    parser_.place(first_.data());
    held_ += "\r\n$1\r\nb\r\n$6\r\n";
    parser_.parse(held_, batch_, {});
    parser_.place(second_.data());
    held_ += "\r\n*1\r\n$4\r\nPING\r\n";
  }

  void expect_parsed() {
    batch_.clear();
    EXPECT_EQ(parser_.parse(held_, batch_, {}).consumed, held_.size());
    ASSERT_EQ(batch_.size(), 2u);
    ASSERT_EQ(batch_.arguments(0).size(), 5u);
    EXPECT_EQ(batch_.arguments(0)[1], "a");
    EXPECT_EQ(batch_.arguments(0)[2].data(), first_.data());
    EXPECT_EQ(batch_.arguments(0)[2], "first");
    EXPECT_EQ(batch_.arguments(0)[3], "b");
    EXPECT_EQ(batch_.arguments(0)[4].data(), second_.data());
    EXPECT_EQ(batch_.arguments(0)[4], "second");
    EXPECT_EQ(batch_.arguments(1)[0], "PING");
  }

  RequestParser parser_;
  RequestBatch batch_;
  std::string held_;
  const std::string first_ = "first";
  const std::string second_ = "second";
};

TEST_F(TwoPlaced, ViewsPointToThePlaces) {
  expect_parsed();
}

// A request that was parsed and could not be run is given again.
TEST_F(TwoPlaced, AreFoundAgainAfterAReset) {
  expect_parsed();
  parser_.reset();
  expect_parsed();
}

TEST_F(TwoPlaced, AreFoundAgainAfterAResetByteForByte) {
  expect_parsed();
  parser_.reset();
  for (size_t size = 1; size < held_.size() - 14; size++) {
    batch_.clear();
    EXPECT_EQ(parser_.parse(std::string_view(held_).substr(0, size), batch_, {}).consumed, 0u);
  }
  expect_parsed();
}

// The next request has a bulk string at the same place of its own bytes.
TEST_F(TwoPlaced, AreOfOneRequestOnly) {
  const std::string next = encode({"MSET", "c", "third", "d", "fourth"});
  batch_.clear();
  held_ += next;
  parser_.parse(held_, batch_, {});
  ASSERT_EQ(batch_.size(), 3u);
  EXPECT_EQ(batch_.arguments(2)[2], "third");
  parser_.forget_placed();
  EXPECT_EQ(parser_.memory_bytes(), 0u);
  batch_.clear();
  EXPECT_EQ(parser_.parse(next, batch_, {}).consumed, next.size());
  EXPECT_EQ(batch_.arguments(0)[2], "third");
}

TEST(RequestParser, ResetForgetsTheIncompleteRequest) {
  RequestParser parser;
  RequestBatch batch;
  parser.parse("*3\r\n$3\r\nSET\r\n$1\r\n", batch, {});
  parser.reset();
  const std::string other = encode({"PING"});
  EXPECT_EQ(parser.parse(other, batch, {}).consumed, other.size());
  EXPECT_EQ(batch.arguments(0)[0], "PING");
}

// The cost of a request in many pieces is linear: what was read is not read again. Spoiling every
// line once it has been read would make a second reading fail.
TEST(RequestParser, ReadsNoLineTwice) {
  Request request;
  std::string stream = "*100\r\n";
  std::vector<size_t> lines;  // where the "$" lines begin
  for (int i = 0; i < 100; i++) {
    request.push_back("argument" + std::to_string(i));
    lines.push_back(stream.size());
    stream += "$" + std::to_string(request.back().size()) + "\r\n" + request.back() + "\r\n";
  }
  RequestParser parser;
  Outcome outcome;
  std::string held;
  size_t next = 0;
  for (const char byte : stream) {
    ASSERT_TRUE(outcome.requests.empty());
    held += byte;
    take_requests(parser, held, {}, outcome);
    ASSERT_EQ(outcome.error, "");
    if (next < lines.size() && held.size() > lines[next] + 6) held[lines[next++]] = 'X';
  }
  EXPECT_EQ(next, lines.size());
  EXPECT_EQ(outcome.requests, Requests{request});
}

// ... and the arguments that are complete are not listed anew for each piece either.
TEST(RequestParser, AnIncompleteRequestCostsTheBatchNothing) {
  Request request(1000, "argument");
  const std::string stream = encode(request);
  RequestParser parser;
  RequestBatch first;
  const std::string_view most = std::string_view(stream).substr(0, stream.size() - 20);
  parser.parse(most, first, {});
  for (size_t more = 1; more < 20; more++) {
    RequestBatch batch;
    parser.parse(std::string_view(stream).substr(0, most.size() + more), batch, {});
    EXPECT_LT(batch.memory_bytes(), 100u);
  }
  RequestBatch batch;
  EXPECT_EQ(parser.parse(stream, batch, {}).consumed, stream.size());
  EXPECT_EQ(batch.arguments(0).size(), 1000u);
  EXPECT_EQ(parser.memory_bytes(), 0u);
}

TEST(RequestBatch, ClearKeepsLittleMemory) {
  const Request request(10'000, "a");
  const std::string stream = encode(request);
  RequestParser parser;
  RequestBatch batch;
  parser.parse(stream, batch, {});
  EXPECT_GE(batch.memory_bytes(), 10'000 * sizeof(std::string_view));
  batch.clear();
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_LE(batch.memory_bytes(), 4096 * sizeof(std::string_view));
}

}  // namespace
}  // namespace larder::protocol
