"""Starting and stopping the two servers. Every server started here dies with this process, however it ends."""

import atexit
import ctypes
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

_PR_SET_PDEATHSIG = 1
_running = []


class ServerError(Exception):
    """The server cannot be started, or it died."""


def free_port():
    """A TCP port that was free a moment ago; whoever starts a server on it must be ready to try another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def redis_template(command):
    return command if "{port}" in command else command + " --port {port} --save '' --appendonly no"


def larder_template(command, threads):
    return command if "{port}" in command else "%s --port {port} --threads %d" % (shlex.quote(command), threads)


def _die_with_parent():
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One server process in a directory of its own."""

    def __init__(self, name, template):
        self.name = name
        self.template = template
        self.port = 0
        self.process = None
        self.directory = None

    def start(self):
        for _ in range(5):
            self.port = free_port()
            self._spawn()
            if self._answers(seconds=15):
                return self
            tail = self.log_tail()
            self.stop()
        raise ServerError("%s does not start: %s\n%s" % (self.name, self.template, tail))

    def _spawn(self):
        self.directory = tempfile.mkdtemp(prefix="conformance-")
        words = shlex.split(self.template.replace("{port}", str(self.port)))
        if "/" in words[0]:
            words[0] = os.path.abspath(words[0])
        with open(os.path.join(self.directory, "log"), "wb") as log:
            try:
                self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                cwd=self.directory, preexec_fn=_die_with_parent,
                                                start_new_session=True)
            except OSError as error:
                shutil.rmtree(self.directory, ignore_errors=True)
                raise ServerError("%s cannot be run: %s" % (words[0], error)) from error
        _running.append(self)

    def _answers(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.alive():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as sock:
                    sock.sendall(b"PING\r\n")
                    if sock.recv(64).startswith(b"+PONG"):
                        return self.alive()
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def died(self, seconds=1):
        """Gives a process that just closed its connections the time to end."""
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.process is not None and not self.alive()

    def log_tail(self, lines=30):
        try:
            with open(os.path.join(self.directory, "log"), "rb") as log:
                return b"\n".join(log.read().splitlines()[-lines:]).decode(errors="replace")
        except OSError:
            return ""

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        if self in _running:
            _running.remove(self)
        shutil.rmtree(self.directory, ignore_errors=True)


def stop_all():
    for server in list(_running):
        server.stop()


def _on_signal(number, _frame):
    raise SystemExit(128 + number)


def guard():
    """Stops the servers when this process ends by an exception, Ctrl-C, SIGTERM or SIGHUP."""
    atexit.register(stop_all)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job starts with SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
