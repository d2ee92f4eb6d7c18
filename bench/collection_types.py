#!/usr/bin/env python3
"""Memory of an element and server CPU of a command on hashes, sets, sorted sets and lists of several sizes, side by side.

  collection_types.py 'larder=build/release/larder --port {port} --threads 1' 'valkey=valkey-server --port {port} --save ""'

The first server is what the others are compared with. For each type and size there are as many collections as hold
--elements elements together (at least one), the same ones on every server. Members and fields have 12 bytes, values 16.
A command names a random collection and a random element; 64 are on their way at a time. What a server's threads ran, in
nanoseconds by the scheduler's count, is divided by the commands; rounds take turns, and medians are printed.
"""

import argparse
import random
import statistics

from report import describe, print_head, print_table, progress, with_ratios
from server_process import cpu_ns_of, encode, one_thread_servers, running

WINDOW = 64
FILL_ELEMENTS = 100  # of a command that fills a collection


def member(i):
    return b"m%011d" % i


def value(i):
    return b"v%015d" % i


class Kind:
    """How a type is filled and what is measured: {name: function of (random, key, size) that answers the words}."""

    def __init__(self, name, add, words_of, commands):
        self.name = name
        self.add = add
        self.words_of = words_of
        self.commands = commands


def ranked(d, size):
    start = d.randrange(max(size - 10, 1))
    return [start, start + 9]


KINDS = [
    Kind("hash", "HSET", lambda i: [member(i), value(i)], {
        "HSET": lambda d, key, size: ["HSET", key, member(d.randrange(size)), value(d.randrange(size))],
        "HGET": lambda d, key, size: ["HGET", key, member(d.randrange(size))]}),
    Kind("set", "SADD", lambda i: [member(i)], {
        "SADD": lambda d, key, size: ["SADD", key, member(d.randrange(size))],
        "SISMEMBER": lambda d, key, size: ["SISMEMBER", key, member(d.randrange(size))]}),
    Kind("sorted set", "ZADD", lambda i: [i * 7919 % 1000003, member(i)], {
        "ZADD": lambda d, key, size: ["ZADD", key, d.randrange(1000003), member(d.randrange(size))],
        "ZRANGE of 10": lambda d, key, size: ["ZRANGE", key, *ranked(d, size)],
        "ZRANK": lambda d, key, size: ["ZRANK", key, member(d.randrange(size))]}),
    # Each element that is pushed is taken away at the other end, so that the size stays.
    Kind("list", "RPUSH", lambda i: [value(i)], {
        "LPUSH, RPOP": lambda d, key, size: ["LPUSH", key, value(d.randrange(size))] if d.flip() else ["RPOP", key],
        "LRANGE of 10": lambda d, key, size: ["LRANGE", key, 0, 9]}),
]


class Draw(random.Random):
    """The same draws for every server; flip() is true and false in turn."""

    def __init__(self, seed):
        super().__init__(seed)
        self._up = False

    def flip(self):
        self._up = not self._up
        return self._up


def main():
    options = parse_options()
    rows = []
    for kind in KINDS:
        if options.only and kind.name not in options.only.split(","):
            continue
        for size in options.sizes:
            rows += measure(kind, size, options)
    progress("")
    with running(options.servers, 1) as servers:
        print_head({server.name: describe(server) for server in servers})
    names = [name for name, _ in options.servers]
    print(f"Medians of {options.rounds} rounds of {options.requests:,} commands; in brackets, times {names[0]}.\n")
    print_table(["type", "elements", "what", *names], rows)


def measure(kind, size, options):
    """The rows of one type and size: bytes of an element, then each command."""
    count = max(options.elements // size, 1)
    keys = [b"%s:%d" % (kind.name[:3].encode(), i) for i in range(count)]
    samples = {name: {server: [] for server, _ in options.servers} for name in kind.commands}
    with running(options.servers, 1) as servers:
        element_bytes = []
        for server in servers:
            progress(f"{kind.name} of {size:,}: filling {server.name}")
            before = server.settled_rss_bytes()
            cpu_ns_of(server, filling(kind, keys, size), WINDOW)
            element_bytes.append((server.settled_rss_bytes() - before) / (count * size))
        for number in range(options.rounds):
            for name, command in kind.commands.items():
                for server in servers:
                    progress(f"{kind.name} of {size:,}: {name}, round {number + 1}, {server.name}")
                    d = Draw(number)
                    requests = []
                    for i in range(options.requests):
                        key = keys[d.randrange(count)] if i % 2 == 0 else key  # pushed and taken from the same one
                        requests.append(encode(command(d, key, size)))
                    samples[name][server.name].append(cpu_ns_of(server, requests, WINDOW) / options.requests)
    rows = [[kind.name, f"{size:,}", "bytes an element", *with_ratios(element_bytes, 1)]]
    for name in kind.commands:
        us = [statistics.median(samples[name][server]) / 1000 for server, _ in options.servers]
        rows.append([kind.name, f"{size:,}", f"{name}, us", *with_ratios(us, 3)])
    return rows


def filling(kind, keys, size):
    """The requests that fill the collections, in turn, so that blocks of one lie among those of others, as in life."""
    for first in range(0, size, FILL_ELEMENTS):
        elements = [word for i in range(first, min(first + FILL_ELEMENTS, size)) for word in kind.words_of(i)]
        tail = encode(elements)
        tail = tail[tail.index(b"\r\n") + 2:]
        for key in keys:
            yield b"*%d\r\n%s%s" % (len(elements) + 2, encode([kind.add, key])[4:], tail)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND", help="(default: larder and the system's redis-server)")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[10, 1000, 1_000_000],
                        metavar="LIST", help="elements of a collection (default: 10,1000,1000000)")
    parser.add_argument("--elements", type=int, default=1_000_000, help="of all collections (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=100_000, help="of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--only", metavar="LIST", help=f"some of {','.join(kind.name for kind in KINDS)}")
    options = parser.parse_args()
    for text in options.servers:
        if "=" not in text:
            parser.error(f"{text!r} is not NAME=COMMAND")
    options.servers = one_thread_servers(options.servers)
    return options


if __name__ == "__main__":
    main()
