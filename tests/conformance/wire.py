"""Two connections, one to each server, that are always sent the same bytes.

A batch ends with `ECHO token`; all replies before the token's belong to the batch, however many there are. Reading and
writing are interleaved, since a server may stop reading while its output is not taken.
"""

import select
import socket
import time

import resp

STALL_SECONDS = 10
_RECV_BYTES = 1 << 20


class Connection:
    """One socket and the replies that came over it. `trouble` says why no more will come."""

    def __init__(self, server):
        self.server = server
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.buffer = b""
        self.trouble = None
        self.begin([], None)

    def begin(self, pieces, token):
        self.pieces = [memoryview(piece) for piece in pieces]
        self.token = ("$", token) if token else None
        self.replies = []
        self.done = self.trouble is not None

    def events(self):
        return select.POLLIN | (select.POLLOUT if self.pieces else 0)

    def write(self):
        """Sends at most one piece, so that the server may see the cut."""
        try:
            sent = self.sock.send(self.pieces[0])
        except BlockingIOError:
            return
        except OSError as error:
            self.fail("connection lost: %s" % error)
            return
        self.pieces[0] = self.pieces[0][sent:]
        if not self.pieces[0]:
            self.pieces.pop(0)

    def read(self):
        try:
            data = self.sock.recv(_RECV_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            data = b""
            self.trouble = "connection lost: %s" % error
        if not data:
            self.fail(self.trouble or "connection closed by the server")
            return
        self.buffer = self.buffer + data if self.buffer else data
        self._parse()

    def _parse(self):
        buf, pos, replies, token = self.buffer, 0, self.replies, self.token
        try:
            while pos < len(buf):
                reply, pos = resp.parse(buf, pos)
                if reply == token:
                    self.done = True
                    break
                replies.append(reply)
        except resp.Incomplete:
            pass
        except resp.Malformed as error:
            self.fail("malformed reply: %s" % error)
        self.buffer = buf[pos:]
        if self.done and self.buffer and not self.trouble:
            self.fail("bytes after the last reply: %r" % self.buffer[:80])

    def fail(self, why):
        self.trouble = why
        self.done = True

    def close(self):
        self.sock.close()


class Pair:
    """The same conversation with the reference (index 0) and with the server under test (index 1)."""

    def __init__(self, servers, stall_seconds=STALL_SECONDS):
        self.servers = servers
        self.stall_seconds = stall_seconds
        self.serial = 0
        self.widest_ms = 0.0
        self.connections = [Connection(server) for server in servers]

    def reconnect(self):
        self.close()
        self.connections = [Connection(server) for server in self.servers]

    def broken(self):
        return any(c.trouble for c in self.connections)

    def close(self):
        for connection in self.connections:
            connection.close()

    def exchange(self, payload, cuts=(), pause=0.0):
        """Sends `payload`, cut at the given offsets, to both servers; returns the two lists of replies."""
        return self.exchange_each([payload, payload], cuts, pause)

    def exchange_each(self, payloads, cuts=(), pause=0.0):
        self.serial += 1
        token = b"sync:%d" % self.serial
        for connection, payload in zip(self.connections, payloads):
            payload += resp.encode([b"ECHO", token])
            edges = [0, *sorted(c for c in cuts if 0 < c < len(payload)), len(payload)]
            connection.begin([payload[a:b] for a, b in zip(edges, edges[1:]) if a < b], token)
        started = time.monotonic()
        self._pump(pause)
        self.widest_ms = max(self.widest_ms, (time.monotonic() - started) * 1000)
        return [c.replies for c in self.connections]

    def until_closed(self, payload):
        """Sends bytes that make a server hang up; the replies are those before the end."""
        for connection in self.connections:
            connection.begin([payload], None)
        self._pump(0.0)

    def _pump(self, pause):
        poll = select.poll()
        by_fd = {c.sock.fileno(): c for c in self.connections}
        open_fds = {fd for fd, c in by_fd.items() if not c.done}
        for fd in open_fds:
            poll.register(fd, by_fd[fd].events())
        while open_fds:
            ready = poll.poll(self.stall_seconds * 1000)
            if not ready:
                for fd in open_fds:
                    by_fd[fd].fail("no reply within %d s" % self.stall_seconds)
                return
            for fd, event in ready:
                self._serve(by_fd[fd], event)
                if by_fd[fd].done:
                    poll.unregister(fd)
                    open_fds.discard(fd)
                else:
                    poll.modify(fd, by_fd[fd].events())
            if pause and any(by_fd[fd].pieces for fd in open_fds):
                time.sleep(pause)

    @staticmethod
    def _serve(connection, event):
        if event & select.POLLOUT and connection.pieces:
            connection.write()
        if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
            connection.read()

    def call(self, *args):
        """One command on both servers; the two replies, None where none came."""
        return [replies[0] if replies else None for replies in self.exchange(resp.encode(args))]
