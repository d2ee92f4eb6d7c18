"""Server processes under measurement: started on a free port, watched through /proc, always stopped.

A server may be started through a wrapper script and may have children: what is measured is its whole session, that is
every process that descends from the command. Nothing here is specific to one server.
"""

import contextlib
import ctypes
import itertools
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 10
REPLY_SECONDS_MAX = 120
PR_SET_PDEATHSIG = 1


class MeasurementError(Exception):
    """A server or the benchmark tool did something that makes the numbers worthless."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def encode(words):
    """One request as RESP."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Endpoint:
    """A server that listens on a port of this machine, whoever started it."""

    def __init__(self, name, port):
        self.name = name
        self.port = port

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), REPLY_SECONDS_MAX)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, words):
        """The first line of the reply to one command; an error reply raises."""
        with self.connect() as connection:
            connection.sendall(encode(words))
            line = connection.makefile("rb").readline().decode(errors="replace").strip()
        if not line or line.startswith("-"):
            raise MeasurementError(f"{self.name} answered {words[0]} with {line or 'nothing'!r}")
        return line

    def info(self, section):
        """The fields of a section of INFO."""
        with self.connect() as connection, connection.makefile("rb") as replies:
            connection.sendall(encode(["INFO", section]))
            head = replies.readline()
            text = replies.read(int(head[1:])).decode(errors="replace") if head.startswith(b"$") else ""
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def version(self):
        """What INFO says of it, its own version before the one of Redis that it claims for clients' sake."""
        fields = self.info("server")
        names = [name for name in fields if name.endswith("_version") and name not in ("gcc_version", "redis_version")]
        return ", ".join(f"{name} {fields[name]}" for name in [*names[:1], "redis_version"] if name in fields) or "unknown"


class Server(Endpoint):
    """One running server. Made by running(), which also stops it."""

    def __init__(self, name, command, threads, cpus, nice=0):
        super().__init__(name, free_port())
        self.folder = tempfile.TemporaryDirectory(prefix="larder-bench-")
        words = shlex.split(command.format(port=self.port, threads=threads))
        if os.path.exists(words[0]):
            words[0] = os.path.abspath(words[0])  # the server runs in a folder of its own
        self.command = shlex.join(words)
        self.log = open(os.path.join(self.folder.name, "output"), "w+b")
        self.process = subprocess.Popen(
            words, cwd=self.folder.name, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True, preexec_fn=lambda: prepare_child(cpus, nice))
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_answers(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise MeasurementError(f"{self.name} ended at once: {self._last_words()}")
            with contextlib.suppress(OSError):
                with self.connect() as connection:
                    connection.sendall(encode(["PING"]))
                    if connection.recv(64):
                        return
            time.sleep(0.05)
        raise MeasurementError(f"{self.name} did not answer within {START_SECONDS_MAX} s: {self._last_words()}")

    def _last_words(self):
        self.log.seek(0)
        return self.log.read()[-500:].decode(errors="replace").strip() or "(it said nothing)"

    def processes(self):
        """Ids of all processes of the server's session."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    found.append(int(entry))
        return found

    def cpu_ns(self):
        """Nanoseconds that each of its threads has run so far: {(process, thread): ns}."""
        return self._schedstat(0)

    def waited_ns(self):
        """Nanoseconds that each of its threads could have run and had no processor: {(process, thread): ns}."""
        return self._schedstat(1)

    def _schedstat(self, field):
        found = {}
        for process in self.processes():
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{process}/task"):
                    with open(f"/proc/{process}/task/{thread}/schedstat") as file:
                        found[process, thread] = int(file.read().split()[field])
        return found

    def rss_bytes(self):
        pages = 0
        for process in self.processes():
            with contextlib.suppress(OSError):
                with open(f"/proc/{process}/statm") as file:
                    pages += int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def settled_rss_bytes(self, quiet_seconds=1.0, seconds_max=15.0):
        """RSS once it has stood still (within 64 KiB) for a moment, or after seconds_max."""
        end = time.monotonic() + seconds_max
        last, since = self.rss_bytes(), time.monotonic()
        while time.monotonic() < end and time.monotonic() - since < quiet_seconds:
            time.sleep(0.1)
            now = self.rss_bytes()
            if abs(now - last) > 65536:
                last, since = now, time.monotonic()
        return self.rss_bytes()

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


def prepare_child(cpus=None, nice=0):
    """Runs in the child: it dies with this program even if that is killed, and stays on its processors."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if cpus:
        os.sched_setaffinity(0, cpus)
    if nice:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        # Where the kernel divides processors among sessions first, it is the session's priority that counts.
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as file:
            file.write(str(nice))


@contextlib.contextmanager
def running(specs, threads, cpus=None, nice=0):
    """Starts a server for each (name, command); stops all of them on leaving, however that happens."""
    with contextlib.ExitStack() as stack:
        servers = []
        for name, command in specs:
            server = Server(name, command, threads, cpus, nice)
            stack.callback(server.stop)
            servers.append(server)
        yield servers


def ns_between(before, after):
    """The sum between two readings of cpu_ns() or waited_ns(). A thread that ended between them is not counted."""
    return sum(ns - before.get(thread, 0) for thread, ns in after.items())


def cpu_ns_of(server, requests, window):
    """Sends encoded requests, `window` at a time; the nanoseconds that the server spent on them. An error reply raises."""
    echo, mark = encode(["ECHO", "the end."]), b"$8\r\nthe end.\r\n"
    requests = iter(requests)
    before = server.cpu_ns()
    with server.connect() as connection:
        while chunk := list(itertools.islice(requests, window)):
            connection.sendall(b"".join(chunk) + echo)
            got = b""
            while not got.endswith(mark):
                data = connection.recv(1 << 20)
                if not data or b"\r\n-" in data or data.startswith(b"-"):
                    raise MeasurementError(f"{server.name} answered {data[:200]!r}")
                got = got[-len(mark):] + data
    return ns_between(before, server.cpu_ns())


def fill(server, requests, expected_reply=b"+OK\r\n", window=1000):
    """Sends the encoded requests of an iterable, `window` in flight, and checks that each was answered as expected."""
    with server.connect() as connection:
        chunk = []
        for request in requests:
            chunk.append(request)
            if len(chunk) == window:
                _send_and_check(server, connection, chunk, expected_reply)
                chunk = []
        if chunk:
            _send_and_check(server, connection, chunk, expected_reply)


def _send_and_check(server, connection, chunk, expected_reply):
    connection.sendall(b"".join(chunk))
    wanted = len(chunk) * len(expected_reply)
    got = bytearray()
    while len(got) < wanted:
        data = connection.recv(min(65536, wanted - len(got)))
        if not data:
            raise MeasurementError(f"{server.name} closed the connection while it was filled")
        got += data
        if not expected_reply.startswith(bytes(got[:len(expected_reply)])):
            raise MeasurementError(f"{server.name} answered {bytes(got[:200])!r} while it was filled")


def default_servers():
    larder = REPOSITORY / "build/release/larder"
    return [("larder", f"{shlex.quote(str(larder))} --port {{port}} --threads {{threads}}"),
            ("redis", 'redis-server --port {port} --save "" --appendonly no --io-threads {threads}')]


def one_thread_servers(texts):
    """NAME=COMMAND as pairs; without any, the default ones with a thread each."""
    return [tuple(text.split("=", 1)) for text in texts] or [
        (name, command.replace("{threads}", "1")) for name, command in default_servers()]
