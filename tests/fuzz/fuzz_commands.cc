// A stream of requests through parser and dispatcher, in process: nothing may crash or be
// undefined, and every command is answered with whole, well formed replies.
//
// Input: if the first byte is odd, the rest is the stream. Otherwise the rest chooses commands and
// arguments from the command table, so that most requests get past the check of their arity.
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"
#include "tests/support/in_process.h"

namespace {

using larder::core::Client;
using larder::core::Command;
using larder::core::equals_ignoring_case;
using larder::protocol::ParserLimits;
using larder::protocol::read_reply;
using larder::protocol::Reply;
using larder::protocol::RequestBatch;
using larder::protocol::RequestParser;
using larder::testing::FakeClient;
using larder::testing::InProcess;

// Keeps single values, and so SETRANGE and the like, small.
constexpr int64_t kBulkBytesMax = 64 * 1024;

constexpr std::string_view kPlainWords[] = {
    "k",  "k2",  "{t}a", "{t}b", "*",     "",         "0",   "1",  "-1",  "2",
    "16", "100", "4096", "1.5",  "-0.25", "inf",      "nan", "u8", "i64", "9223372036854775807",
    "#1", "abc", "[^a]", "x y",  "\r\n",  "99999999", "-5",  "+",  "(1",  "-9223372036854775808"};

void require(bool holds, const char* what, std::string_view bytes) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_commands: %s: %.*s\n", what, static_cast<int>(bytes.size()),
               bytes.data());
  std::abort();
}

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool done() const { return at_ >= size_; }
  size_t below(size_t limit) { return done() || limit == 0 ? 0 : data_[at_++] % limit; }
  std::string_view rest() const {
    return {reinterpret_cast<const char*>(data_ + at_), size_ - at_};
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

// The words in capitals of a command's syntax: its options.
std::vector<std::string> options_of(const Command& command) {
  std::vector<std::string> options;
  std::string word;
  for (const char c : std::string(command.row->syntax) + " ") {
    if (std::isupper(static_cast<unsigned char>(c)) || (!word.empty() && c == '-')) {
      word += c;
    } else if (!word.empty()) {
      options.push_back(std::exchange(word, ""));
    }
  }
  return options;
}

std::vector<std::string> choose_request(InProcess& server, Input& input) {
  const auto& commands = server.server().commands;
  const Command& command =
      commands.at((input.below(256) * 256 + input.below(256)) % commands.size());
  std::vector<std::string> request;
  if (!command.parent_name.empty()) request.push_back(command.parent_name);
  request.emplace_back(command.short_name);
  const std::vector<std::string> options = options_of(command);
  const int arity = command.row->arity;
  const size_t least = static_cast<size_t>(arity < 0 ? -arity : arity);
  const size_t more = arity < 0 ? input.below(6) : input.below(20) == 0;
  while (request.size() < least + more) {
    if (!options.empty() && input.below(2) == 0) {
      request.push_back(options[input.below(options.size())]);
    } else {
      request.emplace_back(kPlainWords[input.below(std::size(kPlainWords))]);
    }
  }
  return request;
}

std::string choose_stream(InProcess& server, Input& input) {
  std::string stream;
  while (!input.done()) {
    const std::vector<std::string> request = choose_request(server, input);
    stream += "*" + std::to_string(request.size()) + "\r\n";
    for (const std::string& argument : request) {
      stream += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
    }
  }
  return stream;
}

// Options would lift the limits under which this runs; SHUTDOWN has no reply.
bool is_forbidden(const RequestBatch& batch, size_t i) {
  const auto arguments = batch.arguments(i);
  return equals_ignoring_case(arguments[0], "DEBUG") ||
         equals_ignoring_case(arguments[0], "SHUTDOWN") ||
         (arguments.size() > 1 && equals_ignoring_case(arguments[0], "CONFIG") &&
          !equals_ignoring_case(arguments[1], "GET"));
}

// What leaves commands unanswered: CLIENT REPLY, a second MONITOR, the end after a line of HTTP.
bool is_quiet(const Client& client) {
  return client.has(Client::kReplyOff) || client.has(Client::kReplySkip) ||
         client.has(Client::kMonitor) || client.has(Client::kCloseAfterReply);
}

// WAIT and the like: with a timeout of 0 a command that waits has no end here.
bool may_wait_for_ever(InProcess& server, std::string_view name) {
  const Command* command = server.server().commands.find(name);
  return equals_ignoring_case(name, "WAIT") ||
         (command != nullptr && (command->row->flags & larder::core::kBlocking) != 0);
}

void run(InProcess& server, FakeClient& client, const RequestBatch& batch, size_t i) {
  const auto arguments = batch.arguments(i);
  const bool was_quiet = is_quiet(client);
  const std::string bytes = server.run_raw(client, {arguments.begin(), arguments.end()});
  size_t at = 0;
  while (at < bytes.size()) {
    Reply reply;
    const auto size = read_reply(std::string_view(bytes).substr(at), reply);
    require(size.has_value() && *size > 0, "not a whole reply", bytes);
    at += *size;
  }
  require(
      !bytes.empty() || was_quiet || is_quiet(client) || may_wait_for_ever(server, arguments[0]),
      "no reply", arguments[0]);
  server.server().pause.until_ms = 0;  // nobody else could end it
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  InProcess server(2);
  server.server().config.values.bulk_bytes_max = kBulkBytesMax;
  Input input(data, size);
  const bool raw = input.below(2) == 1;
  std::string stream = raw ? std::string(input.rest()) : choose_stream(server, input);

  RequestParser parser;
  RequestBatch batch;
  FakeClient& client = server.client();
  do {
    batch.clear();
    const ParserLimits limits{kBulkBytesMax, server.server().lets_in(client)};
    const auto result = parser.parse(stream, batch, limits);
    for (size_t i = 0; i < batch.size() && !client.has(Client::kCloseAfterReply); i++) {
      if (!is_forbidden(batch, i)) run(server, client, batch, i);
      server.clock().advance_ms(1);
    }
    stream.erase(0, result.consumed);
    if (!result.error.empty()) break;
  } while (batch.size() == RequestBatch::kRequestsMax);
  return 0;
}
