// Every error text that the server sends, with value_errors.h, rate_limit_errors.h, script_errors.h
// and dump_errors.h: nowhere else are their words. Clients match the first word (the code) and
// sometimes more, so the texts are Redis' own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/core/rate_limit_errors.h"
#include "server/core/value_errors.h"
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
inline constexpr std::string_view kSameObject = "ERR source and destination objects are the same";
inline constexpr std::string_view kDatabaseOutOfRange = "ERR DB index is out of range";
inline constexpr std::string_view kInvalidFirstDatabase = "ERR invalid first DB index";
inline constexpr std::string_view kInvalidSecondDatabase = "ERR invalid second DB index";
inline constexpr std::string_view kExpireConditionsNx =
    "ERR NX and XX, GT or LT options at the same time are not compatible";
inline constexpr std::string_view kExpireConditionsGtLt =
    "ERR GT and LT options at the same time are not compatible";
inline constexpr std::string_view kFrequencyNotTracked =
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust.";
inline constexpr std::string_view kIdleTimeNotTracked =
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust.";
inline constexpr std::string_view kNumtags = "ERR numtags should be greater than 0";
inline constexpr std::string_view kMoreTagsThanArguments =
    "ERR Number of tags can't be greater than number of args";
inline constexpr std::string_view kTooManyTags = "ERR a key cannot have more than 255 tags";
inline constexpr std::string_view kTagTooLong = "ERR a tag cannot be longer than 1024 bytes";
inline constexpr std::string_view kInvalidCursor = "ERR invalid cursor";
inline constexpr std::string_view kTimeoutNotInteger =
    "ERR timeout is not an integer or out of range";
inline constexpr std::string_view kTimeoutNegative = "ERR timeout is negative";
inline constexpr std::string_view kOutOfMemory =
    "OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
inline constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view kAuthWithoutPassword =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?";
inline constexpr std::string_view kHelloUnauthenticated =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
    "protocol version at the same time";
inline constexpr std::string_view kUnsupportedProtocol = "NOPROTO unsupported protocol version";
inline constexpr std::string_view kProtocolNotInteger =
    "ERR Protocol version is not an integer or out of range";
inline constexpr std::string_view kClientNameCharacters =
    "ERR Client names cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view kNoSuchClient = "ERR No such client";
inline constexpr std::string_view kClientIdNotPositive = "ERR client-id should be greater than 0";
inline constexpr std::string_view kInvalidClientId = "ERR Invalid client ID";
inline constexpr std::string_view kPauseMode = "ERR CLIENT PAUSE mode must be WRITE or ALL";
inline constexpr std::string_view kUnblockReason =
    "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
inline constexpr std::string_view kTimeoutOutOfRange = "ERR timeout is out of range";
inline constexpr std::string_view kMaxClients = "ERR max number of clients reached";
inline constexpr std::string_view kNoKeyArguments = "ERR The command has no key arguments";
inline constexpr std::string_view kInvalidCommand = "ERR Invalid command specified";
inline constexpr std::string_view kInvalidCommandArity =
    "ERR Invalid number of arguments specified for command";
inline constexpr std::string_view kInvalidCommandArguments =
    "ERR Invalid arguments specified for command";
inline constexpr std::string_view kNoShutdown = "ERR No shutdown in progress.";
inline constexpr std::string_view kCannotSave =
    "ERR Errors trying to SHUTDOWN. Nothing is kept on disk, so SAVE cannot be done: use NOSAVE.";
inline constexpr std::string_view kDebugNotAllowed =
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you "
    "can run "
    "it from a local connection, otherwise you need to set this option in the configuration file, "
    "and "
    "then restart the server.";
inline constexpr std::string_view kDatabaseNotThere = "ERR Out of range database";
inline constexpr std::string_view kRecountFailed =
    "ERR a counter or a bound of the tables is wrong";
inline constexpr std::string_view kResp2NotSupported = "ERR RESP2 is not supported by this command";
inline constexpr std::string_view kUnknownReplyType =
    "ERR Wrong protocol type name. Please use one of the following: "
    "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
inline constexpr std::string_view kNotInMulti = "ERR Command not allowed inside a transaction";
inline constexpr std::string_view kMultiNested = "ERR MULTI calls can not be nested";
inline constexpr std::string_view kWatchInMulti = "ERR WATCH inside MULTI is not allowed";
inline constexpr std::string_view kExecWithoutMulti = "ERR EXEC without MULTI";
inline constexpr std::string_view kDiscardWithoutMulti = "ERR DISCARD without MULTI";
inline constexpr std::string_view kExecAborted =
    "EXECABORT Transaction discarded because of previous errors.";
inline constexpr std::string_view kMonitorNested =
    "ERR MONITOR isn't allowed for DENY BLOCKING client";
inline constexpr std::string_view kUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
inline constexpr std::string_view kMonitorHasNoKeys =
    "ERR Replica can't interact with the keyspace";  // a client in MONITOR mode is called so
inline constexpr std::string_view kSlowlogCount = "ERR count should be greater than or equal to -1";
inline constexpr std::string_view kTooManySubscriptions =
    "ERR one connection cannot have more than 1048576 subscriptions";
inline constexpr std::string_view kOneRedirection =
    "ERR A client can only redirect to a single other client";
inline constexpr std::string_view kNoRedirectionTarget =
    "ERR The client ID you want redirect to does not exist";
inline constexpr std::string_view kPrefixWithoutBcast =
    "ERR PREFIX option requires BCAST mode to be enabled";
inline constexpr std::string_view kSwitchedBcast =
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "
    "re-enabling it with a different mode.";
inline constexpr std::string_view kOptionsWithBcast =
    "ERR OPTIN and OPTOUT are not compatible with BCAST";
inline constexpr std::string_view kOptinAndOptout =
    "ERR You can't specify both OPTIN mode and OPTOUT mode";
inline constexpr std::string_view kSwitchedOptin =
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
    "re-enabling it with a different mode.";
inline constexpr std::string_view kTooManyPrefixes =
    "ERR one connection cannot have more than 1024 prefixes, or prefixes of more than 1 MiB";
inline constexpr std::string_view kCachingWithoutTracking =
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
    "OPTOUT mode enabled";
inline constexpr std::string_view kCachingYes =
    "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
inline constexpr std::string_view kCachingNo =
    "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";
inline constexpr std::string_view kNoConfigFile = "ERR The server is running without a config file";

// The words for what the engine answered; `status` is not kOk.
std::string_view text(storage::Status status);

// ERR Can't execute 'get': only (P|S)SUBSCRIBE / ... are allowed in this context
std::string not_while_subscribed(std::string_view command);
// ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client
std::string not_in_transaction(std::string_view command);
// ERR wrong number of arguments for 'get' command
std::string wrong_arity(std::string_view command);
// ERR invalid expire time in 'set' command
std::string invalid_expire(std::string_view command);
// ERR value is out of range, value must between 0 and 9 (the grammar is Redis')
std::string out_of_range(int64_t min, int64_t max);
// ERR Unsupported option x
std::string unsupported_option(std::string_view option);
// ERR at least 1 input key is needed for 'zunion' command
std::string no_input_keys(std::string_view command);
// ERR unknown command 'x', with args beginning with: 'a' 'b' . Long input is cut as Redis cuts it.
std::string unknown_command(std::string_view name, const std::string_view* arguments, size_t count);
// EXECABORT Transaction discarded because of: ... , the error without its ERR.
std::string exec_refused(std::string_view error);
// ERR unknown subcommand 'x'. Try CLIENT HELP.
std::string unknown_subcommand(std::string_view command, std::string_view subcommand);
// ERR unknown subcommand or wrong number of arguments for 'x'. Try DEBUG HELP.
std::string unknown_subcommand_or_arity(std::string_view command, std::string_view subcommand);
// ERR unknown argument: x
std::string unknown_argument(std::string_view argument);
// ERR Unknown category 'x'
std::string unknown_category(std::string_view category);
// ERR No samples available for event 'x'
std::string no_latency_samples(std::string_view event);
// ERR Unknown option or number of arguments for CONFIG SET - 'x'
std::string unknown_config(std::string_view option);
// ERR CONFIG SET failed (possibly related to argument 'x') - argument must be ...
std::string config_set_failed(std::string_view option, std::string_view reason);
// ERR Rewriting config file: cannot write ...
std::string config_rewrite_failed(std::string_view reason);
// ERR Syntax error in HELLO option 'x'
std::string hello_option(std::string_view option);
// ERR Unknown client type 'x'
std::string unknown_client_type(std::string_view type);
// ERR No such user 'x'
std::string no_such_user(std::string_view user);
// ERR Unrecognized option 'x'
std::string unrecognized_option(std::string_view option);
// ERR lib-name cannot contain spaces, newlines or special characters.
std::string special_characters(std::string_view attribute);
// ERR Prefix 'ab' overlaps with an existing prefix 'a'. Prefixes for a single client must not ...;
// or with another provided one.
std::string overlapping_prefix(std::string_view prefix, std::string_view other, bool existing);

}  // namespace larder::core::errors
