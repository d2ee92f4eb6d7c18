#include "server/core/syntax.h"

#include <gtest/gtest.h>

namespace larder::core {
namespace {

std::string show(const std::vector<Argument>& arguments);

// name:type=TOKEN#spec, flags as ? (optional), + (multiple) and * (multiple_token), members in ().
std::string show(const Argument& argument) {
  std::string text = argument.name + ":" + std::string(type_name(argument.type));
  if (!argument.token.empty()) text += "=" + argument.token;
  if (argument.key_spec >= 0) text += "#" + std::to_string(argument.key_spec);
  if (argument.optional) text += "?";
  if (argument.multiple) text += "+";
  if (argument.multiple_token) text += "*";
  if (!argument.arguments.empty()) text += "(" + show(argument.arguments) + ")";
  return text;
}

std::string show(const std::vector<Argument>& arguments) {
  std::string text;
  for (const Argument& argument : arguments) {
    if (!text.empty()) text += ' ';
    text += show(argument);
  }
  return text;
}

std::string parsed(std::string_view syntax) {
  const auto arguments = parse_syntax(syntax);
  return arguments ? show(*arguments) : "(malformed)";
}

std::string typed(const CommandRow& row) {
  return show(arguments_of(row));
}

void handler(Call&) {}

TEST(Syntax, WordsInLowerCaseAreArgumentsAndOthersTokens) {
  EXPECT_EQ(parsed(""), "");
  EXPECT_EQ(parsed("key value"), "key:string value:string");
  EXPECT_EQ(parsed("[ASYNC | SYNC]"),
            "async_sync:oneof?(async:pure-token=ASYNC sync:pure-token=SYNC)");
  EXPECT_EQ(parsed("[LEN] [WITHMATCHLEN]"),
            "len:pure-token=LEN? withmatchlen:pure-token=WITHMATCHLEN?");
}

TEST(Syntax, TokenBelongsToTheArgumentBehindIt) {
  EXPECT_EQ(parsed("cursor [MATCH pattern] [COUNT count]"),
            "cursor:string pattern:string=MATCH? count:string=COUNT?");
  EXPECT_EQ(parsed("[LIMIT offset count]"), "limit:block=LIMIT?(offset:string count:string)");
  EXPECT_EQ(parsed("[EX seconds | KEEPTTL]"),
            "seconds_keepttl:oneof?(seconds:string=EX keepttl:pure-token=KEEPTTL)");
  EXPECT_EQ(parsed("[BY a GET b]"), "a_b:block?(a:string=BY b:string=GET)");
}

TEST(Syntax, TokenInFrontOfAlternativesNamesThem) {
  EXPECT_EQ(parsed("[FILTERBY <MODULE module-name | PATTERN pattern>]"),
            "filterby:oneof=FILTERBY?(module-name:string=MODULE pattern:string=PATTERN)");
}

TEST(Syntax, AlternativesMayStandWithoutBrackets) {
  EXPECT_EQ(parsed("ON | OFF"), "on_off:oneof(on:pure-token=ON off:pure-token=OFF)");
  EXPECT_EQ(parsed("<AND | NOT> key"),
            "and_not:oneof(and:pure-token=AND not:pure-token=NOT) key:string");
}

TEST(Syntax, DotsRepeatWhatStandsInFront) {
  EXPECT_EQ(parsed("key [key ...]"), "key:string+");
  EXPECT_EQ(parsed("[key [key ...]]"), "key:string?+");
  EXPECT_EQ(parsed("key value [key value ...]"), "key_value:block+(key:string value:string)");
  EXPECT_EQ(parsed("[ID id [id ...]]"), "id:string=ID?+");
  EXPECT_EQ(parsed("key [GET pattern [GET pattern ...]]"), "key:string pattern:string=GET?+*");
  EXPECT_EQ(parsed("<A | B> ..."), "a_b:oneof+(a:pure-token=A b:pure-token=B)");
  EXPECT_EQ(parsed("<A | B> [<A | B> ...]"), "a_b:oneof+(a:pure-token=A b:pure-token=B)");
  EXPECT_EQ(parsed("[GET a | SET b ...]"), "a_b:oneof?+(a:string=GET b:string=SET)");
  EXPECT_EQ(parsed("command [arg ...]"), "command:string arg:string?+");
}

TEST(Syntax, OptionalPartsMayBeNested) {
  EXPECT_EQ(parsed("[protover [AUTH username password] [SETNAME clientname]]"),
            "protover_auth_clientname:block?(protover:string auth:block=AUTH?(username:string "
            "password:string) clientname:string=SETNAME?)");
}

TEST(Syntax, MalformedTextIsRefused) {
  for (const char* text : {"[key", "key]", "<a | b", "a | ", "[]", "key ...", "[a ... b]", "<a]"}) {
    EXPECT_EQ(parsed(text), "(malformed)") << text;
  }
}

TEST(Syntax, TypesFollowFromNames) {
  const CommandRow row{.name = "x",
                       .handler = handler,
                       .keys = one_key(kRW),
                       .syntax = "key seconds increment [MATCH pattern] [unix-time-seconds] other"};
  EXPECT_EQ(typed(row),
            "key:key#0 seconds:integer increment:integer pattern:pattern=MATCH? "
            "unix-time-seconds:unix-time? other:string");
  CommandRow floating = row;
  floating.name = "incrbyfloat";
  floating.syntax = "key increment";
  EXPECT_EQ(typed(floating), "key:key#0 increment:double");
}

TEST(Syntax, KeysAreNumberedByTheirSpec) {
  CommandRow row{.name = "rename", .handler = handler, .syntax = "key newkey"};
  row.keys = {KeySpec{.flags = kRW, .begin = 1}, KeySpec{.flags = kOW, .begin = 2}};
  EXPECT_EQ(typed(row), "key:key#0 newkey:key#1");

  row.keys = all_keys(kRO);
  row.syntax = "key [key ...]";
  EXPECT_EQ(typed(row), "key:key#0+");

  row.keys = {KeySpec{.flags = kOW, .begin = 1},
              KeySpec{.flags = kRO, .begin = 2, .key_count_at = 0, .first_key = 1}};
  row.syntax = "destination numkeys key [key ...]";
  EXPECT_EQ(typed(row), "destination:key#0 numkeys:integer key:key#1+");

  row.keys = {KeySpec{.flags = kRO, .begin = 2, .last = -1}};
  row.syntax = "<AND | OR | NOT> key [key ...]";
  EXPECT_EQ(typed(row).substr(typed(row).find("key:")), "key:key#0+");

  row.keys = {KeySpec{.flags = kOW, .begin = 2}, KeySpec{.flags = kRO, .begin = 3, .last = -1}};
  row.syntax = "<AND | OR | NOT> destkey key [key ...]";
  EXPECT_EQ(typed(row).substr(typed(row).find("destkey:")), "destkey:key#0 key:key#1+");

  row.name = "object|encoding";
  row.keys = one_key(kRO, 2);
  row.syntax = "key";
  EXPECT_EQ(typed(row), "key:key#0");

  row.keys = {};
  EXPECT_EQ(typed(row), "key:string");
}

}  // namespace
}  // namespace larder::core
