#!/usr/bin/env python3
"""What it costs to free keys whose time is over, and how many of them are held meanwhile, side by side.

  expiry.py 'larder=build/release/larder --port {port} --threads 1' 'valkey=valkey-server --port {port} --save ""'

--keys keys are stored that die within --seconds, evenly. Nobody asks for them; DBSIZE, which counts what is held, is compared with the
number of those that should live. CPU is what the server's threads ran in that time beyond an idle server's, by the scheduler's count.
"""

import argparse
import random
import time

from report import describe, print_head, print_table, progress
from server_process import encode, ns_between, one_thread_servers, running

LEAD_MS = 1000  # between the last key's arrival and the first death
IDLE_SECONDS = 3
POLL_SECONDS = 0.02
KEYS_A_WRITE = 1000


def main():
    options = parse_options()
    results = {}
    described = {}
    for spec in options.servers:
        with running([spec], 1) as (server,):
            described[server.name] = describe(server)
            results[server.name] = measure(server, options.keys, options.seconds)
    progress("")
    print_head(described)
    print(f"{options.keys:,} keys that die within {options.seconds} s.\n")
    rows = [("dead keys held at most, % of all", "held_max", 2), ("on the average", "held_mean", 2),
            ("CPU of an expired key, microseconds", "cpu_us", 2)]
    print_table(["", *results], [[title, *(f"{result[field]:.{digits}f}" for result in results.values())]
                                 for title, field, digits in rows])


def measure(server, keys, seconds):
    with server.connect() as connection, connection.makefile("rb") as replies:
        idle_ns_a_second = idle_cpu(server)
        begin_ms = store(server, connection, replies, keys, seconds)
        wait_until(begin_ms)
        before, began = server.cpu_ns(), time.monotonic()
        held = []
        while (now_ms := time.time() * 1000) < begin_ms + seconds * 1000:
            connection.sendall(encode(["DBSIZE"]))
            size = int(replies.readline()[1:])
            living = keys * (1 - (now_ms - begin_ms) / (seconds * 1000))
            held.append(max(0.0, size - living) / keys * 100)
            progress(f"{server.name}: {size:,} keys")
            time.sleep(POLL_SECONDS)
        while int(ask(connection, replies, ["DBSIZE"])[1:]) > 0:
            time.sleep(POLL_SECONDS)
        spent = ns_between(before, server.cpu_ns()) - idle_ns_a_second * (time.monotonic() - began)
    return {"held_max": max(held), "held_mean": sum(held) / len(held), "cpu_us": spent / keys / 1000}


def idle_cpu(server):
    """Nanoseconds a second of a server that is asked for nothing but DBSIZE, as often as below."""
    with server.connect() as connection, connection.makefile("rb") as replies:
        before, began = server.cpu_ns(), time.monotonic()
        while time.monotonic() - began < IDLE_SECONDS:
            ask(connection, replies, ["DBSIZE"])
            time.sleep(POLL_SECONDS)
        return ns_between(before, server.cpu_ns()) / (time.monotonic() - began)


def store(server, connection, replies, keys, seconds):
    """Stores the keys; answers when the first may die, in milliseconds since the epoch."""
    seconds_to_store = keys / 100_000
    begin_ms = int(time.time() * 1000 + seconds_to_store * 1000) + LEAD_MS
    for first in range(0, keys, KEYS_A_WRITE):
        count = min(KEYS_A_WRITE, keys - first)
        connection.sendall(b"".join(
            encode(["SET", f"key:{first + i:012}", "x" * 32, "PXAT", begin_ms + random.randrange(seconds * 1000)])
            for i in range(count)))
        for _ in range(count):
            if replies.readline() != b"+OK\r\n":
                raise SystemExit(f"{server.name} does not store keys")
        progress(f"{server.name}: {first + count:,} keys stored")
    if time.time() * 1000 > begin_ms:
        raise SystemExit(f"this machine did not store {keys:,} keys in {seconds_to_store + LEAD_MS / 1000:.0f} s: ask for fewer")
    return begin_ms


def wait_until(at_ms):
    while time.time() * 1000 < at_ms:
        time.sleep(0.001)


def ask(connection, replies, words):
    connection.sendall(encode(words))
    return replies.readline()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND", help="(default: larder and the system's redis-server)")
    parser.add_argument("--keys", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="(default: %(default)s)")
    options = parser.parse_args()
    options.servers = one_thread_servers(options.servers)
    return options


if __name__ == "__main__":
    main()
