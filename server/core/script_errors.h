// Error texts of scripts, libraries and functions: errors.h goes on here.
#pragma once

#include <string>
#include <string_view>

namespace larder::core::errors {

inline constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";
inline constexpr std::string_view kTooManyScriptKeys =
    "ERR Number of keys can't be greater than number of args";
inline constexpr std::string_view kNegativeScriptKeys = "ERR Number of keys can't be negative";
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
std::string list_argument_unknown(std::string_view argument);
// ERR Function x already exists
std::string function_exists(std::string_view name);

}  // namespace larder::core::errors
