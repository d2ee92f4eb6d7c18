// Asking the processor for memory before it is needed.
#pragma once

namespace larder::storage {

// Fetches the cache line at `address`, which may be any, into all levels of the cache. Unlike the
// compiler's builtin it is an effect: a function that does nothing else is not taken for one that
// does nothing at all, whose calls may be left out.
inline void prefetch(const void* address) {
#if defined(__x86_64__)
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address);
#endif
}

}  // namespace larder::storage
