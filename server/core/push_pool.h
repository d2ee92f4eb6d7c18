// The pushes that wait for single clients of one worker: a chain for each client, all in one pool,
// so that a message to a thousand clients allocates nothing for each of them.
//
// Belongs to a worker; its thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/core/output.h"
#include "server/core/push_text.h"

namespace larder::core {

// One client's pushes, in their order.
struct PushChain {
  uint32_t first = 0;  // places in the pool, counted from 1; 0: there is none
  uint32_t last = 0;
  size_t bytes = 0;

  bool empty() const { return first == 0; }
};

class PushPool {
 public:
  // Takes a reference to the text.
  void append(PushChain& chain, const PushText& text);
  // Moves the chain's texts to the end of `out`; the chain is empty then.
  void write(PushChain& chain, Output& out, RespVersion version);
  void drop(PushChain& chain);

  // Of all chains.
  size_t bytes() const { return bytes_; }
  // Gives back memory that a time of many pushes took, if none wait now.
  void trim();

 private:
  struct Link {
    PushText text;
    uint32_t next = 0;
  };

  PushText take_first(PushChain& chain);

  std::vector<Link> links_;
  uint32_t free_ = 0;  // the first of those unused
  size_t bytes_ = 0;
};

}  // namespace larder::core
