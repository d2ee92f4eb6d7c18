// A command that takes longer than one turn of its loop: it works in slices, or waits. Meanwhile
// the loop serves other connections; the commands that its own client sent behind it wait their
// turn.
#pragma once

#include <cstdint>

namespace larder::core {

class Call;

class Continuation {
 public:
  // How long one slice may keep the loop, in microseconds.
  static constexpr int64_t kSliceUs = 200;

  enum class Progress {
    kDone,     // the reply has been written
    kAgain,    // more work: call again once the other connections have been served
    kWaiting,  // call again when wake_at_ms() has come or the client was unblocked
  };

  virtual ~Continuation() = default;

  // Does the next slice, on the client's own loop. Arguments of `call` are gone by then (a
  // continuation keeps its own copies); its reply, clock and locks are there.
  virtual Progress resume(Call& call) = 0;

  // Whether a part of the reply has been written already, and the rest will follow in later slices.
  // Until then nothing else is sent to the client, and a client that does not read is waited for.
  virtual bool replying() const { return false; }

  // Whether it holds what others wait for, so that its connection is closed only when it is done.
  virtual bool must_end() const { return false; }

  // Milliseconds since the epoch; kNever: only unblocking wakes it.
  static constexpr int64_t kNever = INT64_MAX;
  virtual int64_t wake_at_ms() const { return kNever; }

  // Whether CLIENT UNBLOCK and shutdown may end it; the next resume() must then answer.
  virtual bool unblock(bool /*with_error*/) { return false; }
};

}  // namespace larder::core
