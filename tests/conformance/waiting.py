"""A step with several connections: some wait for keys, another changes keys, then all that still wait are unblocked.
Each waiter's one reply is compared, then what is left of the keys.
"""

import select
import time

import compare
import resp
import wire

_DEADLINE_SECONDS = 10


class Waiting:
    """`waiters`: blocking commands, each sent when the one before has either waited or been answered; a pair of the
    version of RESP and the command. `changes`: what the other connection does then. `keys`: looked at in the end."""

    def __init__(self, waiters, changes, keys):
        self.waiters = waiters
        self.changes = changes
        self.keys = keys
        self.args = waiters[0][1]

    def run(self, pair):
        sides = [self._run_on(server) for server in pair.servers]
        return [(args, compare.exact, *replies) for args, *replies in zip(sides[0][0], sides[0][1], sides[1][1])]

    def _run_on(self, server):
        """What was asked, and the replies."""
        main = wire.Connection(server)
        clients = [wire.Connection(server) for _ in self.waiters]
        try:
            asked, replies = [], []
            ids = [self._prepare(client, version) for client, (version, _) in zip(clients, self.waiters)]
            for at, (client, (_, args)) in enumerate(zip(clients, self.waiters)):
                _send(client, args)
                self._await_waiting(main, clients[:at + 1])
            for args in self.changes:
                asked.append(args)
                replies.append(_ask(main, args))
            for number in ids:
                _ask(main, [b"CLIENT", b"UNBLOCK", number])
            for client, (_, args) in zip(clients, self.waiters):
                asked.append(args)
                replies.append(_reply(client))
            for key in self.keys:
                for look in ([b"LRANGE", key, b"0", b"-1"], [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]):
                    asked.append(look)
                    replies.append(_ask(main, look))
            _ask(main, [b"DEL", *self.keys])
            return asked, replies
        finally:
            for connection in [main, *clients]:
                connection.close()

    @staticmethod
    def _prepare(client, version):
        _ask(client, [b"HELLO", version])
        return b"%d" % _ask(client, [b"CLIENT", b"ID"])[1]

    @staticmethod
    def _await_waiting(main, clients):
        """Until each either waits or has been answered."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            info = _ask(main, [b"INFO", b"clients"])[1]
            blocked = int(info.split(b"\r\nblocked_clients:")[1].split(b"\r\n")[0])
            for client in clients:
                _receive(client, 0)
            if blocked + sum(1 for client in clients if client.replies) == len(clients):
                return
        raise OSError("the clients that should wait do not")


def _send(connection, args):
    connection.begin([], None)
    connection.sock.sendall(resp.encode(args))


def _receive(connection, timeout_ms):
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    if poll.poll(timeout_ms):
        connection.read()


def _reply(connection):
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not connection.replies and not connection.trouble and time.monotonic() < deadline:
        _receive(connection, 100)
    return connection.replies[0] if connection.replies else None


def _ask(connection, args):
    _send(connection, args)
    return _reply(connection)
