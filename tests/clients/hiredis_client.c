// hiredis 0.14 against the server named by LARDER_HOST and LARDER_PORT (and LARDER_SOCKET, where
// there is one): blocking calls, pipelines, and the asynchronous API on libuv. Prints a line for
// each test; the exit status is 0 when all passed.

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <uv.h>

static const char* host;
static int port;
static int failures;

#define CHECK(condition) check((condition) != 0, #condition, __LINE__)

static void check(int holds, const char* text, int line) {
  if (holds) return;
  failures++;
  fprintf(stderr, "hiredis_client.c:%d: does not hold: %s\n", line, text);
}

static void give_up(const char* why) {
  fprintf(stderr, "hiredis_client: %s\n", why);
  exit(1);
}

static redisContext* with_timeout(redisContext* connection) {
  struct timeval limit = {30, 0};
  if (connection == NULL || connection->err)
    give_up(connection ? connection->errstr : "out of memory");
  redisSetTimeout(connection, limit);
  return connection;
}

static redisContext* connect_to_server(void) {
  struct timeval limit = {10, 0};
  return with_timeout(redisConnectWithTimeout(host, port, limit));
}

static int is_text(const redisReply* reply, int type, const char* text) {
  return reply != NULL && reply->type == type && strcmp(reply->str, text) == 0;
}

static int is_integer(const redisReply* reply, long long value) {
  return reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == value;
}

// What a command answers, as "type:value"; it is valid until the next call.
static const char* answer(redisContext* connection, const char* format, ...) {
  static char text[512];
  va_list arguments;
  va_start(arguments, format);
  redisReply* reply = redisvCommand(connection, format, arguments);
  va_end(arguments);
  if (reply == NULL) return connection->errstr;
  switch (reply->type) {
    case REDIS_REPLY_STRING:
      snprintf(text, sizeof text, "string:%s", reply->str);
      break;
    case REDIS_REPLY_STATUS:
      snprintf(text, sizeof text, "status:%s", reply->str);
      break;
    case REDIS_REPLY_ERROR:
      snprintf(text, sizeof text, "error:%s", reply->str);
      break;
    case REDIS_REPLY_INTEGER:
      snprintf(text, sizeof text, "integer:%lld", reply->integer);
      break;
    case REDIS_REPLY_ARRAY:
      snprintf(text, sizeof text, "array:%zu", reply->elements);
      break;
    default:
      snprintf(text, sizeof text, "nil");
  }
  freeReplyObject(reply);
  return text;
}

#define ANSWERS(expected, ...)                                                                \
  check(strcmp(answer(connection, __VA_ARGS__), expected) == 0, #__VA_ARGS__ " -> " expected, \
        __LINE__)

// ---- blocking ----

static void blocking_commands(void) {
  redisContext* connection = connect_to_server();
  ANSWERS("status:PONG", "PING");
  ANSWERS("status:OK", "SET %s %d EX 100", "n", 41);
  ANSWERS("integer:42", "INCR n");
  ANSWERS("string:42", "GET n");
  ANSWERS("nil", "GET nothing");
  ANSWERS("nil", "SET n 1 NX");
  ANSWERS("array:3", "MGET n nothing n");
  ANSWERS("integer:1", "PERSIST n");
  ANSWERS("integer:-1", "TTL n");
  ANSWERS("status:string", "TYPE n");
  ANSWERS("array:2", "CONFIG GET port");
  ANSWERS("array:2", "SCAN 0 MATCH * COUNT 10");
  ANSWERS("integer:1", "DEL n");
  redisFree(connection);
}

static void blocking_errors(void) {
  redisContext* connection = connect_to_server();
  ANSWERS("error:ERR unknown command 'nosuch', with args beginning with: 'a' 'b' ", "nosuch a b");
  ANSWERS("error:ERR wrong number of arguments for 'get' command", "GET");
  ANSWERS("status:OK", "SET word abc");
  ANSWERS("error:ERR value is not an integer or out of range", "INCR word");
  ANSWERS("error:NOPROTO unsupported protocol version", "HELLO 9");
  ANSWERS("status:PONG", "PING");
  redisFree(connection);
}

static void blocking_binary(void) {
  redisContext* connection = connect_to_server();
  static const size_t size = 10 * 1024 * 1024;
  char* value = malloc(size);
  if (value == NULL) give_up("out of memory");
  for (size_t at = 0; at < size; at++) value[at] = (char)(at * 31);
  const char* arguments[] = {"SET", "\r\n\0$", value};
  const size_t lengths[] = {3, 4, size};
  redisReply* reply = redisCommandArgv(connection, 3, arguments, lengths);
  CHECK(is_text(reply, REDIS_REPLY_STATUS, "OK"));
  freeReplyObject(reply);
  reply = redisCommand(connection, "GET %b", "\r\n\0$", (size_t)4);
  CHECK(reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len == size);
  CHECK(reply != NULL && reply->len == size && memcmp(reply->str, value, size) == 0);
  freeReplyObject(reply);
  free(value);
  redisFree(connection);
}

static void pipeline(void) {
  enum { kRounds = 5000 };
  redisContext* connection = connect_to_server();
  redisReply* reply;
  for (int round = 0; round < kRounds; round++) {
    redisAppendCommand(connection, "SET k%d v%d", round, round);
    redisAppendCommand(connection, "GET k%d", round);
    redisAppendCommand(connection, "INCR k%d", round);
  }
  for (int round = 0; round < kRounds && failures == 0; round++) {
    char value[32];
    snprintf(value, sizeof value, "v%d", round);
    CHECK(redisGetReply(connection, (void**)&reply) == REDIS_OK &&
          is_text(reply, REDIS_REPLY_STATUS, "OK"));
    freeReplyObject(reply);
    CHECK(redisGetReply(connection, (void**)&reply) == REDIS_OK &&
          is_text(reply, REDIS_REPLY_STRING, value));
    freeReplyObject(reply);
    CHECK(redisGetReply(connection, (void**)&reply) == REDIS_OK &&
          reply->type == REDIS_REPLY_ERROR);
    freeReplyObject(reply);
  }
  redisFree(connection);
}

static void killed_connection(void) {
  redisContext* connection = connect_to_server();
  redisContext* victim = connect_to_server();
  redisReply* reply = redisCommand(victim, "CLIENT ID");
  CHECK(reply != NULL && reply->type == REDIS_REPLY_INTEGER);
  ANSWERS("integer:1", "CLIENT KILL ID %lld", reply->integer);
  freeReplyObject(reply);
  CHECK(redisCommand(victim, "PING") == NULL && victim->err != 0);
  CHECK(redisReconnect(victim) == REDIS_OK);
  CHECK(strcmp(answer(victim, "PING"), "status:PONG") == 0);
  redisFree(victim);
  redisFree(connection);
}

static void quit_closes(void) {
  redisContext* connection = connect_to_server();
  ANSWERS("status:OK", "QUIT");
  CHECK(redisCommand(connection, "PING") == NULL && connection->err != 0);
  redisFree(connection);
}

static void unix_socket(void) {
  const char* path = getenv("LARDER_SOCKET");
  if (path == NULL || *path == '\0') return;
  redisContext* connection = with_timeout(redisConnectUnix(path));
  ANSWERS("status:OK", "SET local v");
  ANSWERS("string:v", "GET local");
  redisFree(connection);
}

// ---- asynchronous ----

enum { kCalls = 5000 };
static int calls_answered;
static int calls_in_order;
static int disconnect_status;

static void on_incremented(redisAsyncContext* context, void* raw_reply, void* expected) {
  calls_answered++;
  if (is_integer(raw_reply, (long)(intptr_t)expected)) calls_in_order++;
  if (calls_answered == kCalls) redisAsyncDisconnect(context);
}

static void on_disconnected(const redisAsyncContext* context, int status) {
  (void)context;
  disconnect_status = status;
}

static void on_too_late(uv_timer_t* timer) {
  (void)timer;
  give_up("the asynchronous calls were not answered in 30 s");
}

static redisAsyncContext* connect_asynchronously(uv_loop_t* loop) {
  redisAsyncContext* context = redisAsyncConnect(host, port);
  if (context == NULL || context->err) give_up(context ? context->errstr : "out of memory");
  CHECK(redisLibuvAttach(context, loop) == REDIS_OK);
  disconnect_status = -2;
  redisAsyncSetDisconnectCallback(context, on_disconnected);
  return context;
}

// Runs the loop until the connection is closed. The timer does not keep the loop alive.
static void run_loop(uv_loop_t* loop) {
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, on_too_late, 30000, 0);
  uv_unref((uv_handle_t*)&timer);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t*)&timer, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
}

static void asynchronous_calls(void) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  redisAsyncContext* context = connect_asynchronously(&loop);
  calls_answered = calls_in_order = 0;
  redisAsyncCommand(context, NULL, NULL, "DEL async");
  for (intptr_t call = 1; call <= kCalls; call++) {
    redisAsyncCommand(context, on_incremented, (void*)call, "INCR async");
  }
  run_loop(&loop);
  CHECK(calls_answered == kCalls);
  CHECK(calls_in_order == kCalls);
  CHECK(disconnect_status == REDIS_OK);
}

static void on_large_value(redisAsyncContext* context, void* raw_reply, void* size) {
  redisReply* reply = raw_reply;
  CHECK(reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len == *(size_t*)size);
  calls_answered++;
  redisAsyncDisconnect(context);
}

static void asynchronous_large_value(void) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  redisAsyncContext* context = connect_asynchronously(&loop);
  size_t size = 3 * 1024 * 1024;
  char* value = calloc(size, 1);
  calls_answered = 0;
  redisAsyncCommand(context, NULL, NULL, "SET large %b", value, size);
  redisAsyncCommand(context, on_large_value, &size, "GET large");
  run_loop(&loop);
  CHECK(calls_answered == 1);
  free(value);
}

static const struct {
  const char* name;
  void (*run)(void);
} tests[] = {
    {"blocking commands", blocking_commands},
    {"blocking errors", blocking_errors},
    {"blocking, binary and large values", blocking_binary},
    {"pipeline", pipeline},
    {"killed connection", killed_connection},
    {"quit closes", quit_closes},
    {"unix socket", unix_socket},
    {"asynchronous calls", asynchronous_calls},
    {"asynchronous large value", asynchronous_large_value},
};

int main(void) {
  const char* port_text = getenv("LARDER_PORT");
  host = getenv("LARDER_HOST") ? getenv("LARDER_HOST") : "127.0.0.1";
  port = port_text ? atoi(port_text) : 6379;
  int failed_tests = 0;
  for (size_t number = 0; number < sizeof tests / sizeof *tests; number++) {
    failures = 0;
    redisContext* connection = connect_to_server();
    ANSWERS("status:OK", "FLUSHALL");
    redisFree(connection);
    tests[number].run();
    printf("%s: %s\n", failures == 0 ? "passed" : "FAILED", tests[number].name);
    failed_tests += failures != 0;
  }
  return failed_tests != 0;
}
