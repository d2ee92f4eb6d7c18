#!/usr/bin/env python3
"""What a cache needs: tags, deletion by pattern and rate limits, beside the home-made ways of servers that have no such commands.

  cache_commands.py 'larder=build/release/larder --port {port} --threads 1' 'valkey=valkey-server --port {port} --save ""'

A server that knows TAGDEL is measured by its own commands, any other by what people write instead:
  tags       SET with two tags; else SET, and SADD to a set for each tag
  tagdel     TAGDEL; else a script that reads the tag's set and unlinks its members
  delmatch   DELMATCH of half of all keys; else SCAN MATCH, and UNLINK of what it finds, from the client
  throttle   THROTTLE; else the same token bucket (GCRA) as a script
Servers are started anew for each part and round and run one at a time. CPU is what a server's threads ran by the scheduler's
count; what the probe of others' waits (bench/latency.py says how it works) costs the server in quiet is taken off. For memory
to come back it is waited 30 s at most. Where the server had no processor, longer waits are the machine's. Medians of the rounds
are printed beside the bars that Larder is to meet.

The most memory is that of --match-keys in one server: 10 million take about 1 GB.
"""

import argparse
import hashlib
import os
import random
import statistics
import time
from collections import defaultdict

from latency import BENCH, default_nice, probing
from latency_disturbances import seconds_for, seconds_until_freed, set_keys
from report import describe, print_head, print_table, progress, with_ratios
from server_process import MeasurementError, cpu_ns_of, encode, fill, ns_between, one_thread_servers, running

LIMITED_KEYS = 10_000
TAG_COUNT = 10  # beside the tag of all keys
SCAN_COUNT = 1000

DELETE_TAG = """
local keys = redis.call('SMEMBERS', KEYS[1])
for first = 1, #keys, 1000 do
  redis.call('UNLINK', unpack(keys, first, math.min(first + 999, #keys)))
end
redis.call('UNLINK', KEYS[1])
return #keys
"""

# ARGV: limit, period in ms. The key holds when the bucket will be full again, in microseconds. Replies as THROTTLE does.
LIMIT = """
local limit, period_us = tonumber(ARGV[1]), ARGV[2] * 1000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = full + period_us / limit
local room = now + period_us - after
if room < 0 then
  return {1, limit, 0, math.ceil(-room / 1000), math.ceil((full - now) / 1000), 0}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {0, limit, math.floor(room * limit / period_us), -1, math.ceil((after - now) / 1000), 0}
"""
LIMIT_ARGUMENTS = ["1000000", "60000"]  # so many tokens a minute: all requests pass

# What is printed, in this order: {part: [(figure, text, bar, digits)]}.
FIGURES = {
    "tags": [
        ("tag bytes", "memory of a tag on a key, bytes", "12", 1),
        ("new", "SET of a new key, us", "", 3),
        ("new tagged", "the same with two tags, us", "", 3),
        ("new times", "times plain", "1.5", 2),
        ("over", "SET over a key, us", "", 3),
        ("over tagged", "the same with two tags, us", "", 3),
        ("over times", "times plain", "1.5", 2)],
    "tagdel": [
        ("answered", "TAGDEL answers after, ms", "20", 1),
        ("longest", "longest wait of others, ms", "5", 1),
        ("no processor", "the server had no processor for, ms", "", 1),
        ("back", "memory is back after, s", "5", 1)],
    "delmatch": [
        ("rate", "DELMATCH, million keys a second of CPU", "at least 2", 2),
        ("seconds", "takes, s", "", 1),
        ("p99.9", "p99.9 of others' waits, ms", "", 2),
        ("p99.9 times", "times quiet", "1.5", 2),
        ("longest", "longest wait of others, ms", "5", 1),
        ("quiet longest", "in quiet, ms", "", 1),
        ("no processor", "the server had no processor for, ms", "", 1)],
    "throttle": [
        ("incr", "INCR, us", "", 3),
        ("throttle", "THROTTLE, us", "a fifth of a script", 3),
        ("times", "times INCR", "1.3", 2)],
}


def main():
    options = parse_options()
    samples = defaultdict(list)  # (part, figure, server): values
    described = {}
    for part in options.only:
        for number in range(options.rounds):
            for spec in options.servers:
                progress(f"{part}, round {number + 1}: {spec[0]}")
                with running([spec], 1, nice=options.server_nice) as (server,):
                    described.setdefault(server.name, describe(server))
                    for figure, value in PARTS[part](server, options).items():
                        samples[part, figure, server.name].append(value)
    progress("")
    print_result(options, samples, described)


def print_result(options, samples, described):
    print_head(described)
    names = list(described)
    print(f"Medians of {options.rounds} rounds, in brackets times {names[0]}. Tags: {options.keys:,} keys; DELMATCH: "
          f"{options.match_keys // 2:,} of {options.match_keys:,} keys; commands in pipelines of {options.depth}; probe: "
          f"{options.rate:,} requests a second. Bars are of {names[0]}, at most.\n")
    rows = []
    for part in options.only:
        for figure, text, bar, digits in FIGURES[part]:
            medians = [statistics.median(samples[part, figure, name]) for name in names]
            rows.append([part, text, bar, *with_ratios(medians, digits)])
    print_table(["part", "what", "bar", *names], rows)


def has_own_commands(server):
    try:
        server.ask(["TAGDEL", "none"])
        return True
    except MeasurementError:
        return False


def used_bytes(server):
    return int(server.info("memory")["used_memory"])


# ---- tags ----

def measure_tags(server, options):
    store = tagged if has_own_commands(server) else set_and_sadd
    found, used = {}, {}
    for name, requests_of in [("", plain), (" tagged", store)]:
        before = used_bytes(server)
        keys = range(options.keys)
        found["new" + name] = us_a_key(server, keys, requests_of, options)
        used[name] = used_bytes(server) - before
        some = random.Random(1).choices(keys, k=options.requests)
        found["over" + name] = us_a_key(server, some, requests_of, options)
        server.ask(["FLUSHALL", "SYNC"])  # or memory that is still being freed would count
    return {**found, "tag bytes": (used[" tagged"] - used[""]) / (2 * options.keys),
            "new times": found["new tagged"] / found["new"], "over times": found["over tagged"] / found["over"]}


def us_a_key(server, keys, requests_of, options):
    return cpu_ns_of(server, (requests_of(i) for i in keys), options.depth) / len(keys) / 1000


def plain(i):
    return b"*3\r\n$3\r\nSET\r\n$16\r\nk%015d\r\n$32\r\nv%031d\r\n" % (i, i)


def tagged(i):
    words = b"$4\r\nTAGS\r\n$1\r\n2\r\n$3\r\nall\r\n$4\r\nt%03d\r\n"
    return (b"*7\r\n$3\r\nSET\r\n$16\r\nk%015d\r\n$32\r\nv%031d\r\n" + words) % (i, i, i % TAG_COUNT)


def set_and_sadd(i):
    add = b"*3\r\n$4\r\nSADD\r\n%s\r\n$16\r\nk%015d\r\n"
    return plain(i) + add % (b"$3\r\nall", i) + add % (b"$4\r\nt%03d" % (i % TAG_COUNT), i)


def measure_tagdel(server, options):
    before = used_bytes(server)
    # One tag: the sets of others would keep the names of deleted keys.
    if has_own_commands(server):
        delete = ["TAGDEL", "all"]
        fill(server, (encode(["SET", b"k%015d" % i, b"v%031d" % i, "TAGS", 1, "all"]) for i in range(options.keys)))
    else:
        delete = ["EVAL", DELETE_TAG, 1, "all"]
        set_keys(server, 0, options.keys)
        fill(server, (encode(["SADD", "all", b"k%015d" % i]) for i in range(options.keys)), b":1\r\n")
    with probing(server, options) as probe:
        answered_s = seconds_for(lambda: server.ask(delete))
        back_s = seconds_until_freed(server, before)
        beside = probe.finish()
    return {"answered": answered_s * 1000, "back": back_s, **waits(beside)}


def waits(phase):
    """Of a phase of the probe, in ms."""
    return {"longest": phase["latency_us"]["max"] / 1000, "no processor": phase["server_waited_ms"]}


# ---- deletion by pattern ----

def measure_delmatch(server, options):
    names = (b"page", b"user")
    fill(server, (b"*3\r\n$3\r\nSET\r\n$16\r\n%s:%011d\r\n$32\r\nv%031d\r\n" % (names[i % 2], i, i)
                  for i in range(options.match_keys)))
    delete = delmatch if has_own_commands(server) else scan_and_unlink
    with probing(server, options) as probe:
        time.sleep(options.quiet_seconds)
        quiet = probe.finish()
    with probing(server, options) as probe:
        before = server.cpu_ns()
        seconds = seconds_for(lambda: delete(server, "page:*", options.match_keys // 2))
        cpu_s = ns_between(before, server.cpu_ns()) / 1e9
        beside = probe.finish()
    cpu_s -= quiet["server_cpu_ms"] / 1000 / quiet["seconds"] * seconds
    p999_us, quiet_us = beside["latency_us"]["p99.9"], quiet["latency_us"]["p99.9"]
    return {"rate": options.match_keys / 2 / 1e6 / max(cpu_s, 1e-6), "seconds": seconds, "p99.9": p999_us / 1000,
            "p99.9 times": p999_us / quiet_us, "quiet longest": waits(quiet)["longest"], **waits(beside)}


def delmatch(server, pattern, expected):
    check_deleted(server, int(server.ask(["DELMATCH", pattern])[1:]), expected)


def scan_and_unlink(server, pattern, expected):
    deleted, cursor = 0, None
    with server.connect() as connection, connection.makefile("rb", buffering=1 << 16) as replies:
        def bulk():
            return replies.read(int(replies.readline()[1:]) + 2)[:-2]

        while cursor != b"0":
            connection.sendall(encode(["SCAN", cursor or b"0", "MATCH", pattern, "COUNT", SCAN_COUNT]))
            replies.readline()
            cursor = bulk()
            found = [bulk() for _ in range(int(replies.readline()[1:]))]
            if found:
                connection.sendall(encode(["UNLINK", *found]))
                deleted += int(replies.readline()[1:])
    check_deleted(server, deleted, expected)


def check_deleted(server, deleted, expected):
    if deleted != expected:
        raise MeasurementError(f"{server.name} deleted {deleted:,} keys, not {expected:,}")


# ---- rate limits ----

def measure_throttle(server, options):
    if has_own_commands(server):
        head, tail = ["THROTTLE"], ["1", *LIMIT_ARGUMENTS]
    else:
        server.ask(["SCRIPT", "LOAD", LIMIT])
        head, tail = ["EVALSHA", hashlib.sha1(LIMIT.encode()).hexdigest(), "1"], LIMIT_ARGUMENTS
    keys = random.Random(1).choices(range(LIMITED_KEYS), k=options.requests)
    found = {}
    for name, requests in [("incr", [encode(["INCR", b"c%015d" % i]) for i in keys]),
                           ("throttle", [encode([*head, b"l%015d" % i, *tail]) for i in keys])]:
        cpu_ns_of(server, requests, options.depth)  # which makes the keys
        found[name] = cpu_ns_of(server, requests, options.depth) / len(requests) / 1000
    return {**found, "times": found["throttle"] / found["incr"]}


PARTS = {"tags": measure_tags, "tagdel": measure_tagdel, "delmatch": measure_delmatch, "throttle": measure_throttle}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND", help="(default: larder and the system's redis-server)")
    parser.add_argument("--only", metavar="LIST", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--keys", type=int, default=1_000_000, help="with tags (default: %(default)s)")
    parser.add_argument("--match-keys", type=int, default=10_000_000, help="of which half are deleted (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=200_000, help="of a round (default: %(default)s)")
    parser.add_argument("--depth", type=int, default=16, help="of the pipelines (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--quiet-seconds", type=float, default=5, metavar="S", help="(default: %(default)s)")
    parser.add_argument("--rate", type=int, default=5000, metavar="N", help="of the probe, a second (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=16, metavar="N", help="of the probe (default: %(default)s)")
    parser.add_argument("--client", default=str(BENCH.parent / "build/release/bench/latency_client"), metavar="PROGRAM",
                        help="the probe (default: the release build's)")
    parser.add_argument("--server-nice", type=int, default=default_nice(), metavar="N",
                        help="priority of the servers (default: %(default)s, 0 where less is not allowed)")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if not os.access(options.client, os.X_OK):
        parser.error(f"{options.client} is not built: see --client")
    options.servers = one_thread_servers(options.servers)
    return options


if __name__ == "__main__":
    main()
