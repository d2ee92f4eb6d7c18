#include "protocol/reply_writer.h"

#include <gtest/gtest.h>

namespace larder::protocol {
namespace {

std::string written(RespVersion version, void (*write)(ReplyWriter&)) {
  ByteBuffer out;
  ReplyWriter reply(out, version);
  write(reply);
  return std::string(out.view());
}

TEST(ReplyWriter, SpellsTheSameThingInBothVersions) {
  const auto all = [](ReplyWriter& r) {
    r.null();
    r.null_array();
    r.map(1);
    r.real("1.5");
    r.boolean(true);
    r.set(2);
    r.push(1);
    r.verbatim("a");
  };
  EXPECT_EQ(written(RespVersion::k2, all),
            "$-1\r\n*-1\r\n*2\r\n$3\r\n1.5\r\n:1\r\n*2\r\n*1\r\n$1\r\na\r\n");
  EXPECT_EQ(written(RespVersion::k3, all),
            "_\r\n_\r\n%1\r\n,1.5\r\n#t\r\n~2\r\n>1\r\n=5\r\ntxt:a\r\n");
}

TEST(ReplyWriter, ErrorTextCannotEndItsLine) {
  EXPECT_EQ(written(RespVersion::k2, [](ReplyWriter& r) { r.error("ERR a\r\nb"); }),
            "-ERR a  b\r\n");
}

TEST(ReplyWriter, BulkHeadsOfEverySize) {
  for (const size_t size : {0, 9, 10, 99, 100, 999, 1000, 123456}) {
    ByteBuffer out;
    ReplyWriter(out, RespVersion::k2).bulk(std::string(size, 'x'));
    EXPECT_EQ(out.view(), "$" + std::to_string(size) + "\r\n" + std::string(size, 'x') + "\r\n");
  }
}

}  // namespace
}  // namespace larder::protocol
