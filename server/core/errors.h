// Every error text that the server sends: the only file with their words. Clients match the first
// word (the code) and sometimes more, so the texts are Redis' own.
#pragma once

#include <string>
#include <string_view>

#include "storage/result.h"

namespace larder::core::errors {

inline constexpr std::string_view kSyntax = "ERR syntax error";
inline constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kNotFloat = "ERR value is not a valid float";
inline constexpr std::string_view kOutOfRange = "ERR value is out of range";
inline constexpr std::string_view kMustBePositive = "ERR value is out of range, must be positive";
inline constexpr std::string_view kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kNoSuchKey = "ERR no such key";
inline constexpr std::string_view kOverflow = "ERR increment or decrement would overflow";
inline constexpr std::string_view kNanOrInfinity = "ERR increment would produce NaN or Infinity";
inline constexpr std::string_view kStringTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kSameObject = "ERR source and destination objects are the same";
inline constexpr std::string_view kDatabaseOutOfRange = "ERR DB index is out of range";
inline constexpr std::string_view kInvalidCursor = "ERR invalid cursor";
inline constexpr std::string_view kTimeoutNotInteger =
    "ERR timeout is not an integer or out of range";
inline constexpr std::string_view kTimeoutNegative = "ERR timeout is negative";
inline constexpr std::string_view kOutOfMemory =
    "OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
inline constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view kMaxClients = "ERR max number of clients reached";
inline constexpr std::string_view kUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
inline constexpr std::string_view kMonitorHasNoKeys =
    "ERR Replica can't interact with the keyspace";  // a client in MONITOR mode is called so
inline constexpr std::string_view kSlowlogCount = "ERR count should be greater than or equal to -1";
inline constexpr std::string_view kNoConfigFile = "ERR The server is running without a config file";

// The words for what the engine answered; `status` is not kOk.
std::string_view text(storage::Status status);

// ERR wrong number of arguments for 'get' command
std::string wrong_arity(std::string_view command);
// ERR invalid expire time in 'set' command
std::string invalid_expire(std::string_view command);
// ERR unknown command 'x', with args beginning with: 'a' 'b' . Long input is cut as Redis cuts it.
std::string unknown_command(std::string_view name, const std::string_view* arguments, size_t count);
// ERR unknown subcommand 'x'. Try CLIENT HELP.
std::string unknown_subcommand(std::string_view command, std::string_view subcommand);
// ERR unknown subcommand or wrong number of arguments for 'x'. Try SLOWLOG HELP.
std::string unknown_subcommand_or_arity(std::string_view command, std::string_view subcommand);
// ERR No samples available for event 'x'
std::string no_latency_samples(std::string_view event);
// ERR Unknown option or number of arguments for CONFIG SET - 'x'
std::string unknown_config(std::string_view option);
// ERR CONFIG SET failed (possibly related to argument 'x') - argument must be ...
std::string config_set_failed(std::string_view option, std::string_view reason);
// ERR Rewriting config file: cannot write ...
std::string config_rewrite_failed(std::string_view reason);

}  // namespace larder::core::errors
