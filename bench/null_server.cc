// The yardstick of bench/compare.py: a server on libuv that understands nothing. It counts the '*'
// in what it reads and sends a constant reply for each, so no server that speaks the protocol can
// spend less on the same bytes, but for what it need not copy.
//
//   null_server PORT [BYTES]   replies are +OK, or a bulk string of so many bytes
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr size_t kReadBytes = 64 * 1024;

char read_buffer[kReadBytes];
std::string reply = "+OK\r\n";
std::string replies;  // to all requests of one read; never shrinks

// What the system did not take at once.
struct Rest {
  uv_write_t request;
  std::string bytes;
};

uv_buf_t buffer_of(std::string_view bytes) {
  uv_buf_t buffer;
  buffer.base = const_cast<char*>(bytes.data());
  buffer.len = bytes.size();
  return buffer;
}

void send(uv_stream_t* stream, std::string_view bytes) {
  const uv_buf_t all = buffer_of(bytes);
  const int sent = uv_try_write(stream, &all, 1);
  if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  if (bytes.empty()) return;
  auto* rest = new Rest{{}, std::string(bytes)};
  rest->request.data = rest;
  const uv_buf_t left = buffer_of(rest->bytes);
  uv_write(&rest->request, stream, &left, 1,
           [](uv_write_t* request, int) { delete static_cast<Rest*>(request->data); });
}

void received(uv_stream_t* stream, ssize_t bytes, const uv_buf_t* buffer) {
  if (bytes < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); });
    return;
  }
  const std::string_view read(buffer->base, static_cast<size_t>(bytes));
  size_t size = 0;
  for (size_t at = read.find('*'); at != std::string_view::npos; at = read.find('*', at + 1)) {
    if (replies.size() < size + reply.size()) replies.resize(size + reply.size());
    std::memcpy(replies.data() + size, reply.data(), reply.size());
    size += reply.size();
  }
  if (size > 0) send(stream, std::string_view(replies).substr(0, size));
}

void connected(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* tcp = new uv_tcp_t;
  uv_tcp_init(listener->loop, tcp);
  auto* stream = reinterpret_cast<uv_stream_t*>(tcp);
  if (uv_accept(listener, stream) < 0) return;
  uv_tcp_nodelay(tcp, 1);
  uv_read_start(
      stream,
      [](uv_handle_t*, size_t, uv_buf_t* buffer) {
        *buffer = uv_buf_init(read_buffer, kReadBytes);
      },
      received);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: null_server PORT [BYTES]\n");
    return 2;
  }
  if (count > 2) {
    const std::string bytes(std::strtoul(arguments[2], nullptr, 10), 'x');
    reply = "$" + std::to_string(bytes.size()) + "\r\n" + bytes + "\r\n";
  }
  uv_tcp_t listener;
  uv_tcp_init(uv_default_loop(), &listener);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", std::atoi(arguments[1]), &address);
  uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 512, connected) < 0) return 1;
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
