#include "tests/support/info_reader.h"

#include <gtest/gtest.h>

#include "storage/number.h"

namespace larder::testing {

std::string info(InProcess& server, const std::vector<std::string>& sections) {
  std::vector<std::string> request{"INFO"};
  request.insert(request.end(), sections.begin(), sections.end());
  protocol::Reply reply;
  protocol::read_reply(server.run_raw(server.client(), request), reply);
  return reply.text;
}

std::string field_of(std::string_view text, std::string_view name) {
  const std::string head = "\r\n" + std::string(name) + ":";
  const size_t at = text.find(head);
  if (at == std::string_view::npos) return "(missing)";
  const std::string_view rest = text.substr(at + head.size());
  return std::string(rest.substr(0, rest.find("\r\n")));
}

double info_number(InProcess& server, std::string_view name) {
  const std::string text = field_of(info(server, {"everything"}), name);
  double value = 0;
  EXPECT_TRUE(storage::parse_double(text, value)) << name << " is " << text;
  return value;
}

}  // namespace larder::testing
