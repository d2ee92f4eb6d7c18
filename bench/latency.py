#!/usr/bin/env python3
"""Measures how long clients wait while something else keeps the server busy, for several servers.

  latency.py [NAME=COMMAND ...]

For each disturbance and each server: the server is started and prepared, a probe sends GET and SET at a fixed rate in a
quiet phase, then the same beside the disturbance, which another process makes. The probe's loop is open: a latency
counts from the moment at which the schedule wanted the request sent, so a stall is charged with every request that
fell into it. {port} and {threads} in a command are filled in; without any, the release build of this repository is
measured.

  latency.py --only growth,expiry 'larder=build/release/larder --port {port} --threads {threads}' \\
      'redis=redis-server --port {port} --save "" --appendonly no'

On a machine of few processors not every wait is the server's fault. The column "machine" says what was not: how late
the probe itself was in sending (p99.9 / longest), and for how long all threads of the server together could have run
and had no processor. A longest wait far above both is the server's own.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import latency_disturbances
from compare import allow_open_files, cpu_set
from latency_disturbances import Skipped
from report import describe, machine, print_head, print_table, progress
from server_process import MeasurementError, default_servers, ns_between, prepare_child, running

BENCH = Path(__file__).resolve().parent
PROBE_SECONDS_MAX = 60  # beyond what it was asked for
DISTURBANCE_SECONDS_MAX = 900
DISTURBANCE_NICE = 19
START_SECONDS = 3  # what starting two probes and a disturbance may take on a busy machine


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # as an exception: servers are stopped on the way out
    samples, described = [], {}
    try:
        allow_open_files(20_000 if options.scale > 0.1 else 2_000)
        for name in options.only:
            for spec in options.servers:
                samples.append({"disturbance": name, "server": spec[0], **measure(spec, name, options, described)})
    except KeyboardInterrupt:
        sys.exit("stopped; the servers too")
    except MeasurementError as error:
        sys.exit(f"latency.py: {error}")
    progress("")
    print_result(options, samples, described)
    if options.json:
        text = json.dumps({"machine": machine(), "arguments": sys.argv[1:], "servers": described, "samples": samples}, indent=1)
        Path(options.json).write_text(text + "\n")
    if any("failed" in sample for sample in samples):
        sys.exit(1)


# ---- measuring ----

def measure(spec, name, options, described):
    """One cell of the table: {"quiet": ..., "beside": ..., "note": ...}, or "skipped" or "failed" with the reason."""
    disturbance = latency_disturbances.ALL[name](options.scale)
    disturbance.quiet_ms = int((options.quiet_seconds + options.settle_seconds + START_SECONDS) * 1000)
    try:
        with running([spec], options.threads, options.server_cpus, options.server_nice) as (server,):
            described.setdefault(server.name, describe(server))
            progress(f"{name}: preparing {server.name}")
            state = disturbance.prepare(server)
            time.sleep(options.settle_seconds)
            progress(f"{name}: {server.name}, quiet")
            with probing(server, options) as probe:
                time.sleep(options.quiet_seconds)
                quiet = probe.finish()
            progress(f"{name}: {server.name}, beside {disturbance.text}")
            with probing(server, options) as probe:
                note = disturb(server, disturbance, state, options)
                beside = probe.finish()
            return {"quiet": quiet, "beside": beside, "note": note}
    except Skipped as reason:
        return {"skipped": str(reason)}
    except (MeasurementError, OSError, subprocess.TimeoutExpired) as error:
        return {"failed": str(error)}


def disturb(server, disturbance, state, options):
    """Lets it happen in another process and waits for its end, and until the probe has seen enough."""
    start = time.monotonic()
    ran = subprocess.run([sys.executable, str(BENCH / "latency_disturbances.py"), disturbance.name, str(server.port),
                          str(options.scale), json.dumps(state)],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DISTURBANCE_SECONDS_MAX,
                         start_new_session=True, preexec_fn=lambda: prepare_child(nice=DISTURBANCE_NICE))
    if ran.returncode != 0:
        raise MeasurementError(f"the disturbance failed: {ran.stderr.strip()[-300:]}")
    time.sleep(max(options.tail_seconds, start + options.seconds_min - time.monotonic()))
    return ran.stdout.strip()


class Probe:
    """The load generator, running; finish() ends it and says what it found."""

    def __init__(self, server, process, errors):
        self.server = server
        self.process = process
        self.errors = errors
        if self.process.stdout.readline() != "ready\n":
            raise MeasurementError(f"the probe of {server.name} failed: {self._complaint()}")
        self.waited_before = server.waited_ns()
        self.cpu_before = server.cpu_ns()

    def finish(self):
        server_waited_ns = ns_between(self.waited_before, self.server.waited_ns())
        server_cpu_ns = ns_between(self.cpu_before, self.server.cpu_ns())
        text, _ = self.process.communicate(timeout=PROBE_SECONDS_MAX)
        if self.process.returncode != 0:
            raise MeasurementError(f"the probe of {self.server.name} failed: {self._complaint()}")
        return {**json.loads(text), "server_waited_ms": server_waited_ns / 1e6, "server_cpu_ms": server_cpu_ns / 1e6}

    def _complaint(self):
        self.process.kill()
        self.process.wait()
        self.errors.seek(0)
        return self.errors.read().strip() or f"status {self.process.returncode}"


@contextlib.contextmanager
def probing(server, options):
    with open(os.path.join(server.folder.name, "probe"), "w+") as errors:
        process = subprocess.Popen([options.client, str(server.port), str(options.rate), str(options.connections)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                                   preexec_fn=prepare_child)
        try:
            yield Probe(server, process, errors)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


# ---- printing ----

def print_result(options, samples, described):
    print_head(described)
    measured = [s for s in samples if "beside" in s]
    quiet = {name: statistics.median([s["quiet"]["latency_us"]["p99.9"] for s in measured if s["server"] == name] or [0])
             for name, _ in options.servers}
    priority = ", ".join(sorted({s["beside"]["priority"] for s in measured})) or "none"
    print(f"Probe: {options.rate:,} requests a second (9 GET to 1 SET) over {options.connections} connections, open loop, "
          f"priority {priority}; servers at nice {options.server_nice}. Quiet: {options.quiet_seconds:g} s before each disturbance; its row is the median of the "
          f"p99.9 and the longest of all waits. Scale {options.scale:g}. Milliseconds; machine: probe late p99.9 / "
          "longest, server without a processor.\n")
    head = ["beside"]
    for name, _ in options.servers:
        head += [f"{name} p99.9", "longest", "x quiet", "machine"]
    rows = [["nothing"] + sum((quiet_cells(measured, name, quiet[name]) for name, _ in options.servers), [])]
    for disturbance in options.only:
        row = [latency_disturbances.ALL[disturbance].text]
        for name, _ in options.servers:
            sample = next(s for s in samples if s["disturbance"] == disturbance and s["server"] == name)
            row += cells(sample, quiet[name])
        rows.append(row)
    print_table(head, rows)
    print()
    for s in samples:
        print(f"- {s['disturbance']}, {s['server']}: {remark(s)}")


def ms(microseconds):
    return f"{microseconds / 1000:.2f}"


def machine_cell(phase):
    late = phase["lateness_us"]
    return f"{ms(late['p99.9'])} / {ms(late['max'])}, {phase['server_waited_ms']:.1f}"


def quiet_cells(measured, name, p999_us):
    phases = [s["quiet"] for s in measured if s["server"] == name]
    if not phases:
        return ["-"] * 4
    late = {"p99.9": statistics.median(p["lateness_us"]["p99.9"] for p in phases),
            "max": max(p["lateness_us"]["max"] for p in phases)}
    waited_ms = statistics.median(p["server_waited_ms"] for p in phases)
    return [ms(p999_us), ms(max(p["latency_us"]["max"] for p in phases)), "1.0",
            machine_cell({"lateness_us": late, "server_waited_ms": waited_ms})]


def cells(sample, quiet_us):
    if "beside" not in sample:
        return ["skipped" if "skipped" in sample else "failed", "-", "-", "-"]
    latency = sample["beside"]["latency_us"]
    ratio = f"{latency['p99.9'] / quiet_us:.1f}" if quiet_us else "-"
    return [ms(latency["p99.9"]), ms(latency["max"]), ratio, machine_cell(sample["beside"])]


def remark(sample):
    if "beside" not in sample:
        return f"skipped: {sample['skipped']}" if "skipped" in sample else f"FAILED: {sample['failed']}"
    beside = sample["beside"]
    parts = [sample["note"], f"{beside['over_2ms']:,} of {beside['requests']:,} waits over 2 ms"]
    if beside["over_2ms"]:
        parts.append(f"the longest began {beside['worst_at_s']:.2f} s after the start")
    if beside["errors"] or beside["unanswered"]:
        parts.append(f"{beside['errors']:,} error replies, {beside['unanswered']:,} unanswered")
    return "; ".join(parts)


# ---- options ----

def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND")
    parser.add_argument("--only", metavar="LIST", help=f"some of {','.join(latency_disturbances.ALL)}")
    parser.add_argument("--scale", type=float, default=1, metavar="X",
                        help="times the numbers of keys, bytes and connections (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=5000, metavar="N", help="requests a second (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=16, metavar="N", help="of the probe (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="what {threads} stands for (default: %(default)s)")
    parser.add_argument("--server-cpus", type=cpu_set, metavar="LIST", help="processors of the servers, e.g. 0,1")
    parser.add_argument("--server-nice", type=int, default=default_nice(), metavar="N",
                        help="priority of the servers, so that what else the machine does stands behind them "
                        "(default: %(default)s, 0 where that is not allowed)")
    parser.add_argument("--quiet-seconds", type=float, default=5, metavar="S", help="(default: %(default)s)")
    parser.add_argument("--seconds-min", type=float, default=5, metavar="S",
                        help="how long at least beside a disturbance (default: %(default)s)")
    parser.add_argument("--settle-seconds", type=float, default=None, metavar="S",
                        help="between preparing and the quiet phase (default: a fifth of the quiet phase)")
    parser.add_argument("--client", default=str(BENCH.parent / "build/release/bench/latency_client"), metavar="PROGRAM",
                        help="the probe (default: the release build's)")
    parser.add_argument("--json", metavar="FILE", help="write every measurement there")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else list(latency_disturbances.ALL)
    if unknown := set(options.only) - set(latency_disturbances.ALL):
        parser.error(f"no such disturbance: {', '.join(sorted(unknown))}")
    if options.settle_seconds is None:
        options.settle_seconds = options.quiet_seconds / 5
    options.tail_seconds = options.settle_seconds
    options.servers = [server_spec(parser, text) for text in options.servers] or default_servers()[:1]
    if not os.access(options.client, os.X_OK):
        parser.error(f"{options.client} is not built: see --client")
    return options


def default_nice():
    return -10 if os.geteuid() == 0 else 0


def server_spec(parser, text):
    name, equals, command = text.partition("=")
    if not (equals and name and command):
        parser.error(f"{text!r} is not NAME=COMMAND")
    return name, command


if __name__ == "__main__":
    main()
