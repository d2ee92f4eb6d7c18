// What every row must say, whichever family it belongs to.
#include "server/core/command_table.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "server/commands/families.h"
#include "server/core/command_docs.h"
#include "server/core/syntax.h"

namespace larder::core {
namespace {

class CommandTableTest : public ::testing::Test {
 protected:
  template <typename Check>
  void for_each(Check check) {
    for (size_t i = 0; i < table_.size(); i++) {
      SCOPED_TRACE(std::string(table_.at(i).row->name));
      check(table_.at(i));
    }
  }

  const std::vector<Family> families_ = commands::all_families();
  const CommandTable table_{families_};
};

bool is_subcommand(const CommandRow& row) {
  return row.name.find('|') != std::string_view::npos;
}

// Fewest words that a request of these arguments has; kUnbounded in `most` if there may be any
// number.
struct Words {
  static constexpr int kUnbounded = 1'000'000;
  int least = 0;
  int most = 0;
};

Words words_of(const Argument& argument);

Words sum_of(const std::vector<Argument>& arguments) {
  Words words;
  for (const Argument& argument : arguments) {
    words.least += words_of(argument).least;
    words.most += words_of(argument).most;
  }
  return words;
}

Words words_of(const Argument& argument) {
  Words words;
  if (argument.type == Argument::Type::kOneOf) {
    words.least = Words::kUnbounded;
    for (const Argument& option : argument.arguments) {
      words.least = std::min(words.least, words_of(option).least);
      words.most = std::max(words.most, words_of(option).most);
    }
  } else if (argument.type == Argument::Type::kBlock) {
    words = sum_of(argument.arguments);
  } else if (argument.type != Argument::Type::kPureToken) {
    words = {1, 1};
  }
  if (!argument.token.empty()) words = {words.least + 1, words.most + 1};
  if (argument.optional) words.least = 0;
  if (argument.multiple) words.most = Words::kUnbounded;
  return words;
}

TEST_F(CommandTableTest, RowsAreComplete) {
  const std::regex name("[a-z][a-z0-9_.-]*(\\|[a-z][a-z0-9-]*)?");
  const std::regex since("[0-9]+\\.[0-9]+\\.[0-9]+|larder");
  for_each([&](const Command& command) {
    const CommandRow& row = *command.row;
    EXPECT_TRUE(std::regex_match(std::string(row.name), name));
    EXPECT_TRUE(std::regex_match(std::string(row.since), since)) << row.since;
    EXPECT_FALSE(row.complexity.empty());
    EXPECT_TRUE(row.summary.ends_with('.')) << row.summary;
    EXPECT_NE(row.arity, 0);
    EXPECT_EQ(table_.find_full(row.name), &command) << "two rows of one name";
  });
}

TEST_F(CommandTableTest, RowsWithoutHandlerAreContainers) {
  for_each([&](const Command& command) {
    const CommandRow& row = *command.row;
    if (row.handler == nullptr) {
      EXPECT_FALSE(command.subcommands.empty());
      EXPECT_EQ(row.arity, -2);
      EXPECT_EQ(row.syntax, "");
    }
    if (is_subcommand(row)) {
      EXPECT_NE(row.handler, nullptr);
      EXPECT_TRUE(row.arity >= 2 || row.arity <= -2);
    }
  });
}

TEST_F(CommandTableTest, EveryContainerHasHelp) {
  for_each([&](const Command& command) {
    if (command.subcommands.empty()) return;
    EXPECT_NE(CommandTable::subcommand(command, "HELP"), nullptr);
  });
}

TEST_F(CommandTableTest, SyntaxParsesAndAgreesWithArity) {
  for_each([&](const Command& command) {
    const CommandRow& row = *command.row;
    const auto arguments = parse_syntax(row.syntax);
    ASSERT_TRUE(arguments.has_value()) << row.syntax;
    if (row.handler == nullptr) return;
    const Words words = sum_of(*arguments);
    const int before = is_subcommand(row) ? 2 : 1;
    EXPECT_EQ(std::abs(row.arity), before + words.least) << row.syntax;
    if (row.arity > 0) {
      EXPECT_EQ(row.arity, before + words.most) << row.syntax;
    }
  });
}

// "[TYPE NORMAL | PUBSUB]" would mean TYPE NORMAL or PUBSUB: the alternatives of a token belong
// into
// <>.
void expect_no_token_lost(const std::vector<Argument>& sequence) {
  const Argument* before = nullptr;
  for (const Argument& argument : sequence) {
    const bool bare = argument.type == Argument::Type::kPureToken && !argument.optional;
    EXPECT_FALSE(bare && before != nullptr) << before->name << " " << argument.name;
    before = bare ? &argument : nullptr;
    if (argument.type == Argument::Type::kBlock) expect_no_token_lost(argument.arguments);
    if (argument.type != Argument::Type::kOneOf) continue;
    for (const Argument& option : argument.arguments) expect_no_token_lost({option});
  }
}

TEST_F(CommandTableTest, AlternativesOfATokenStandInAGroup) {
  for_each([&](const Command& command) {
    const auto arguments = parse_syntax(command.row->syntax);
    if (arguments) expect_no_token_lost(*arguments);
  });
}

TEST_F(CommandTableTest, KeySpecsLieWithinArity) {
  for_each([&](const Command& command) {
    const CommandRow& row = *command.row;
    for (const KeySpec& spec : row.keys) {
      if (spec.begin == 0) continue;
      const int arguments = std::abs(row.arity);
      EXPECT_GE(spec.begin, is_subcommand(row) ? 2 : 1);
      EXPECT_GE(spec.step, 1);
      if (spec.key_count_at >= 0) {
        EXPECT_LT(spec.begin + spec.key_count_at, arguments);
        EXPECT_GT(spec.first_key, spec.key_count_at);
      } else {
        // The last of several specs, and what is no key, may stand for arguments that are left out:
        // the sources of PFMERGE, the name of SUNSUBSCRIBE.
        const bool last_of_several = &spec != row.keys.data();
        const bool optional =
            row.arity < 0 && spec.last < 0 && (last_of_several || (spec.flags & kNotKey) != 0);
        EXPECT_LT(spec.begin + std::max<int>(spec.last, 0), arguments + (optional ? 1 : 0));
      }
      const int access = spec.flags & (kRO | kRW | kOW | kRM | kNotKey);
      EXPECT_EQ(access & (access - 1), 0) << "more than one of RO, RW, OW, RM";
      EXPECT_NE(access, 0) << "none of RO, RW, OW, RM";
    }
  });
}

void collect_specs(const std::vector<Argument>& arguments, std::set<int>& specs) {
  for (const Argument& argument : arguments) {
    if (argument.key_spec >= 0) specs.insert(argument.key_spec);
    collect_specs(argument.arguments, specs);
  }
}

TEST_F(CommandTableTest, EveryKeySpecHasItsArgument) {
  for_each([&](const Command& command) {
    const CommandRow& row = *command.row;
    std::set<int> expected;
    for (size_t i = 0; i < row.keys.size() && row.keys[i].begin != 0; i++) {
      if ((row.keys[i].flags & kNotKey) == 0) expected.insert(static_cast<int>(i));
    }
    std::set<int> found;
    collect_specs(arguments_of(row), found);
    EXPECT_EQ(found, expected) << row.syntax;
  });
}

TEST_F(CommandTableTest, KeysAreReadOrWrittenAsTheFlagsSay) {
  for_each([&](const Command& command) {
    const CommandRow& row = *command.row;
    EXPECT_FALSE((row.flags & kWrite) && (row.flags & kReadonly));
    for (const KeySpec& spec : row.keys) {
      if (spec.begin == 0) continue;
      // As in Redis, PFCOUNT keeps its estimate in the key, and what it says stays the same.
      if (row.flags & kReadonly && row.name != "pfcount") {
        EXPECT_EQ(spec.flags & (kRW | kOW | kRM), 0);
      }
    }
  });
}

TEST_F(CommandTableTest, NamesAreFoundInAnyCase) {
  EXPECT_EQ(table_.find("GeT"), table_.find("get"));
  EXPECT_EQ(table_.find("command|count"), nullptr);
  ASSERT_NE(table_.find_full("COMMAND|Count"), nullptr);
  EXPECT_EQ(table_.find_full("COMMAND|Count")->row->name, "command|count");
  EXPECT_EQ(table_.find_full("get|count"), nullptr);
  EXPECT_EQ(table_.find_full("command|"), nullptr);
  EXPECT_EQ(table_.find_full("command|count|x"), nullptr);
  EXPECT_EQ(table_.find(std::string(1'000'000, 'x')), nullptr);
}

TEST_F(CommandTableTest, RenamedContainerIsFoundByItsNewNameOnly) {
  CommandTable table(families_);
  ASSERT_TRUE(table.rename("command", "hidden"));
  EXPECT_EQ(table.find_full("command|count"), nullptr);
  EXPECT_NE(table.find_full("hidden|count"), nullptr);
  ASSERT_TRUE(table.rename("get", ""));
  EXPECT_EQ(table.find("get"), nullptr);
  EXPECT_FALSE(table.rename("nosuch", "x"));
}

TEST_F(CommandTableTest, MarkdownHasARowForEachCommandThatRuns) {
  const std::string text = commands_as_markdown(table_);
  size_t runnable = 0;
  for_each([&](const Command& command) { runnable += command.row->handler != nullptr ? 1 : 0; });
  size_t rows = 0;
  for (size_t at = text.find("\n| `"); at != std::string::npos; at = text.find("\n| `", at + 1)) {
    rows++;
  }
  EXPECT_EQ(rows, runnable);
  EXPECT_NE(text.find("### String\n\n| command | arguments | what it does |\n|---|---|---|\n"),
            std::string::npos);
  EXPECT_NE(text.find("| `GET` | `key` |"), std::string::npos);
  EXPECT_NE(text.find("| `SHUTDOWN` | `[NOSAVE \\| SAVE] [NOW] [FORCE] [ABORT]` |"),
            std::string::npos);
  EXPECT_NE(text.find("| `COMMAND COUNT` |  |"), std::string::npos);
}

}  // namespace
}  // namespace larder::core
