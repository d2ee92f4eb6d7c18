// Every error text that the server sends: the only file with their words. Clients match the first
// word (the code) and sometimes more, so the texts are Redis' own.
#pragma once

#include <cstdint>
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
inline constexpr std::string_view kDecrementOverflow = "ERR decrement would overflow";
inline constexpr std::string_view kNanOrInfinity = "ERR increment would produce NaN or Infinity";
inline constexpr std::string_view kStringTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kOffsetOutOfRange = "ERR offset is out of range";
inline constexpr std::string_view kBitOffset = "ERR bit offset is not an integer or out of range";
inline constexpr std::string_view kBitValue = "ERR bit is not an integer or out of range";
inline constexpr std::string_view kBitWanted = "ERR The bit argument must be 1 or 0.";
inline constexpr std::string_view kBitopNotKeys =
    "ERR BITOP NOT must be called with a single source key.";
inline constexpr std::string_view kBitfieldType =
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 "
    "is.";
inline constexpr std::string_view kBitfieldOverflow = "ERR Invalid OVERFLOW type specified";
inline constexpr std::string_view kBitfieldReadonly =
    "ERR BITFIELD_RO only supports the GET subcommand";
inline constexpr std::string_view kLcsKeys = "ERR The specified keys must contain string values";
inline constexpr std::string_view kLcsLenAndIdx =
    "ERR If you want both the length and indexes, please just use IDX.";
inline constexpr std::string_view kLcsTooLong = "ERR String too long for LCS";
inline constexpr std::string_view kLcsMemory =
    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
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
inline constexpr std::string_view kNoConfigFile = "ERR The server is running without a config file";

// Scripts
inline constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";
inline constexpr std::string_view kTooManyKeys =
    "ERR Number of keys can't be greater than number of args";
inline constexpr std::string_view kNegativeKeys = "ERR Number of keys can't be negative";
inline constexpr std::string_view kBadKeyCount = "ERR Bad number of keys provided";
inline constexpr std::string_view kBusyScript =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
inline constexpr std::string_view kBusyFunction =
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
inline constexpr std::string_view kNoScriptRuns = "NOTBUSY No scripts in execution right now.";
inline constexpr std::string_view kUnkillable =
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can "
    "either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE "
    "command.";
inline constexpr const char* kScriptKilled = "ERR Script killed by user with SCRIPT KILL.";
inline constexpr const char* kFunctionKilled = "ERR Script killed by user with FUNCTION KILL.";
inline constexpr const char* kLoadTimeout = "ERR FUNCTION LOAD timeout";
inline constexpr std::string_view kScriptsTooLarge =
    "OOM scripts and libraries together must not exceed 256 MB each";
inline constexpr std::string_view kScriptsMemory = "OOM not enough memory to run scripts";
inline constexpr std::string_view kScriptFlushOption =
    "ERR SCRIPT FLUSH only support SYNC|ASYNC option";
inline constexpr std::string_view kFunctionFlushOption =
    "ERR FUNCTION FLUSH only supports SYNC|ASYNC option";
inline constexpr std::string_view kScriptDebug =
    "ERR SCRIPT DEBUG is not supported: only NO is possible";
inline constexpr std::string_view kScriptReplyTooDeep = "ERR reached lua stack limit";
inline constexpr std::string_view kScriptMayWrite =
    "ERR Can not execute a script with write flag using *_ro command.";
inline constexpr std::string_view kScriptOutOfMemory =
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
inline constexpr std::string_view kScriptReadOnly =
    "ERR Write commands are not allowed from read-only scripts.";
inline constexpr std::string_view kScriptCallEmpty =
    "ERR Please specify at least one argument for this redis lib call";
inline constexpr std::string_view kScriptCallTypes =
    "ERR Lua redis lib command arguments must be strings or integers";
inline constexpr std::string_view kScriptCallUnknown =
    "ERR Unknown Redis command called from script";
inline constexpr std::string_view kScriptCallArity =
    "ERR Wrong number of args calling Redis command from script";
inline constexpr std::string_view kScriptCallRefused =
    "ERR This Redis command is not allowed from script";
inline constexpr std::string_view kScriptKeyNotDeclared =
    "ERR Script attempted to access a key that it did not declare. It is known by now: call it "
    "again";
inline constexpr std::string_view kExecutionFailure = "execution failure";
inline constexpr std::string_view kUnknownScriptError = "ERR unknown error";
inline constexpr std::string_view kScriptHeadInvalid = "ERR Invalid script shebang";
inline constexpr std::string_view kLibraryHeadMissing = "ERR Missing library metadata";
inline constexpr std::string_view kLibraryHeadInvalid = "ERR Invalid library metadata";
inline constexpr std::string_view kLibraryNamedTwice =
    "ERR Invalid metadata value, name argument was given multiple times";
inline constexpr std::string_view kLibraryNotNamed = "ERR Library name was not given";
inline constexpr std::string_view kLibraryNameInvalid =
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least "
    "one character long";
inline constexpr std::string_view kFunctionNameInvalid =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
    "character long";
inline constexpr std::string_view kLibraryNameNotGiven = "ERR library name argument was not given";
inline constexpr std::string_view kRestorePolicy =
    "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
inline constexpr std::string_view kDumpDamaged = "ERR DUMP payload version or checksum are wrong";
inline constexpr std::string_view kDumpTooOld = "ERR Pre-GA function format not supported";
inline constexpr std::string_view kDumpNoFunction = "ERR given type is not a function";
inline constexpr std::string_view kDumpUnreadable =
    "ERR failed loading the given functions payload";
inline constexpr std::string_view kLibraryNotFound = "ERR Library not found";
inline constexpr std::string_view kLibraryEmpty = "ERR No functions registered";
inline constexpr std::string_view kFunctionNotFound = "ERR Function not found";

// ERR Error running script <name>, why
std::string script_failed(std::string_view name, std::string_view why);
//  script: <name>, on @user_script:1. It stands behind what went wrong.
std::string script_place(std::string_view name, std::string_view source, std::string_view line);
// ERR Error compiling script (new function): why
std::string script_does_not_compile(std::string_view why);
// ERR Error compiling function: why
std::string library_does_not_compile(std::string_view why);
// ERR Error registering functions: why
std::string library_does_not_load(std::string_view why);
// ERR Unexpected flag in script shebang: x
std::string script_flag_unknown(std::string_view flag);
// ERR Unexpected engine in script shebang: x
std::string script_engine_unknown(std::string_view engine);
// ERR Unknown lua shebang option: x
std::string script_option_unknown(std::string_view option);
// ERR Invalid metadata value given: x
std::string library_option_invalid(std::string_view option);
// ERR Engine 'x' not found
std::string library_engine_unknown(std::string_view engine);
// ERR Library 'x' already exists
std::string library_exists(std::string_view name);
// ERR Library x already exists
std::string library_exists_on_restore(std::string_view name);
// ERR Unknown option given: x
std::string unknown_option_given(std::string_view option);
// ERR Unknown argument x
std::string unknown_argument(std::string_view argument);
// ERR Function x already exists
std::string function_exists(std::string_view name);

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
// ERR unknown command 'x', with args beginning with: 'a' 'b' . Long input is cut as Redis cuts it.
std::string unknown_command(std::string_view name, const std::string_view* arguments, size_t count);
// EXECABORT Transaction discarded because of: ... , the error without its ERR.
std::string exec_refused(std::string_view error);
// ERR unknown subcommand 'x'. Try CLIENT HELP.
std::string unknown_subcommand(std::string_view command, std::string_view subcommand);
// ERR unknown subcommand or wrong number of arguments for 'x'. Try DEBUG HELP.
std::string unknown_subcommand_or_arity(std::string_view command, std::string_view subcommand);
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

}  // namespace larder::core::errors
