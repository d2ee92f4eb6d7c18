#include "protocol/words.h"

#include <cctype>

namespace larder::protocol {
namespace {

bool ends_word(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void append_hex(std::string& out, unsigned char byte) {
  constexpr const char* kDigits = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

}  // namespace

bool WordSplitter::next(std::string& word) {
  while (at_ < line_.size() && is_space(line_[at_])) at_++;
  if (at_ == line_.size()) return false;
  word.clear();
  while (at_ < line_.size() && !ends_word(line_[at_])) {
    const char c = line_[at_++];
    if (c == '"' || c == '\'') {
      if (!read_quoted(c, word)) return false;
      return true;
    }
    word.push_back(c);
  }
  return true;
}

bool WordSplitter::read_quoted(char quote, std::string& word) {
  while (at_ < line_.size()) {
    const char c = line_[at_++];
    if (c == quote) {
      if (at_ == line_.size() || is_space(line_[at_])) return true;
      break;
    }
    if (c == '\\' && at_ < line_.size()) {
      read_escape(quote, word);
    } else {
      word.push_back(c);
    }
  }
  balanced_ = false;
  return false;
}

void WordSplitter::read_escape(char quote, std::string& word) {
  const char c = line_[at_];
  if (quote == '\'') {
    if (c == '\'') at_++;
    word.push_back(c == '\'' ? '\'' : '\\');
    return;
  }
  if (c == 'x' && at_ + 2 < line_.size() && hex_digit(line_[at_ + 1]) >= 0 &&
      hex_digit(line_[at_ + 2]) >= 0) {
    word.push_back(static_cast<char>(hex_digit(line_[at_ + 1]) * 16 + hex_digit(line_[at_ + 2])));
    at_ += 3;
    return;
  }
  at_++;
  switch (c) {
    case 'n':
      word.push_back('\n');
      break;
    case 'r':
      word.push_back('\r');
      break;
    case 't':
      word.push_back('\t');
      break;
    case 'b':
      word.push_back('\b');
      break;
    case 'a':
      word.push_back('\a');
      break;
    default:
      word.push_back(c);
      break;
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          out += c;
        } else {
          append_hex(out, static_cast<unsigned char>(c));
        }
    }
  }
  out += '"';
}

}  // namespace larder::protocol
