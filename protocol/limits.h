// The limits of the wire. Each bounds what one peer can make the server hold before a request is
// complete; the names of Redis' options that change them live stand beside them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace larder::protocol {

// Longest inline request and longest header line ("*123\r\n", "$123\r\n"), in bytes.
inline constexpr size_t kLineBytesMax = 64 * 1024;

// Most arguments of one request: the largest count that Redis accepts (INT_MAX).
inline constexpr int64_t kArgumentsMax = 2147483647;

// Largest bulk string, in bytes: default of the option proto-max-bulk-len.
inline constexpr int64_t kBulkBytesMaxDefault = 512LL * 1024 * 1024;

// Bulk strings of this size and more are not copied on their way in or out, where it can be helped.
inline constexpr size_t kLargeBulkBytes = 32 * 1024;

// What a peer that has not authenticated may send, as in Redis: it needs no more to say AUTH.
inline constexpr int64_t kUnauthenticatedArgumentsMax = 10;
inline constexpr int64_t kUnauthenticatedBulkBytesMax = 16384;

// Deepest nesting of a reply that ReplyReader accepts.
inline constexpr int kReplyDepthMax = 32;

}  // namespace larder::protocol
