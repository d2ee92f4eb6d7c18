#!/usr/bin/env python3
"""Server CPU of a message to many subscribers, side by side.

  publish.py 'larder=build/release/larder --port {port} --threads 1' 'valkey=valkey-server --port {port} --save ""'

One client publishes, --depth messages at a time, to a channel with --subscribers others, and goes on when all of them have
all. What a server's threads ran, by the scheduler's count, is divided by the messages published; rounds take turns, and
medians are printed.
"""

import argparse
import selectors
import statistics

from compare import allow_open_files
from report import describe, print_head, print_table, progress, with_ratios
from server_process import encode, ns_between, one_thread_servers, running


def main():
    options = parse_options()
    allow_open_files(options.subscribers * 2 + 100)
    samples = {name: {depth: [] for depth in options.depths} for name, _ in options.servers}
    with running(options.servers, 1) as servers:
        audiences = [Audience(server, options.subscribers, options.bytes) for server in servers]
        for number in range(options.rounds):
            for depth in options.depths:
                for server, audience in zip(servers, audiences):
                    progress(f"round {number + 1}: {server.name}, {depth} at a time")
                    samples[server.name][depth].append(audience.measure(options.messages, depth))
        described = {server.name: describe(server) for server in servers}
    progress("")
    print_head(described)
    names = list(samples)
    print(f"{options.subscribers:,} subscribers, messages of {options.bytes} bytes; microseconds of CPU a message, medians of "
          f"{options.rounds} rounds of {options.messages:,} messages; in brackets, times {names[0]}.\n")
    print_table(["at a time", *names],
                [[str(depth), *with_ratios([statistics.median(samples[name][depth]) for name in names], 1)]
                 for depth in options.depths])


class Audience:
    """The subscribers of one server, and its publisher."""

    def __init__(self, server, subscribers, message_bytes):
        self.server = server
        self.selector = selectors.DefaultSelector()
        self.subscribers = subscribers
        self.request = encode(["PUBLISH", "news", b"x" * message_bytes])
        self.message = encode(["message", "news", b"x" * message_bytes])
        for _ in range(subscribers):
            connection = server.connect()
            connection.sendall(encode(["SUBSCRIBE", "news"]))
            if not connection.recv(4096).startswith(b"*3\r\n"):
                raise SystemExit(f"{server.name} does not let subscribe")
            self.selector.register(connection, selectors.EVENT_READ)
        self.publisher = server.connect()

    def measure(self, messages, depth):
        """Microseconds of CPU a message."""
        before = self.server.cpu_ns()
        for _ in range(messages // depth):
            self.publisher.sendall(self.request * depth)
            self._wait_for(depth * len(self.message) * self.subscribers, depth * len(b":%d\r\n" % self.subscribers))
        return ns_between(before, self.server.cpu_ns()) / (messages // depth * depth) / 1000

    def _wait_for(self, message_bytes, reply_bytes):
        while message_bytes > 0:
            for key, _ in self.selector.select():
                message_bytes -= len(key.fileobj.recv(1 << 16))
        while reply_bytes > 0:
            reply_bytes -= len(self.publisher.recv(4096))
        if message_bytes < 0 or reply_bytes < 0:
            raise SystemExit(f"{self.server.name} sent more than was published")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND", help="(default: larder and the system's redis-server)")
    parser.add_argument("--subscribers", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--messages", type=int, default=400, help="of a round (default: %(default)s)")
    parser.add_argument("--bytes", type=int, default=64, help="of a message (default: %(default)s)")
    parser.add_argument("--depths", type=lambda text: [int(depth) for depth in text.split(",")], default=[1, 16], metavar="LIST",
                        help="messages that are published at a time (default: 1,16)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    options = parser.parse_args()
    options.servers = one_thread_servers(options.servers)
    return options


if __name__ == "__main__":
    main()
