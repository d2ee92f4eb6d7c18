// The options EX, PX, EXAT and PXAT, by which a command that writes a string says when the key is
// to expire.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/core/args.h"
#include "server/core/call.h"

namespace larder::core {

// The number is looked at only in expire_at(): Redis complains about what is wrong with the options
// first.
struct ExpiryOption {
  struct Word {
    std::string_view upper;
    int64_t unit_ms;
    bool absolute;
  };
  const Word* word = nullptr;
  std::string_view number;

  bool given() const { return word != nullptr; }
};

inline constexpr ExpiryOption::Word kSeconds{"EX", 1000, false};
inline constexpr ExpiryOption::Word kMilliseconds{"PX", 1, false};
inline constexpr ExpiryOption::Word kAtSeconds{"EXAT", 1000, true};
inline constexpr ExpiryOption::Word kAtMilliseconds{"PXAT", 1, true};

// Takes one of these options with its number. False if there is none, or another one than before:
// then a syntax error is due. (The same one again is allowed, and the last one counts.)
bool take_expiry(Args& args, ExpiryOption& expiry);

// When the key is to expire, milliseconds since the epoch; kNoExpiry if the option was not given.
// Latches the error that the number deserves.
int64_t expire_at(const Call& call, const ExpiryOption& expiry, Args& args);

// Gives a live key this expiry and tells of it; a time that has passed deletes the key.
void set_expiry(Call& call, storage::Keyspace& db, const storage::Key& key, int64_t expire_at_ms);

}  // namespace larder::core
