#include "server/core/errors.h"

#include <algorithm>
#include <cctype>

namespace larder::core::errors {
namespace {

// How much of what a client sent is given back to it in an error.
constexpr size_t kEchoedBytesMax = 128;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// As C's %s prints it: a NUL ends the text.
std::string until_nul(std::string_view text) {
  return std::string(text.substr(0, text.find('\0')));
}

// As C's %.128s prints it.
std::string_view printable(std::string_view text) {
  return text.substr(0, std::min(kEchoedBytesMax, text.find('\0')));
}

}  // namespace

std::string_view text(storage::Status status) {
  using storage::Status;
  switch (status) {
    case Status::kOk:
      break;
    case Status::kNotFound:
      return kNoSuchKey;
    case Status::kWrongType:
      return kWrongType;
    case Status::kNotInteger:
      return kNotInteger;
    case Status::kNotFloat:
      return kNotFloat;
    case Status::kOverflow:
      return kOverflow;
    case Status::kNanOrInfinity:
      return kNanOrInfinity;
    case Status::kNotANumber:
      return kScoreNotANumber;
    case Status::kTooLong:
      return kStringTooLong;
    case Status::kExists:
      return "BUSYKEY Target key name already exists.";
    case Status::kSameObject:
      return kSameObject;
    case Status::kTooManyTags:
      return kTooManyTags;
    case Status::kIndexOutOfRange:
      return "ERR index out of range";
    case Status::kNotRateLimit:
      return "ERR value is not the state of a rate limit";
  }
  return "ERR internal error";
}

std::string not_while_subscribed(std::string_view command) {
  return "ERR Can't execute '" + std::string(command) +
         "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
         "context";
}

std::string not_in_transaction(std::string_view command) {
  return "ERR " + std::string(command) + " isn't allowed for a DENY BLOCKING client";
}

std::string wrong_arity(std::string_view command) {
  return "ERR wrong number of arguments for '" + std::string(command) + "' command";
}

std::string no_input_keys(std::string_view command) {
  return "ERR at least 1 input key is needed for '" + std::string(command) + "' command";
}

std::string invalid_expire(std::string_view command) {
  return "ERR invalid expire time in '" + std::string(command) + "' command";
}

std::string out_of_range(int64_t min, int64_t max) {
  return "ERR value is out of range, value must between " + std::to_string(min) + " and " +
         std::to_string(max);
}

std::string unsupported_option(std::string_view option) {
  // Redis trims line ends off the texts that it formats.
  const std::string_view shown = option.substr(0, option.find('\0'));
  return "ERR Unsupported option " +
         std::string(shown.substr(0, shown.find_last_not_of("\r\n") + 1));
}

std::string unknown_command(std::string_view name, const std::string_view* arguments,
                            size_t count) {
  std::string echoed;
  for (size_t i = 0; i < count && echoed.size() < kEchoedBytesMax; i++) {
    const std::string_view argument = printable(arguments[i]);
    echoed += "'" + std::string(argument.substr(0, kEchoedBytesMax - echoed.size())) + "' ";
  }
  return "ERR unknown command '" + std::string(printable(name)) +
         "', with args beginning with: " + echoed;
}

std::string exec_refused(std::string_view error) {
  if (error.starts_with("ERR ")) error.remove_prefix(4);
  return "EXECABORT Transaction discarded because of: " + std::string(error);
}

std::string unknown_subcommand(std::string_view command, std::string_view subcommand) {
  return "ERR unknown subcommand '" + std::string(printable(subcommand)) + "'. Try " +
         upper(command) + " HELP.";
}

std::string unknown_subcommand_or_arity(std::string_view command, std::string_view subcommand) {
  return "ERR unknown subcommand or wrong number of arguments for '" +
         std::string(printable(subcommand)) + "'. Try " + upper(command) + " HELP.";
}

std::string hello_option(std::string_view option) {
  return "ERR Syntax error in HELLO option '" + until_nul(option) + "'";
}

std::string unknown_client_type(std::string_view type) {
  return "ERR Unknown client type '" + until_nul(type) + "'";
}

std::string no_such_user(std::string_view user) {
  return "ERR No such user '" + until_nul(user) + "'";
}

std::string unrecognized_option(std::string_view option) {
  return "ERR Unrecognized option '" + until_nul(option) + "'";
}

std::string special_characters(std::string_view attribute) {
  return "ERR " + until_nul(attribute) + " cannot contain spaces, newlines or special characters.";
}

std::string overlapping_prefix(std::string_view prefix, std::string_view other, bool existing) {
  return "ERR Prefix '" + until_nul(prefix) + "' overlaps with " +
         (existing ? "an existing" : "another provided") + " prefix '" + until_nul(other) +
         "'. Prefixes for a single client must not overlap.";
}

std::string unknown_argument(std::string_view argument) {
  return "ERR unknown argument: " + until_nul(argument);
}

std::string unknown_category(std::string_view category) {
  return "ERR Unknown category '" + std::string(printable(category)) + "'";
}

std::string no_latency_samples(std::string_view event) {
  return "ERR No samples available for event '" + until_nul(event) + "'";
}

std::string unknown_config(std::string_view option) {
  return "ERR Unknown option or number of arguments for CONFIG SET - '" + std::string(option) + "'";
}

std::string config_set_failed(std::string_view option, std::string_view reason) {
  return "ERR CONFIG SET failed (possibly related to argument '" + std::string(option) + "') - " +
         std::string(reason);
}

std::string config_rewrite_failed(std::string_view reason) {
  return "ERR Rewriting config file: " + std::string(reason);
}

}  // namespace larder::core::errors
