#!/usr/bin/env python3
"""Compares servers that speak the Redis protocol, from outside and side by side.

  compare.py [speed]   operations a second and server CPU per command, as medians of interleaved rounds
  compare.py memory    resident bytes per key, for keys and values of several shapes
  compare.py idle      resident bytes per idle connection
  compare.py large     server CPU of a SET and of a GET of one large value, with the least that a server can do beside it

A server is NAME=COMMAND; {port} and {threads} in the command are filled in. The first is what the others are compared
with. Without any, the release build of this repository is compared with the redis-server of the system:

  compare.py --threads 2 'larder=build/release/larder --port {port} --threads {threads}' \\
      'redis=redis-server --port {port} --save "" --appendonly no --io-threads {threads}'

All servers run at once and take turns, round by round (A B C, A B C, ...), so that what disturbs the machine disturbs
all of them alike. CPU is what the scheduler counted for all threads of the server, in nanoseconds.
"""

import argparse
import csv
import io
import json
import os
import random
import resource
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from report import describe, machine, print_head, print_table, progress, with_ratios
from server_process import REPOSITORY, MeasurementError, default_servers, encode, fill, ns_between, running

TOOL_SECONDS_MAX = 600

# name: (pipeline depth, command as the benchmark tool takes it)
WORKLOADS = {
    "get": (1, "GET key:__rand_int__"),
    "set": (1, "SET key:__rand_int__ {value}"),
    "get-16": (16, "GET key:__rand_int__"),
    "set-16": (16, "SET key:__rand_int__ {value}"),
    "setex-16": (16, "SET key:__rand_int__ {value} EX 3600"),
    "incr-16": (16, "INCR counter:__rand_int__"),
    "mget10": (1, "MGET" + " key:__rand_int__" * 10),
}

# name: (key bytes, value bytes, TTL in seconds or None)
SHAPES = {
    "16 B key, 32 B value": (16, 32, None),
    "16 B key, 32 B value, TTL": (16, 32, 86400),
    "16 B key, 3 B value": (16, 3, None),
    "32 B key, 200 B value": (32, 200, None),
    "32 B key, 4096 B value": (32, 4096, None),
}


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # as an exception: servers are stopped on the way out
    try:
        result = MODES[options.mode](options)
    except KeyboardInterrupt:
        sys.exit("stopped; the servers too")
    except MeasurementError as error:
        sys.exit(f"compare.py: {error}")
    if options.json:
        text = json.dumps({"mode": options.mode, "machine": machine(), "arguments": sys.argv[1:], **result}, indent=1)
        Path(options.json).write_text(text + "\n")


# ---- speed ----

def compare_speed(options):
    tool = find_tool(options.tool)
    works = chosen_workloads(options)
    samples = []
    with running(options.servers, options.threads, options.server_cpus) as servers:
        for server in servers:
            prepare_for_speed(server, works, options)
        for number in range(1, options.rounds + 1):
            for work in works:
                for server in servers:
                    progress(f"round {number} of {options.rounds}: {work} on {server.name}")
                    samples.append({"round": number, "work": work, "server": server.name,
                                    **measure_speed(server, tool, *works[work], options)})
        described = {server.name: describe(server) for server in servers}
    progress("")
    print_speed(options, works, samples, described, tool)
    return {"tool": tool, "servers": described, "workloads": works, "samples": samples}


def prepare_for_speed(server, works, options):
    progress(f"filling {server.name}")
    value = b"v" * options.value_bytes
    fill(server, (encode(["SET", b"key:%012d" % i, value]) for i in range(options.keys)))
    # The tools do not all stop at an error reply, so each command must work once before it counts.
    for _, command in works.values():
        server.ask(shlex.split(command.replace("__rand_int__", "0" * 12)))


def measure_speed(server, tool, pipeline, command, options):
    arguments = [*tool, "-h", "127.0.0.1", "-p", str(server.port), "-n", str(options.requests), "-c",
                 str(options.connections), "-P", str(pipeline), "-r", str(options.keys), "--csv"]
    if options.tool_threads > 1:
        arguments += ["--threads", str(options.tool_threads)]
    pin = (lambda: os.sched_setaffinity(0, options.tool_cpus)) if options.tool_cpus else None
    before = server.cpu_ns()
    ran = subprocess.run([*arguments, *shlex.split(command)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=TOOL_SECONDS_MAX, preexec_fn=pin)
    cpu_ns = ns_between(before, server.cpu_ns())
    if ran.returncode != 0:
        raise MeasurementError(f"{tool[0]} failed on {server.name}: {(ran.stderr or ran.stdout).strip()[-300:]}")
    return {**read_report(ran.stdout), "cpu_ns_per_command": cpu_ns / options.requests}


def read_report(text):
    """What the tool said with --csv: a head line, in newer tools, then one line for the command."""
    rows = [row for row in csv.reader(io.StringIO(text)) if len(row) >= 2]
    if not rows:
        raise MeasurementError(f"the benchmark tool said nothing that can be read: {text[-300:]!r}")
    report = {"ops_per_second": float(rows[-1][1])}
    if rows[0][0] == "test" and "p99_latency_ms" in rows[0]:
        report["p99_ms"] = float(rows[-1][rows[0].index("p99_latency_ms")])
    return report


def print_speed(options, works, samples, described, tool):
    def median(work, server, field):
        values = [s[field] for s in samples if s["work"] == work and s["server"] == server and field in s]
        return statistics.median(values) if values else None

    print_head(described)
    print(f"Load: {tool_version(tool)}, {options.connections} connections, {options.requests:,} requests a round, "
          f"{options.rounds} rounds interleaved, {options.keys:,} keys, values of {options.value_bytes} bytes. "
          f"Medians; in brackets, times {options.servers[0][0]}.\n")
    rows = []
    for work, (pipeline, _) in works.items():
        for field, label, digits in (("ops_per_second", "ops/s", 0), ("cpu_ns_per_command", "CPU ns/command", 0),
                                     ("p99_ms", "p99 ms", 3)):
            values = [median(work, name, field) for name, _ in options.servers]
            if None not in values:
                rows.append([work, str(pipeline), label, *with_ratios(values, digits)])
    print_table(["work", "pipeline", "measure", *(name for name, _ in options.servers)], rows)


# ---- memory ----

def compare_memory(options):
    samples = []
    described = {}
    for shape, (key_bytes, value_bytes, ttl) in SHAPES.items():
        keys = min(options.memory_keys, options.memory_bytes_max // (key_bytes + value_bytes))
        for spec in options.servers:
            progress(f"{shape}: {keys:,} keys in {spec[0]}")
            with running([spec], options.threads, options.server_cpus) as (server,):
                described[server.name] = describe(server)
                before = server.settled_rss_bytes()
                fill(server, shaped_requests(keys, key_bytes, value_bytes, ttl))
                per_key = (server.settled_rss_bytes() - before) / keys
            samples.append({"shape": shape, "server": spec[0], "keys": keys, "rss_bytes_per_key": per_key,
                            "overhead_bytes_per_key": per_key - key_bytes - value_bytes})
    progress("")
    print_head(described)
    print("Growth of the resident set per key, and of that what is not key or value.\n")
    rows = []
    for shape in SHAPES:
        of_shape = [s for s in samples if s["shape"] == shape]
        for field, label in (("rss_bytes_per_key", "bytes/key"), ("overhead_bytes_per_key", "of that overhead")):
            rows.append([shape, f"{of_shape[0]['keys']:,}", label, *with_ratios([s[field] for s in of_shape], 1)])
    print_table(["shape", "keys", "measure", *(name for name, _ in options.servers)], rows)
    return {"servers": described, "samples": samples}


def shaped_requests(keys, key_bytes, value_bytes, ttl):
    """Values differ, as an allocator or a compressor should see them; none reads as a number."""
    for i in range(keys):
        key = b"k%0*d" % (key_bytes - 1, i)
        value = (b"%x-" % (i * 2654435761 % 2**32)).rjust(value_bytes, b"v")[-value_bytes:]
        yield encode(["SET", key, value] if ttl is None else ["SET", key, value, "EX", ttl])


# ---- idle connections ----

def compare_idle(options):
    samples = []
    described = {}
    allow_open_files(options.idle_connections + 100)
    for spec in options.servers:
        progress(f"{options.idle_connections:,} connections to {spec[0]}")
        with running([spec], options.threads, options.server_cpus) as (server,):
            described[server.name] = describe(server)
            before = server.settled_rss_bytes()
            connections = []
            try:
                for _ in range(options.idle_connections):
                    connections.append(server.connect())
                for connection in connections:
                    connection.sendall(encode(["PING"]))
                for connection in connections:
                    if not connection.recv(64).startswith(b"+PONG"):
                        raise MeasurementError(f"{server.name} did not answer one of its connections")
                time.sleep(options.idle_seconds)  # buffers that are given back after a while are given back now
                after = server.settled_rss_bytes()
            finally:
                for connection in connections:
                    connection.close()
        samples.append({"server": spec[0], "connections": options.idle_connections,
                        "rss_bytes_per_connection": (after - before) / options.idle_connections})
    progress("")
    print_head(described)
    print(f"Growth of the resident set per connection that said PING and then nothing for {options.idle_seconds} s.\n")
    values = with_ratios([s["rss_bytes_per_connection"] for s in samples], 0)
    print_table(["connections", "measure", *(name for name, _ in options.servers)],
                [[f"{options.idle_connections:,}", "bytes/connection", *values]])
    return {"servers": described, "samples": samples}


def allow_open_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise MeasurementError(f"{count} open files are needed and the limit is {hard}: see ulimit -Hn")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


# ---- large values ----

def compare_large(options):
    """Each server gets SET and GET of a value over one connection; a null server one request, and one reply, of the size."""
    size = options.large_bytes
    value = bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz", k=1000)) * (size // 1000 + 1)
    set_request, get_request = encode(["SET", "key", value[:size]]), encode(["GET", "key"])
    ok, whole = len(b"+OK\r\n"), len(b"$%d\r\n\r\n" % size) + size
    specs = list(options.servers)
    turns = [(work, name, name) for work in ("set", "get") for name, _ in options.servers]
    if options.null:
        specs += [("null set", options.null), ("null get", f"{options.null} {size}")]
        turns += [("set", "null", "null set"), ("get", "null", "null get")]
    exchange = {"set": (set_request, ok), "get": (get_request, whole)}
    if options.tool_cpus:
        os.sched_setaffinity(0, options.tool_cpus)
    samples = []
    with running(specs, options.threads, options.server_cpus) as started:
        servers = {server.name: server for server in started}
        connections = {name: server.connect() for name, server in servers.items()}
        for number in range(options.rounds + 1):  # round 0 warms up
            for work, name, process in turns:
                progress(f"round {number} of {options.rounds}: {work} on {name}")
                count = options.large_requests if number > 0 else 20
                before = servers[process].cpu_ns()
                exchange_all(connections[process], *exchange[work], count)
                cpu_ns = ns_between(before, servers[process].cpu_ns())
                if number > 0:
                    samples.append({"round": number, "work": work, "server": name, "cpu_us": cpu_ns / count / 1000})
        described = {server.name: describe(server) for server in started}
    progress("")
    print_large(options, samples, described)
    return {"servers": described, "samples": samples}


def exchange_all(connection, request, reply_bytes, count):
    buffer = bytearray(1 << 20)
    for _ in range(count):
        connection.sendall(request)
        left = reply_bytes
        while left > 0:
            got = connection.recv_into(buffer, min(left, len(buffer)))
            if got == 0:
                raise MeasurementError("a server closed the connection")
            if buffer[0] == ord("-"):
                raise MeasurementError(f"a server answered {bytes(buffer[:min(got, 100)])}")
            left -= got


def print_large(options, samples, described):
    print_head(described)
    print(f"One connection, {options.large_requests:,} requests a round, {options.rounds} rounds interleaved. Medians; in "
          "brackets, times the first.\n")
    names = (["null"] if options.null else []) + [name for name, _ in options.servers]
    rows = []
    for work in ("set", "get"):
        values = [statistics.median(s["cpu_us"] for s in samples if (s["work"], s["server"]) == (work, name))
                  for name in names]
        rows.append([f"{work.upper()} of {options.large_bytes:,} bytes", "server CPU us", *with_ratios(values, 1)])
    print_table(["work", "measure", *names], rows)


MODES = {"speed": compare_speed, "memory": compare_memory, "idle": compare_idle, "large": compare_large}


# ---- options ----

def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arguments", nargs="*", metavar="speed|memory|idle|large|NAME=COMMAND")
    parser.add_argument("--threads", type=int, default=1, help="what {threads} stands for (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write every single measurement there")
    parser.add_argument("--server-cpus", type=cpu_set, metavar="LIST", help="processors of the servers, e.g. 0,1")
    speed = parser.add_argument_group("speed")
    speed.add_argument("--tool", help="valkey-benchmark or redis-benchmark, perhaps with words in front "
                       "(default: the first of them that is installed)")
    speed.add_argument("--tool-threads", type=int, default=1, metavar="N", help="(default: %(default)s)")
    speed.add_argument("--tool-cpus", type=cpu_set, metavar="LIST", help="processors of the tool, or of the client of large values")
    speed.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    speed.add_argument("--requests", type=int, default=200_000, help="of a round (default: %(default)s)")
    speed.add_argument("--connections", type=int, default=50, help="(default: %(default)s)")
    speed.add_argument("--keys", type=int, default=100_000, help="(default: %(default)s)")
    speed.add_argument("--value-bytes", type=int, default=32, help="(default: %(default)s)")
    speed.add_argument("--only", metavar="LIST", help=f"some of {','.join(WORKLOADS)}")
    speed.add_argument("--work", action="append", default=[], metavar="NAME=PIPELINE:COMMAND",
                       help="another workload; __rand_int__ is a random number, {value} a value")
    memory = parser.add_argument_group("memory")
    memory.add_argument("--memory-keys", type=int, default=1_000_000, metavar="N", help="(default: %(default)s)")
    memory.add_argument("--memory-bytes-max", type=int, default=400_000_000, metavar="N",
                        help="fewer keys where keys and values would take more (default: %(default)s)")
    idle = parser.add_argument_group("idle")
    idle.add_argument("--idle-connections", type=int, default=1000, metavar="N", help="(default: %(default)s)")
    idle.add_argument("--idle-seconds", type=float, default=3, metavar="S", help="(default: %(default)s)")
    large = parser.add_argument_group("large")
    large.add_argument("--large-bytes", type=int, default=1 << 20, metavar="N", help="(default: %(default)s)")
    large.add_argument("--large-requests", type=int, default=200, metavar="N", help="of a round (default: %(default)s)")
    large.add_argument("--null", metavar="COMMAND", default=default_null(), help="a server that answers each request with the "
                       "same reply, +OK or, with a number behind the command, a bulk string of that size (default: the "
                       "null_server of the release build)")
    options = parser.parse_intermixed_args()
    options.mode, options.servers = "speed", []
    for argument in options.arguments:
        name, equals, command = argument.partition("=")
        if argument in MODES:
            options.mode = argument
        elif equals and name and command:
            options.servers.append((name, command))
        else:
            parser.error(f"{argument!r} is neither speed, memory, idle, large nor NAME=COMMAND")
    options.servers = options.servers or default_servers()
    if len({name for name, _ in options.servers}) < len(options.servers):
        parser.error("two servers have the same name")
    return options


def cpu_set(text):
    return {int(number) for number in text.split(",")}


def default_null():
    program = REPOSITORY / "build/release/bench/null_server"
    return f"{shlex.quote(str(program))} {{port}}" if program.exists() else None


def find_tool(given):
    tool = shlex.split(given) if given else [shutil.which("valkey-benchmark") or shutil.which("redis-benchmark") or ""]
    if not shutil.which(tool[0]):
        raise MeasurementError("there is neither valkey-benchmark nor redis-benchmark: name one with --tool")
    return tool


def tool_version(tool):
    ran = subprocess.run([*tool, "--version"], capture_output=True, text=True)
    return ran.stdout.strip() or shlex.join(tool)


def chosen_workloads(options):
    works = dict(WORKLOADS)
    if options.only:
        unknown = set(options.only.split(",")) - set(works)
        if unknown:
            raise MeasurementError(f"no such workload: {', '.join(sorted(unknown))}")
        works = {name: works[name] for name in options.only.split(",")}
    for text in options.work:
        name, _, rest = text.partition("=")
        pipeline, _, command = rest.partition(":")
        if not (name and pipeline.isdigit() and command):
            raise MeasurementError(f"--work {text!r} is not NAME=PIPELINE:COMMAND")
        works[name] = (int(pipeline), command)
    value = "v" * options.value_bytes
    return {name: (pipeline, command.replace("{value}", value)) for name, (pipeline, command) in works.items()}


if __name__ == "__main__":
    main()
