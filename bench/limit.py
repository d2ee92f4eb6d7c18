#!/usr/bin/env python3
"""Whether maxmemory is a limit: fills servers to several times of it with values of random sizes and watches.

limit.py [--maxmemory 256] [--times 3] [--sizes 16-4096] [--policy allkeys-adaptive] NAME=COMMAND...

A server is given as NAME=COMMAND with {port} and {threads} in it. While two processes write, each with pipelines, INFO is
asked for used_memory and the system for the resident size, fifty times a second. Printed: how far each went above maxmemory
at most, commands that were refused with OOM, server CPU per write, and the keys that are left.
"""
import argparse
import multiprocessing
import random
import time

import server_process

DEPTH = 32


def write(port, seed, bytes_wanted, low, high, results):
    """Sends SETs of new keys until so many bytes have gone out. Puts (writes, refusals) into the queue."""
    server = server_process.Endpoint("server", port)
    generator = random.Random(seed)
    written = refused = sent = 0
    with server.connect() as connection, connection.makefile("rb") as replies:
        while sent < bytes_wanted:
            requests = [server_process.encode([b"SET", b"key:%d:%d" % (seed, written + i), b"x" * generator.randint(low, high)])
                        for i in range(DEPTH)]
            data = b"".join(requests)
            connection.sendall(data)
            refused += sum(replies.readline().startswith(b"-OOM") for _ in requests)
            written += DEPTH
            sent += len(data)
    results.put((written, refused))


def choose_policy(server, policy):
    for name in (policy, "allkeys-lru"):
        try:
            server.ask(["CONFIG", "SET", "maxmemory-policy", name])
            return name
        except server_process.MeasurementError:
            continue
    raise server_process.MeasurementError(f"{server.name} knows neither {policy} nor allkeys-lru")


def watch(server, writers):
    """The highest used_memory and resident size until all writers have ended."""
    used = resident = 0
    while any(writer.is_alive() for writer in writers):
        used = max(used, int(server.info("memory")["used_memory"]))
        resident = max(resident, server.rss_bytes())
        time.sleep(0.02)
    return used, resident


def measure(server, options):
    limit = options.maxmemory << 20
    low, high = (int(number) for number in options.sizes.split("-"))
    server.ask(["CONFIG", "SET", "maxmemory", limit])
    policy = choose_policy(server, options.policy)
    results = multiprocessing.Queue()
    writers = [multiprocessing.Process(target=write, args=(server.port, seed, limit * options.times / 2, low, high, results))
               for seed in (1, 2)]
    before = server.cpu_ns()
    for writer in writers:
        writer.start()
    used, resident = watch(server, writers)
    sums = [sum(numbers) for numbers in zip(*(results.get() for _ in writers))]
    cpu_us = server_process.ns_between(before, server.cpu_ns()) / 1000
    keys = server.ask(["DBSIZE"])[1:]
    return [server.name, policy, f"{used / limit:.3f}", f"{resident / limit:.3f}", f"{sums[1]:,}", f"{cpu_us / sums[0]:.2f}",
            f"{int(keys):,}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--maxmemory", type=int, default=256, help="MiB")
    parser.add_argument("--times", type=float, default=3, help="how many times maxmemory is written")
    parser.add_argument("--sizes", default="16-4096", help="of the values, in bytes")
    parser.add_argument("--policy", default="allkeys-adaptive", help="a server that does not know it gets allkeys-lru")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print("| server | policy | used / maxmemory | RSS / maxmemory | refused | CPU us/write | keys left |")
    print("|---|---|---|---|---|---|---|")
    for spec in options.servers:
        with server_process.running([spec.split("=", 1)], options.threads) as (server,):
            print("| " + " | ".join(measure(server, options)) + " |", flush=True)


if __name__ == "__main__":
    main()
