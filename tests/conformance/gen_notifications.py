"""Keyspace notifications: what each command tells, in which order. One connection runs commands on keys, another is
subscribed to all that is told."""

import compare
import resp
from conversation import SubscriberPair
from table import Family, scene

# Without x, since when a key expires on its own depends on each server's clock, and without n (see DIFFERENCES.md).
_CLASSES = [b"KEg$lshztdem", b"Eg$lshz", b"KA", b"E$", b"Kg", b"Eghm"]


class Told:
    """`commands` on keys, compared as always, and after each of them what a subscriber got."""

    def __init__(self, classes, commands):
        self.classes = classes.replace(b"A", b"g$lshzet")
        self.commands = commands
        self.args = [b"(notifications)"]

    def run(self, pair):
        listener = SubscriberPair(pair.servers)
        verdicts = []
        try:
            pair.exchange(resp.encode([b"CONFIG", b"SET", b"notify-keyspace-events", self.classes]))
            listener.exchange(resp.encode([b"PSUBSCRIBE", b"__key*__:*"]))
            for command in self.commands:
                own = pair.exchange(resp.encode(command.args))
                for replies in zip(*own):
                    verdicts.append((command.args, command.compare, *replies))
                told = listener.exchange(b"")
                verdicts.append(([b"(told)", *command.args], compare.exact, *(("*", replies) for replies in told)))
                if pair.broken() or listener.broken():
                    break
            return verdicts
        finally:
            pair.exchange(resp.encode([b"CONFIG", b"SET", b"notify-keyspace-events", b""]))
            listener.close()


def told(gen):
    d = gen.draw
    return [Told(d.choice(_CLASSES), [gen.command(d.choice(gen.key_rows)) for _ in range(d.int(5, 40))])]


FAMILY = Family("notifications", 1.5, [], [scene(told, 1.5, whole=True)])
