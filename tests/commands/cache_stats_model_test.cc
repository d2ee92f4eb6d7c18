// Keys and bytes of prefixes agree with a fresh count, whatever commands run: random ones on all
// types in two databases, with expiry, eviction, tags, exchanged rows and changed options.
#include <gtest/gtest.h>

#include <random>

#include "storage/evictor.h"
#include "storage/expiry.h"
#include "storage/prefix_walk.h"
#include "storage/tag_reaper.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr int kSteps = 300'000;

// In these, K is a key, V a value, N a small number, T a time in milliseconds that comes soon.
constexpr std::string_view kStringCommands[] = {
    "SET K V",
    "SET K V PX T",
    "SET K V TAGS 2 t1 t2",
    "SET K V KEEPTTL KEEPTAGS",
    "SET K N",
    "GET K",
    "GETEX K PX T",
    "GETDEL K",
    "GETSET K V",
    "MSET K V K V",
    "MGET K K",
    "APPEND K V",
    "SETRANGE K N V",
    "SETBIT K 2000 1",
    "BITOP OR K K K",
    "BITFIELD K SET u8 #N 7",
    "INCR K",
    "INCRBY K 100000000000",
    "INCRBYFLOAT K 1.5",
    "INCREX K BYINT 2 PX T",
    "PFADD K V V N",
    "PFMERGE K K",
    "PFCOUNT K",
    "THROTTLE K 2 5 100 50 1000 ALGO LOG",
    "CL.THROTTLE K 5 10 1",
};
constexpr std::string_view kCollectionCommands[] = {
    "RPUSH K V V N",
    "LPUSH K V",
    "LPOP K N",
    "RPOP K",
    "LTRIM K 1 N",
    "LSET K 0 V",
    "LINSERT K BEFORE N V",
    "LREM K 0 N",
    "LMOVE K K LEFT RIGHT",
    "LRANGE K 0 -1",
    "HSET K N V V V",
    "HDEL K N V",
    "HINCRBY K N 1",
    "HPEXPIRE K T FIELDS 1 N",
    "HPERSIST K FIELDS 1 N",
    "HGETALL K",
    "HGET K N",
    "HRANDFIELD K 2",
    "HGETDEL K FIELDS 1 N",
    "SADD K V N N",
    "SADD K V N N N N N N N N",
    "HSET K N V N V N V N V",
    "SREM K N",
    "SPOP K N",
    "SMOVE K K N",
    "SUNIONSTORE K K K",
    "SDIFFSTORE K K K",
    "SMEMBERS K",
    "ZADD K N V",
    "ZADD K N N 3 V",
    "ZADD K XX N V",
    "ZREM K N",
    "ZINCRBY K 2 N",
    "ZPOPMIN K N",
    "ZREMRANGEBYRANK K 0 N",
    "ZUNIONSTORE K 2 K K",
    "ZRANGESTORE K K 0 N",
    "ZDIFFSTORE K 2 K K",
    "SORT K BY nosort STORE K",
    "LMPOP 2 K K LEFT COUNT N",
    "ZMPOP 2 K K MAX COUNT N",
};
constexpr std::string_view kKeyCommands[] = {
    "DEL K K",
    "UNLINK K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K REPLACE",
    "COPY K K DB 1",
    "MOVE K 1",
    "PEXPIRE K T",
    "PEXPIRE K -1",
    "PERSIST K",
    "EXPIREAT K 9999999999",
    "PEXPIREAT K 99999999999999",
    "TAGADD K t1 t3",
    "TAGREM K t1",
    "EXISTS K",
    "TYPE K",
    "SELECT 0",
    "SELECT 1",
    "OBJECT ENCODING K",
    "RANDOMKEY",
    "TOUCH K",
};
constexpr std::string_view kRareCommands[] = {
    "TAGDEL t1",
    "TAGDEL t2 t3",
    "TAGDELEX 2 t1 t2 ALL",
    "DELMATCH p3:*",
    "RM 0 MATCH p4:* COUNT 100",
    "SWAPDB 0 1",
    "FLUSHDB",
    "STATS RESET",
    "CONFIG RESETSTAT",
    "CONFIG SET stats-prefixes-max 3",
    "CONFIG SET stats-prefixes-max 5",
    "CONFIG SET stats-prefixes-max 40",
    "CONFIG SET stats-prefix-separator :",
    "CONFIG SET stats-prefix-separator 3",
};

class CacheStatsModel : public ::testing::Test {
 protected:
  uint32_t draw(size_t n) { return static_cast<uint32_t>(random_() % n); }
  template <size_t n>
  void run_one_of(const std::string_view (&commands)[n]) {
    run(commands[draw(n)]);
  }
  void run(std::string_view command) {
    std::vector<std::string> words;
    for (size_t at = 0; at <= command.size();) {
      const size_t end = std::min(command.find(' ', at), command.size());
      words.push_back(filled_in(command.substr(at, end - at), command));
      at = end + 1;
    }
    last_ = command;
    server_.run(words);
  }
  // Most keys are of one type, or most commands would find one of another.
  std::string key_for(std::string_view command) {
    const bool any = command.starts_with("SET") || draw(8) == 0;
    const char type = any ? 'k' : command[0];
    return "p" + std::to_string(draw(8)) + ":" + type + std::to_string(draw(6));
  }
  std::string filled_in(std::string_view word, std::string_view command) {
    if (word == "K") return key_for(command);
    if (word == "N") return std::to_string(draw(20));
    if (word == "#N") return "#" + std::to_string(draw(20));
    if (word == "T") return std::to_string(1 + draw(3000));
    if (word != "V") return std::string(word);
    constexpr size_t kSizes[] = {1, 3, 20, 60, 70, 300, 1200, 20'000};
    return std::string(kSizes[draw(draw(10) == 0 ? 8 : 5)], static_cast<char>('a' + draw(26)));
  }
  void upkeep() {
    storage::Store& store = server_.server().store;
    const int64_t now_ms = server_.clock().now_ms();
    switch (draw(6)) {
      case 0:
        storage::ExpirySweeper(store, draw(2), 2).step(now_ms);
        break;
      case 1:
        storage::TagReaper(store, draw(2), 2).step();
        break;
      case 2:
        for (int i = 0; i < 10; i++) evictor_.evict(5, now_ms);
        break;
      case 3:
        server_.server().cache_statistics.each_second(now_ms);
        break;
      case 4:
        storage::PrefixWalker(store).step();
        break;
      default:
        server_.clock().advance_ms(draw(3000));
        break;
    }
  }

  InProcess server_{2};
  storage::Evictor evictor_{server_.server().store, 0};
  std::mt19937 random_{3};
  std::string last_;
};

TEST_F(CacheStatsModel, RecountsAgree) {
  server_.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"});
  for (const char* option : {"hash-max-listpack-entries", "set-max-listpack-entries",
                             "zset-max-listpack-entries", "list-max-listpack-size"}) {
    server_.run({"CONFIG", "SET", option, "8"});
  }
  for (int step = 0; step < kSteps; step++) {
    const uint32_t choice = draw(1000);
    if (choice < 400) {
      run_one_of(kStringCommands);
    } else if (choice < 800) {
      run_one_of(kCollectionCommands);
    } else if (choice < 950) {
      run_one_of(kKeyCommands);
    } else if (choice < 995) {
      upkeep();
    } else {
      run_one_of(kRareCommands);
    }
    if (step % 100 != 0) continue;
    ASSERT_EQ(server_.run({"DEBUG", "RECOUNT"}), "+OK") << last_ << " at " << step;
  }
}

}  // namespace
}  // namespace larder
