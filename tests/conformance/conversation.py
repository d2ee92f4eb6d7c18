"""Several connections to each server that subscribe, publish and ask, in turn: a step of table.py's units.

After each request every connection sends `PING token`, whose reply comes in one of two forms; what a connection got
before it is compared. So a message that is missing, late or in the wrong place is a difference.
"""

import compare
import resp
import wire


class _SubscriberConnection(wire.Connection):
    """Knows the reply of PING in a subscriber's form too."""

    def begin(self, pieces, token):
        super().begin(pieces, token)
        self.token = _Token(token)


class _Token:
    def __init__(self, token):
        self.forms = (("$", token), ("*", [("$", b"pong"), ("$", token)]))

    def __eq__(self, reply):
        return reply in self.forms


class SubscriberPair(wire.Pair):
    def __init__(self, servers):
        super().__init__(servers)
        self.close()
        self.connections = [_SubscriberConnection(server) for server in servers]

    def exchange_each(self, payloads, cuts=(), pause=0.0):
        self.serial += 1
        token = b"sync:%d" % self.serial
        for connection, payload in zip(self.connections, payloads):
            connection.begin([payload + resp.encode([b"PING", token])], token)
        self._pump(pause)
        return [c.replies for c in self.connections]


def _in_any_order(replies):
    """Redis keeps patterns, and the names of one client, in the order of their hashes; the count in a confirmation
    goes with the place, not with the name."""
    names = [(kind, value[:-1]) if kind in "*>" and len(value) > 1 else (kind, value) for kind, value in replies]
    counts = [("*", value[-1:]) for kind, value in replies if kind in "*>"]
    return ("*", [("*", sorted(names, key=repr)), ("*", sorted(counts, key=repr))])


class Conversation:
    """`requests`: pairs of a connection's number and the arguments it sends; `modern`: those that speak RESP3."""

    def __init__(self, connections, modern, requests):
        self.connections = connections
        self.modern = modern
        self.requests = requests
        self.args = [b"(conversation)"]

    def run(self, pair):
        pairs = [SubscriberPair(pair.servers) for _ in range(self.connections)]
        verdicts = []
        try:
            for number in self.modern:
                pairs[number].exchange(resp.encode([b"HELLO", b"3"]))
            for number, args in self.requests:
                own = pairs[number].exchange(resp.encode(args))
                verdicts.append((args, compare.exact, *(self._told(args, replies) for replies in own)))
                verdicts += [([b"(received)", *args], compare.exact, *map(_in_any_order, other.exchange(b"")))
                             for other in pairs if other is not pairs[number]]
                if any(p.broken() for p in pairs):
                    verdicts.append((args, compare.exact, *(self._ending(pairs, side) for side in (0, 1))))
                    break
            return verdicts
        finally:
            for own in pairs:
                own.exchange(resp.encode([b"RESET"]))  # else they are counted until their end is noticed
                own.close()

    @staticmethod
    def _told(args, replies):
        if args[0].upper() in (b"PUBLISH", b"SPUBLISH", b"PUBSUB", b"EXEC") or len(args) == 1:
            return _in_any_order([compare.sortable(r) for r in replies])
        return ("*", replies)

    @staticmethod
    def _ending(pairs, side):
        return ("+", ", ".join(str(p.connections[side].trouble) for p in pairs).encode())
