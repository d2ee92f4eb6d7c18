#!/usr/bin/env python3
"""What bench/latency.py lets happen beside the probe: each disturbance prepares a server, then disturbs it.

disturb() runs in a process of its own, which this file is the program of; bench/latency.py gives it the lowest
priority, so that it takes a processor from neither the server nor the probe:

  latency_disturbances.py NAME PORT SCALE STATE

STATE is what prepare() returned, as JSON. The last line that the process prints is a remark for the table, or empty.
"""

import json
import random
import selectors
import socket
import struct
import sys
import time

from server_process import Endpoint, MeasurementError, encode, fill

MB = 1_000_000


class Skipped(Exception):
    """The server has no such thing; the text says what."""


class Disturbance:
    """`name` is the row's; prepare() may return what disturb() needs to know, as far as JSON can say it."""

    name = ""
    text = ""

    def __init__(self, scale):
        self.scale = scale

    def prepare(self, server):
        return None

    def disturb(self, server, state):
        raise NotImplementedError

    def scaled(self, count, least=1):
        return max(least, int(count * self.scale))


def set_keys(server, first, end):
    """SET of keys of 16 bytes with values of 32 bytes."""
    fill(server, (b"*3\r\n$3\r\nSET\r\n$16\r\nk%015d\r\n$32\r\nv%031d\r\n" % (i, i) for i in range(first, end)))


def seconds_for(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def seconds_until_freed(server, used_bytes, seconds_max=30):
    """How long until the memory in use is down to what it was, but for what the allocator keeps."""
    slack = 4 * MB
    start = time.monotonic()
    while int(server.info("memory")["used_memory"]) > used_bytes + slack and time.monotonic() < start + seconds_max:
        time.sleep(0.02)
    return time.monotonic() - start


# ---- many keys ----

class Growth(Disturbance):
    name = "growth"
    text = "growth from 1 to 20 million keys, pipelined SET"

    def prepare(self, server):
        set_keys(server, 0, self.scaled(1_000_000))

    def disturb(self, server, state):
        first, end = self.scaled(1_000_000), self.scaled(20_000_000)
        seconds = seconds_for(lambda: set_keys(server, first, end))
        return f"{end - first:,} SET in {seconds:.1f} s"


class FlushAll(Disturbance):
    name = "flushall"
    text = "FLUSHALL of 10 million keys"
    words = ["FLUSHALL"]

    def prepare(self, server):
        set_keys(server, 0, self.scaled(10_000_000))

    def disturb(self, server, state):
        return f"answered after {seconds_for(lambda: server.ask(self.words)) * 1000:.1f} ms"


class FlushAllAsync(FlushAll):
    name = "flushall-async"
    text = "FLUSHALL ASYNC of 10 million keys"
    words = ["FLUSHALL", "ASYNC"]


class TagDel(Disturbance):
    name = "tagdel"
    text = "TAGDEL of 1 million keys"

    def prepare(self, server):
        try:
            server.ask(["TAGDEL", "all"])
        except MeasurementError as error:
            raise Skipped(f"no tags: {error}")
        before = int(server.info("memory")["used_memory"])
        words = b"$4\r\nTAGS\r\n$1\r\n2\r\n$3\r\nall\r\n$1\r\n%d\r\n"
        request = b"*7\r\n$3\r\nSET\r\n$16\r\nk%015d\r\n$32\r\nv%031d\r\n" + words
        fill(server, (request % (i, i, i % 10) for i in range(self.scaled(1_000_000))))
        return before

    def disturb(self, server, state):
        answered = seconds_for(lambda: server.ask(["TAGDEL", "all"]))
        return f"answered after {answered * 1000:.1f} ms, memory back after {seconds_until_freed(server, state):.1f} s"


class Keys(Disturbance):
    name = "keys"
    text = "KEYS * of 2 million keys"

    def prepare(self, server):
        set_keys(server, 0, self.scaled(2_000_000))

    def disturb(self, server, state):
        with server.connect() as connection, connection.makefile("rb", buffering=1 << 16) as replies:
            start = time.monotonic()
            connection.sendall(encode(["KEYS", "*"]))
            count = int(replies.readline()[1:])
            for _ in range(count):
                replies.read(int(replies.readline()[1:]) + 2)
        return f"{count:,} keys in {time.monotonic() - start:.1f} s"


class Scan(Keys):
    name = "scan"
    text = "SCAN COUNT 1000 of 2 million keys"

    def disturb(self, server, state):
        found, calls, cursor, start = 0, 0, b"0", time.monotonic()
        with server.connect() as connection, connection.makefile("rb", buffering=1 << 16) as replies:
            while calls == 0 or cursor != b"0":
                connection.sendall(encode(["SCAN", cursor, "COUNT", "1000"]))
                replies.readline()
                cursor = replies.read(int(replies.readline()[1:]) + 2)[:-2]
                count = int(replies.readline()[1:])
                for _ in range(count):
                    replies.read(int(replies.readline()[1:]) + 2)
                found, calls = found + count, calls + 1
        return f"{found:,} keys in {calls:,} calls and {time.monotonic() - start:.1f} s"


# ---- big values ----

class DeleteBig(Disturbance):
    """One after the other with pauses, so that each one's stall counts for itself."""

    name = "del-big"
    text = "DEL of 20 values of 100 MB"
    PAUSE_SECONDS = 0.1
    COUNT = 20

    def words(self, key):
        return ["DEL", key]

    def prepare(self, server):
        size = max(2048, min(int(100 * MB * self.scale), available_memory_bytes() // (3 * self.COUNT)))
        for i in range(self.COUNT):
            server.ask(["SETRANGE", f"big:{i}", size - 1, "x"])
        return size

    def disturb(self, server, state):
        longest = 0
        for i in range(self.COUNT):
            longest = max(longest, seconds_for(lambda: server.ask(self.words(f"big:{i}"))))
            time.sleep(self.PAUSE_SECONDS * min(1, self.scale))
        return f"{self.COUNT} of {state:,} bytes, answered after {longest * 1000:.1f} ms at the latest"


class UnlinkBig(DeleteBig):
    name = "unlink-big"
    text = "UNLINK of 20 values of 100 MB"

    def words(self, key):
        return ["UNLINK", key]


class OverwriteBig(DeleteBig):
    name = "overwrite-big"
    text = "SET of a small value over each of 20 values of 100 MB"

    def words(self, key):
        return ["SET", key, "small"]


def available_memory_bytes():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


# ---- time and memory ----

class ExpiryStorm(Disturbance):
    """The first key dies a moment after the quiet phase: prepare() has a fixed time for writing, and uses all of it."""

    name = "expiry"
    text = "1 million keys expiring within 10 s"
    WRITES_PER_SECOND = 60_000
    STORM_SECONDS = 10
    quiet_ms = 0  # set by bench/latency.py: how long it will take from prepare() to disturb()

    def prepare(self, server):
        count = self.scaled(1_000_000)
        storm_ms = self.scaled(self.STORM_SECONDS * 1000)
        ready_ms = int(time.time() * 1000) + 500 + count * 1000 // self.WRITES_PER_SECOND
        begin_ms = ready_ms + self.quiet_ms
        fill(server, (b"*5\r\n$3\r\nSET\r\n$16\r\nk%015d\r\n$32\r\nv%031d\r\n$4\r\nPXAT\r\n$13\r\n%013d\r\n"
                      % (i, i, begin_ms + i * storm_ms // count) for i in range(count)))
        if time.time() * 1000 > ready_ms:
            raise MeasurementError(f"{server.name} wrote fewer than {self.WRITES_PER_SECOND:,} keys a second")
        time.sleep(ready_ms / 1000 - time.time())
        return {"begin_ms": begin_ms, "storm_ms": storm_ms}

    def disturb(self, server, state):
        end_s = (state["begin_ms"] + state["storm_ms"]) / 1000
        if time.time() * 1000 > state["begin_ms"]:
            raise MeasurementError("the keys began to expire before the probe was there")
        time.sleep(end_s - time.time())
        return f"expired_keys {server.info('stats').get('expired_keys', '?')} as the last key died"


class Eviction(Disturbance):
    name = "evict"
    text = "writing twice maxmemory, values of 16 to 4096 bytes"
    ROOM_BYTES = 256 * MB
    POLICIES = ("allkeys-adaptive", "allkeys-lru")

    def prepare(self, server):
        policy = self.choose_policy(server)
        room = self.scaled(self.ROOM_BYTES)
        limit = int(server.info("memory")["used_memory"]) + room
        server.ask(["CONFIG", "SET", "maxmemory", limit])
        self.write(server, "old", room)
        return {"room": room, "policy": policy, "limit": limit}

    def choose_policy(self, server):
        for policy in self.POLICIES:
            try:
                server.ask(["CONFIG", "SET", "maxmemory-policy", policy])
                return policy
            except MeasurementError:
                continue
        raise Skipped("no eviction: CONFIG SET maxmemory-policy is refused")

    def write(self, server, name, total_bytes):
        """Values of all sizes alike until their sum is total_bytes."""
        source = random.Random(1)
        text = b"v" * 4096

        def requests():
            written = number = 0
            while written < total_bytes:
                size = source.randint(16, 4096)
                yield encode(["SET", f"{name}:{number}", text[:size]])
                written, number = written + size, number + 1

        fill(server, requests(), window=100)

    def disturb(self, server, state):
        self.write(server, "new", 2 * state["room"])
        memory, evicted = server.info("memory"), server.info("stats").get("evicted_keys", "?")
        over = int(memory["used_memory"]) / state["limit"] - 1
        return f"{state['policy']}, {evicted} evicted, used_memory {over:+.1%} of the limit at the end"


# ---- connections ----

class ConnectionStorm(Disturbance):
    """All connect at once, each says PING when it can, all stay until the last is answered, then all go at once."""

    name = "connect"
    text = "10,000 connections opening at once"
    SECONDS_MAX = 60

    def prepare(self, server):
        server.ask(["CONFIG", "SET", "maxclients", self.scaled(10_000, least=10) + 1000])

    def disturb(self, server, state):
        waiting = selectors.DefaultSelector()
        start = time.monotonic()
        connections = [socket.socket() for _ in range(self.scaled(10_000, least=10))]
        for connection in connections:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", server.port))
            waiting.register(connection, selectors.EVENT_WRITE)
        while waiting.get_map() and time.monotonic() - start < self.SECONDS_MAX:
            for key, _ in waiting.select(1):
                self.go_on(waiting, key)
        left, seconds = len(waiting.get_map()), time.monotonic() - start
        for connection in connections:
            connection.close()
        return f"{len(connections) - left:,} of {len(connections):,} answered after {seconds:.1f} s"

    def go_on(self, waiting, key):
        if key.events == selectors.EVENT_WRITE:
            key.fileobj.send(encode(["PING"]))
            waiting.modify(key.fileobj, selectors.EVENT_READ)
        elif key.fileobj.recv(64).startswith(b"+PONG"):
            waiting.unregister(key.fileobj)
        else:
            raise MeasurementError("the server refused a connection")


class UnreadReplies(Disturbance):
    """Clients that ask for much and read nothing, then vanish."""

    name = "unread"
    text = "4 clients that pipeline 5,000 GETs of 16 KB and read nothing"
    CLIENTS = 4
    SECONDS = 5

    def prepare(self, server):
        server.ask(["SET", "page", b"p" * 16_384])

    def disturb(self, server, state):
        requests = encode(["GET", "page"]) * self.scaled(5_000)
        before = server.info("memory").get("used_memory")
        connections = [self.deaf_connection(server) for _ in range(self.CLIENTS)]
        unsent = {connection: memoryview(requests) for connection in connections}
        end = time.monotonic() + self.SECONDS * min(1, self.scale)
        while time.monotonic() < end:
            for connection in connections:
                try:
                    unsent[connection] = unsent[connection][connection.send(unsent[connection][:1 << 16]):]
                except (BlockingIOError, ConnectionError):
                    continue  # the server makes it wait, or has thrown it out: both are answers
            time.sleep(0.001)
        grown = int(server.info("memory").get("used_memory", 0)) - int(before or 0)
        for connection in connections:
            connection.close()
        return f"the server held {grown / MB:,.1f} MB for them"

    def deaf_connection(self, server):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.connect(("127.0.0.1", server.port))
        connection.setblocking(False)
        return connection


ALL = {kind.name: kind for kind in (Growth, FlushAll, FlushAllAsync, TagDel, DeleteBig, UnlinkBig, OverwriteBig, ExpiryStorm,
                                    Eviction, Keys, Scan, ConnectionStorm, UnreadReplies)}


def main():
    name, port, scale, state = sys.argv[1:]
    try:
        print(ALL[name](float(scale)).disturb(Endpoint("the server", int(port)), json.loads(state)))
    except (MeasurementError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
