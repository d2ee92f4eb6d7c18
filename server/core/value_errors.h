// The error texts of commands on values of the single types; errors.h includes them.
#pragma once

#include <string_view>

namespace larder::core::errors {

inline constexpr std::string_view kOverflow = "ERR increment or decrement would overflow";
inline constexpr std::string_view kDecrementOverflow = "ERR decrement would overflow";
inline constexpr std::string_view kNanOrInfinity = "ERR increment would produce NaN or Infinity";
inline constexpr std::string_view kIncrementNotInteger =
    "ERR Increment is not an integer or out of range";
inline constexpr std::string_view kIncrementNotFloat = "ERR Increment is not a valid float";
inline constexpr std::string_view kIncrementInfinite = "ERR BYFLOAT increment cannot be Infinity";
inline constexpr std::string_view kLowerNotInteger = "ERR LBOUND is not an integer or out of range";
inline constexpr std::string_view kLowerNotFloat = "ERR LBOUND is not a valid float";
inline constexpr std::string_view kUpperNotInteger = "ERR UBOUND is not an integer or out of range";
inline constexpr std::string_view kUpperNotFloat = "ERR UBOUND is not a valid float";
inline constexpr std::string_view kBoundsCrossed = "ERR LBOUND can't be greater than UBOUND";
inline constexpr std::string_view kEnxWithoutExpiry = "ERR ENX flag requires an expiration";
inline constexpr std::string_view kAppliedOverflow = "ERR applied increment would overflow";
inline constexpr std::string_view kInfinite = "ERR value cannot be Infinity";
inline constexpr std::string_view kScoreNotANumber = "ERR resulting score is not a number (NaN)";
inline constexpr std::string_view kZaddConditions =
    "ERR XX and NX options at the same time are not compatible";
inline constexpr std::string_view kZaddComparisons =
    "ERR GT, LT, and/or NX options at the same time are not compatible";
inline constexpr std::string_view kZaddIncrementPairs =
    "ERR INCR option supports a single increment-element pair";
inline constexpr std::string_view kScoreBounds = "ERR min or max is not a float";
inline constexpr std::string_view kLexBounds = "ERR min or max not valid string range item";
inline constexpr std::string_view kLimitWithoutRange =
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
inline constexpr std::string_view kScoresByLex =
    "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
inline constexpr std::string_view kWeightNotFloat = "ERR weight value is not a float";
inline constexpr std::string_view kCountNotPositive = "ERR count should be greater than 0";
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
inline constexpr std::string_view kHashNotInteger = "ERR hash value is not an integer";
inline constexpr std::string_view kHashNotFloat = "ERR hash value is not a float";
inline constexpr std::string_view kArgumentNotFinite = "ERR value is NaN or Infinity";
inline constexpr std::string_view kExpireNegative = "ERR invalid expire time, must be >= 0";
inline constexpr std::string_view kFieldsMissing =
    "ERR Mandatory argument FIELDS is missing or not at the right position";
inline constexpr std::string_view kFieldCountMismatch =
    "ERR The `numfields` parameter must match the number of arguments";
inline constexpr std::string_view kFieldCountPositive =
    "ERR Number of fields must be a positive integer";
inline constexpr std::string_view kFieldCountAboveZero =
    "ERR Parameter `numFields` should be greater than 0";
inline constexpr std::string_view kFieldCountInvalid = "ERR invalid number of fields";
inline constexpr std::string_view kOneFieldCondition =
    "ERR Only one of FXX or FNX arguments can be specified";
inline constexpr std::string_view kOneFieldExpiry =
    "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
inline constexpr std::string_view kExpireMissing = "ERR missing expire time";
inline constexpr std::string_view kNumkeys = "ERR numkeys should be greater than 0";
inline constexpr std::string_view kTooManyKeys =
    "ERR Number of keys can't be greater than number of args";
inline constexpr std::string_view kNegativeLimit = "ERR LIMIT can't be negative";
inline constexpr std::string_view kNotHyperLogLog =
    "WRONGTYPE Key is not a valid HyperLogLog string value.";
inline constexpr std::string_view kDamagedHyperLogLog = "INVALIDOBJ Corrupted HLL object detected";
inline constexpr std::string_view kScoresNotDouble =
    "ERR One or more scores can't be converted into double";
inline constexpr std::string_view kElementTooLarge = "ERR Element too large";
inline constexpr std::string_view kRankZero =
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
    "negative to start from the end of the list";
inline constexpr std::string_view kCountNegative = "ERR COUNT can't be negative";
inline constexpr std::string_view kMaxlenNegative = "ERR MAXLEN can't be negative";
inline constexpr std::string_view kTimeoutNotFloat = "ERR timeout is not a float or out of range";

}  // namespace larder::core::errors
