#!/usr/bin/env python3
"""What memory costs when values change their sizes and keys go: RSS against what the clients put in.

  overwrite.py                                   larder, 1 million keys, each phase 2 million overwrites
  overwrite.py --count 50000000 --phases uniform
  overwrite.py 'larder=build/release/larder --port {port} --threads {threads}' 'redis=redis-server --port {port} --save ""'

Phases, one after the other on the same keys:
  uniform     random keys get values of 16..1024 bytes
  small, large, small again     the distribution shifts: 16..100, then 600..1024, then 16..100 bytes
  delete 80%  of the keys, chosen at random
  blobs       all keys get values of 1..16 KiB (a tenth of the keys, so that it fits)
  flush       FLUSHALL
After each the server has --settle seconds. "over" is (RSS - RSS at the start) / (keys and values + 24 bytes a key);
--bar makes the program fail if any is above it where at least 10 MB are left, or if less than 90 % of the highest RSS is
back after the last phase.
"""

import argparse
import random
import sys
import time
from pathlib import Path

from server_process import running

REPOSITORY = Path(__file__).resolve().parent.parent
KEY_BYTES = 16
OVERHEAD_PER_KEY = 24
BATCH = 512
WORTH_JUDGING_BYTES = 10_000_000
PART_BACK = 0.9


def main():
    options = arguments()
    specs = [spec.split("=", 1) for spec in options.servers]
    failed = False
    with running(specs, options.threads) as servers:
        print(f"{'server':12}{'phase':16}{'keys':>10}{'live MB':>10}{'RSS MB':>10}{'over':>8}{'us/op':>8}")
        for server in servers:
            failed |= not Overwriting(server, options).run()
    sys.exit(1 if failed and options.bar else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary = REPOSITORY / "build" / "release" / "larder"
    parser.add_argument("servers", nargs="*", default=[f"larder={binary} --port {{port}} --threads {{threads}}"])
    parser.add_argument("--threads", type=int, default=1, help="of the server")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--count", type=int, default=2_000_000, help="overwrites in each phase")
    parser.add_argument("--phases", default="uniform,small,large,small,delete,blobs,flush")
    parser.add_argument("--settle", type=float, default=10, help="seconds after each phase")
    parser.add_argument("--bar", type=float, help="highest 'over' that is accepted")
    return parser.parse_args()


class Overwriting:
    """One server's run. Knows what each key holds."""

    def __init__(self, server, options):
        self.server = server
        self.options = options
        self.random = random.Random(7)
        self.keys = [b"$%d\r\nkey:%012d\r\n" % (KEY_BYTES, i) for i in range(options.keys)]
        self.sizes = {}  # of the values, by the key's number
        self.rss_at_start = server.rss_bytes()
        self.rss_highest = 0
        self.connection = server.connect()

    def run(self):
        if "uniform" in self.options.phases or "small" in self.options.phases:
            self._set(range(self.options.keys), 16, 1024)
        good = True
        for phase in self.options.phases.split(","):
            began, operations = time.monotonic(), getattr(self, f"_{phase}")()
            took = time.monotonic() - began
            time.sleep(self.options.settle)
            good &= self._report(phase, took / max(operations, 1) * 1e6)
        self.connection.close()
        return good

    def _uniform(self):
        return self._overwrite(16, 1024)

    def _small(self):
        return self._overwrite(16, 100)

    def _large(self):
        return self._overwrite(600, 1024)

    def _delete(self):
        doomed = self.random.sample(sorted(self.sizes), len(self.sizes) * 8 // 10)
        self._send((b"*2\r\n$3\r\nDEL\r\n" + self.keys[key] for key in doomed), b":1\r\n")
        for key in doomed:
            del self.sizes[key]
        return len(doomed)

    def _blobs(self):
        return self._set(range(self.options.keys // 10), 1024, 16384)

    def _flush(self):
        self._send([b"*1\r\n$8\r\nFLUSHALL\r\n"], b"+OK\r\n")
        self.sizes.clear()
        return 1

    def _overwrite(self, low, high):
        draw = self.random.random
        count = self.options.keys
        return self._set((int(draw() * count) for _ in range(self.options.count)), low, high)

    def _set(self, keys, low, high):
        values = [b"$%d\r\n%s\r\n" % (size, b"v" * size) for size in range(low, high + 1)]
        draw = self.random.random
        span = high + 1 - low
        sent = 0

        def requests():
            nonlocal sent
            for key in keys:
                size = int(draw() * span)
                self.sizes[key] = low + size
                sent += 1
                yield b"*3\r\n$3\r\nSET\r\n" + self.keys[key] + values[size]

        self._send(requests(), b"+OK\r\n")
        return sent

    def _send(self, requests, reply):
        requests = iter(requests)
        while batch := [request for request, _ in zip(requests, range(BATCH))]:
            self.connection.sendall(b"".join(batch))
            left = len(batch) * len(reply)
            while left > 0:
                answer = self.connection.recv(min(left, 65536))
                if not answer or b"-" in answer:
                    sys.exit(f"{self.server.name} answered {answer[:200]!r}")
                left -= len(answer)

    def _report(self, phase, us_each):
        live = sum(self.sizes.values()) + KEY_BYTES * len(self.sizes)
        rss = self.server.rss_bytes() - self.rss_at_start
        self.rss_highest = max(self.rss_highest, rss)
        allowed = live + OVERHEAD_PER_KEY * len(self.sizes)
        over = rss / allowed if allowed > 0 else 0
        print(f"{self.server.name:12}{phase:16}{len(self.sizes):10}{live / 1e6:10.1f}{rss / 1e6:10.1f}{over:8.3f}"
              f"{us_each:8.2f}", flush=True)
        if not self.sizes:
            return rss <= self.rss_highest * (1 - PART_BACK)
        return self.options.bar is None or live < WORTH_JUDGING_BYTES or over <= self.options.bar


if __name__ == "__main__":
    main()
