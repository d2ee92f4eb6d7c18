// Words on a line, with the quoting of redis-cli and redis.conf: what inline requests and
// configuration files are read with, and what MONITOR and CONFIG REWRITE write.
#pragma once

#include <string>
#include <string_view>

namespace larder::protocol {

// Splits a line as Redis' sdssplitargs does: blanks separate; "..." with C escapes and '...' with
// \' group; a closing quote must be followed by white space or the end. Vertical tab and form feed
// are white space where a word begins or a quote ends, but do not end a word. Borrows the line.
class WordSplitter {
 public:
  explicit WordSplitter(std::string_view line) : line_(line) {}

  // False when there is no further word or the quotes are not balanced (see balanced()).
  bool next(std::string& word);
  bool balanced() const { return balanced_; }

 private:
  bool read_quoted(char quote, std::string& word);
  void read_escape(char quote, std::string& word);

  std::string_view line_;
  size_t at_ = 0;
  bool balanced_ = true;
};

// Appends the text in double quotes, with escapes for what is not printable: WordSplitter reads the
// same text from it.
void append_quoted(std::string& out, std::string_view text);

}  // namespace larder::protocol
