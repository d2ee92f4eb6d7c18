#include "server/core/expiry_option.h"

#include "storage/number.h"

namespace larder::core {

bool take_expiry(Args& args, ExpiryOption& expiry) {
  for (const auto* word : {&kSeconds, &kMilliseconds, &kAtSeconds, &kAtMilliseconds}) {
    if (!args.option(word->upper, 1)) continue;
    if (expiry.given() && expiry.word != word) return false;
    expiry = {word, args.next()};
    return true;
  }
  return false;
}

int64_t expire_at(const Call& call, const ExpiryOption& expiry, Args& args) {
  if (!expiry.given() || args.failed()) return storage::kNoExpiry;
  int64_t at_ms = 0;
  if (!storage::parse_integer(expiry.number, at_ms)) {
    args.fail(errors::kNotInteger);
  } else if (at_ms <= 0 || __builtin_mul_overflow(at_ms, expiry.word->unit_ms, &at_ms) ||
             (!expiry.word->absolute && __builtin_add_overflow(at_ms, call.now_ms(), &at_ms))) {
    args.fail(errors::invalid_expire(call.row().name));
  }
  return at_ms;
}

void set_expiry(Call& call, storage::Keyspace& db, const storage::Key& key, int64_t expire_at_ms) {
  db.set_expiry(key, expire_at_ms);
  call.notify(kEventGeneric, expire_at_ms > call.now_ms() ? "expire" : "del", key);
}

}  // namespace larder::core
