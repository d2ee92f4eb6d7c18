#!/usr/bin/python3
"""Conformance: the same random commands to a real Redis and to Larder, every reply compared.

    tests/conformance/run.py --larder build/release/larder
    tests/conformance/run.py --larder build/release/larder --protocol 3 --seed 7 --commands 20000 --shrink
    tests/conformance/run.py --larder build/release/larder --concurrent --connections 8
    tests/conformance/run.py --larder "redis-server --port {port} --save ''"      # the suite against itself

--larder is the path of the binary (it is called with --port P --threads T) or a whole command with {port} in it;
--redis likewise. The same --seed, --commands, --protocol and --families give the same commands, whatever the
servers answer.

Commands leave in pipelines of 1 to 50, some cut at random bytes. About 15 % are wrong calls. Each difference is
printed with both replies and the last commands that touched the same keys; --shrink also prints the shortest
sequence found that shows it. A difference that is meant has a row in docs/DIFFERENCES.md. --concurrent runs several
connections at once, each with keys of its own.

The last line is `N passed, M failed`; the exit code is 1 if M is not 0, 2 if the run could not be finished.

Where things are: resp.py the wire format; wire.py the pair of connections; servers.py starting and stopping;
shapes.py, mutate.py, table.py how calls are made; gen_*.py the tables, one a family (a new one is added to FAMILIES
below); ops.py and waiting.py steps of more than one request; compare.py the rules; session.py one sequence; command_info.py
COMMAND INFO; shrink.py; excuses.py, report.py.
"""

import argparse
import os
import random
import sys
import threading
import time

import command_info
import excuses
import gen_dumps
import gen_foreign
import gen_hashes
import gen_hyperloglogs
import gen_keys
import gen_lists
import gen_notifications
import gen_protocol
import gen_pubsub
import gen_scripts
import gen_server
import gen_sets
import gen_sort
import gen_sorted_sets
import gen_strings
import gen_tracking
import gen_transactions
import servers
import shapes
import shrink
from keyspecs import KeySpecs
from report import Report
from session import Session
from table import Generator
from wire import Pair

FAMILIES = [gen_strings.FAMILY, gen_keys.FAMILY, gen_dumps.FAMILY, gen_lists.FAMILY, gen_hashes.FAMILY, gen_sets.FAMILY,
            gen_hyperloglogs.FAMILY, gen_sorted_sets.FAMILY, gen_server.FAMILY, gen_protocol.FAMILY, gen_pubsub.FAMILY,
            gen_transactions.FAMILY, gen_scripts.FAMILY, gen_sort.FAMILY,
            gen_tracking.FAMILY, gen_notifications.FAMILY]
EXTRA_FAMILIES = [gen_foreign.FAMILY]
_DIFFERENCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "DIFFERENCES.md")


def arguments():
    names = ",".join(f.name for f in FAMILIES)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--larder", required=True, help="binary, or command with {port}")
    parser.add_argument("--redis", default="redis-server", help="binary, or command with {port}")
    parser.add_argument("--commands", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=None, help="default: a new one each time, printed")
    parser.add_argument("--protocol", choices=["2", "3", "both"], default="both",
                        help="both: HELLO switches at random points")
    extra = ",".join(f.name for f in EXTRA_FAMILIES)
    parser.add_argument("--families", default=names, help="default: %s; also: %s" % (names, extra))
    parser.add_argument("--threads", type=int, default=None, help="loops of Larder; default 1, with --concurrent 2")
    parser.add_argument("--concurrent", action="store_true", help="several connections at once, keys disjoint")
    parser.add_argument("--connections", type=int, default=8, help="with --concurrent")
    parser.add_argument("--shrink", action="store_true", help="minimise the differences shown")
    parser.add_argument("--shrink-seconds", type=float, default=30, help="at most, for each difference")
    parser.add_argument("--show", type=int, default=20, help="differences printed in full")
    parser.add_argument("--show-per-command", type=int, default=3)
    parser.add_argument("--differences", default=_DIFFERENCES, help="the file with the excuses")
    parser.add_argument("--skip-command-info", action="store_true", help="do not compare COMMAND INFO")
    options = parser.parse_args()
    options.threads = options.threads or (2 if options.concurrent else 1)
    options.seed = random.SystemRandom().randrange(2 ** 32) if options.seed is None else options.seed
    options.connections = options.connections if options.concurrent else 1
    return options


def make_sessions(options, families, pairs, keyspecs, report):
    sessions = []
    for number, pair in enumerate(pairs):
        prefix = b"c%02d:" % number if options.concurrent else b""
        draw = shapes.Draw("%d/%d" % (options.seed, number), prefix, options.protocol)
        generator = Generator(families, draw, keyspecs, shared=options.concurrent)
        label = "connection %d, keys %s*" % (number, prefix.decode()) if options.concurrent else ""
        sessions.append(Session(pair, generator, keyspecs, report, label))
    return sessions


def run_sessions(sessions, count):
    """Each session in a thread of its own; the first exception ends the run."""
    failures = []

    def work(session, share):
        try:
            session.run(share)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(s, count // len(sessions)), daemon=True) for s in sessions]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not failures:
        time.sleep(0.01)
    if failures:
        raise failures[0]


def shrink_shown(options, both, sessions, keyspecs, report):
    histories = {id(unit): session.history for session in sessions for unit in session.history}
    for number, difference in enumerate(report.shown, 1):
        if difference.unit is None or id(difference.unit) not in histories:
            continue
        shrinker = shrink.Shrinker(both, keyspecs, report.excuses, options.shrink_seconds)
        shrink.print_shrunk(number, shrinker.shrink(histories[id(difference.unit)], difference))


def compare_servers(options, both, report):
    chosen = options.families.split(",")
    families = [f for f in FAMILIES + EXTRA_FAMILIES if f.name in chosen]
    if len(families) != len(chosen):
        raise SystemExit("unknown family in --families %s" % options.families)
    first = Pair(both)
    keyspecs = KeySpecs(first.call(b"COMMAND")[0])
    if not options.skip_command_info:
        command_info.check(first, families, keyspecs, report)
    first.close()
    pairs = [Pair(both) for _ in range(options.connections)]
    sessions = make_sessions(options, families, pairs, keyspecs, report)
    if options.concurrent:
        run_sessions(sessions, options.commands)
    else:
        sessions[0].run(options.commands)
    for pair in pairs:
        pair.close()
    if options.shrink:
        shrink_shown(options, both, sessions, keyspecs, report)


def main():
    options = arguments()
    sys.stdout.reconfigure(line_buffering=True)
    servers.guard()
    try:
        table = excuses.Excuses.read(options.differences)
    except (OSError, excuses.BadTable) as error:
        print("%s: %s" % (options.differences, error))
        return 2
    report = Report(table, options.show, options.show_per_command)
    print("seed %d, %d commands, protocol %s, families %s%s" % (
        options.seed, options.commands, options.protocol, options.families,
        ", %d connections" % options.connections if options.concurrent else ""))
    reference = servers.Server("redis", servers.redis_template(options.redis))
    tested = servers.Server("larder", servers.larder_template(options.larder, options.threads))
    started, status = time.monotonic(), 0
    try:
        both = [reference.start(), tested.start()]
        compare_servers(options, both, report)
    except (servers.ServerError, OSError) as error:
        print("\nTHE RUN ENDED EARLY: %s" % error)
        for server in (reference, tested):
            if server.died():
                print("%s died with %s; the end of its log:\n%s" % (server.name, server.process.returncode,
                                                                    server.log_tail()))
        status = 2
    except KeyboardInterrupt:
        print("\nTHE RUN ENDED EARLY: interrupted")
        status = 2
    finally:
        report.close()
        servers.stop_all()
    print("%.1f s" % (time.monotonic() - started))
    report.summary(all_rows_should_be_used=options.commands >= 100000 and not options.concurrent)
    return status or (1 if report.failed else 0)


if __name__ == "__main__":
    sys.exit(main())
