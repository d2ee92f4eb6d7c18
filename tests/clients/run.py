#!/usr/bin/python3
"""Starts a server, runs one suite of client tests against it, stops the server.

    run.py --larder build/release/larder redis-py
    run.py --larder "redis-server --port {port} --save '' --enable-debug-command local" ioredis6

The exit status is 0 when the suite passed and the server ended with status 0, 77 when this machine cannot run the suite (its
Node.js is too old), and else 1. Needs Debian's /usr/bin/python3 with python3-redis; the suites of Node.js need `npm ci`, the
others the packages of Debian that ./dev installs.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 30
STOP_SECONDS = 30
EXIT_SKIPPED = 77


def python_suite(module):
    python = ["/usr/bin/python3", "-W", "error::ResourceWarning", "-m", "unittest", "-v"]
    return lambda options: [*python, *options.only_pattern, module]


def node_suite(file):
    return lambda options: ["node", "--test", *options.only_name, file]


def program_suite(*command):
    """A program of another language; such suites are too small to choose single tests of."""
    return lambda options: list(command)


def hiredis_suite(options):
    return [str(options.hiredis_client)]


# name: the command to run in this folder, the npm package that it is about, and the oldest Node.js that this package takes.
SUITES = {
    "redis-cli": (python_suite("test_redis_cli"), None, 0),
    "redis-benchmark": (python_suite("test_redis_benchmark"), None, 0),
    "redis-py": (python_suite("test_redis_py"), None, 0),
    "redis-py-asyncio": (python_suite("test_redis_py_asyncio"), None, 0),
    "ioredis5": (node_suite("ioredis.test.mjs"), "ioredis5", 12),
    "ioredis6": (node_suite("ioredis.test.mjs"), "ioredis6", 20),
    "node-redis4": (node_suite("node_redis.test.mjs"), "redis4", 14),
    "node-redis5": (node_suite("node_redis.test.mjs"), "redis5", 18),
    "node-redis6": (node_suite("node_redis.test.mjs"), "redis6", 20),
    "ioredis5-data": (node_suite("ioredis_data.test.mjs"), "ioredis5", 12),
    "ioredis6-data": (node_suite("ioredis_data.test.mjs"), "ioredis6", 20),
    "node-redis5-data": (node_suite("node_redis_data.test.mjs"), "redis5", 18),
    "node-redis6-data": (node_suite("node_redis_data.test.mjs"), "redis6", 20),
    "node-redis5-tracking": (node_suite("node_redis_tracking.test.mjs"), "redis5", 18),
    "node-redis6-tracking": (node_suite("node_redis_tracking.test.mjs"), "redis6", 20),
    "rate-limits": (node_suite("rate_limits.test.mjs"), "rate-limit-redis", 18),
    "sessions": (node_suite("sessions.test.mjs"), "connect-redis", 18),
    "caches": (node_suite("caches.test.mjs"), "bentocache", 18),
    "redlock": (node_suite("redlock.test.mjs"), "redlock", 18),
    "socket.io": (node_suite("socket_io.test.mjs"), "@socket.io/redis-adapter", 18),
    "guide-node": (node_suite("guide.test.mjs"), "ioredis5", 18),
    "guide-python": (python_suite("test_guide"), None, 0),
    "fastapi": (python_suite("test_fastapi"), None, 0),
    "redis-py-data": (python_suite("test_redis_py_data"), None, 0),
    "django": (python_suite("test_django_cache"), None, 0),
    "phpredis": (program_suite("/usr/bin/php", "phpredis.php"), None, 0),
    "ruby-redis": (program_suite("/usr/bin/ruby", "ruby_redis.rb"), None, 0),
    "hiredis": (hiredis_suite, None, 0),
}


class Server:
    """The server under test, in a folder of its own that goes when it stops."""

    def __init__(self, command):
        self.folder = tempfile.mkdtemp(prefix="larder-clients-")
        self.port = free_port()
        self.socket = f"{self.folder}/server.sock"
        self.log = pathlib.Path(self.folder, "log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.arguments(command), cwd=self.folder, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)

    def arguments(self, command):
        if "{port}" in command:
            return shlex.split(command.format(port=self.port, socket=self.socket))
        return [os.path.abspath(command), "--port", str(self.port), "--threads", "2", "--unixsocket", self.socket,
                "--enable-debug-command", "local"]

    def wait_until_it_answers(self):
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64).startswith(b"+PONG"):
                        return True
            except OSError:
                pass
            time.sleep(0.01)
        return False

    def stop(self):
        """Whether SIGTERM ended it with status 0; a server that does not go is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return status == 0

    def last_words(self):
        return self.log.read_text(errors="replace")[-4000:]

    def remove_folder(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def node_version():
    printed = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.match(r"v(\d+)", printed).group(1))


def run_suite(command, package, server, seconds):
    """A group of processes of its own, so that nothing of it outlives the time limit."""
    environment = dict(os.environ, LARDER_HOST="127.0.0.1", LARDER_PORT=str(server.port), LARDER_SOCKET=server.socket,
                       LARDER_CLIENT=package or "", PYTHONDONTWRITEBYTECODE="1")
    if not os.path.exists(server.socket):
        del environment["LARDER_SOCKET"]
    suite = subprocess.Popen(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return "passed" if suite.wait(seconds) == 0 else "failed"
    except subprocess.TimeoutExpired:
        os.killpg(suite.pid, signal.SIGKILL)
        suite.wait()
        return f"was not done in {seconds} s"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--larder", required=True,
                        help="the server's binary, or a command with {port} and maybe {socket} in it")
    parser.add_argument("--hiredis-client", type=os.path.abspath, help="the program that CMake built from hiredis_client.c")
    parser.add_argument("--seconds", type=float, default=150, help="time limit of the suite (default %(default)s)")
    parser.add_argument("--only", help="run only the tests whose name has this in it")
    parser.add_argument("suite", choices=SUITES)
    options = parser.parse_args()
    options.only_pattern = ["-k", options.only] if options.only else []
    options.only_name = [f"--test-name-pattern={options.only}"] if options.only else []
    if options.suite == "hiredis" and not options.hiredis_client:
        parser.error("the suite hiredis needs --hiredis-client")
    return options


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run.py: ended by SIGTERM"))  # so that the server is stopped too
    options = parse_arguments()
    make_command, package, oldest_node = SUITES[options.suite]
    if package and node_version() < oldest_node:
        print(f"{options.suite}: skipped, {package} needs Node.js {oldest_node} or newer")
        return EXIT_SKIPPED
    server = Server(options.larder)
    try:
        outcome = "not run: the server did not answer PING"
        if server.wait_until_it_answers():
            outcome = run_suite(make_command(options), package, server, options.seconds)
        ended_well = server.stop()
        good = outcome == "passed" and ended_well
        if not good:
            print(f"---- the server's last words ----\n{server.last_words()}---- exit status {server.process.returncode}")
        print(f"{options.suite}: {outcome}" + ("" if ended_well else "; the server did not end with status 0 on SIGTERM"))
        return 0 if good else 1
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        server.remove_folder()


if __name__ == "__main__":
    sys.exit(main())
