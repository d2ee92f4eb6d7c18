"""Transactions: MULTI, EXEC, DISCARD, WATCH and UNWATCH around calls of all other commands, right and wrong."""

import compare
from shapes import database, key, many
from table import Command, Family, row, scene

_CANNOT_BE_QUEUED = [[b"NOSUCH"], [b"SET", b"k"], [b"MULTI"], [b"WATCH", b"k"], [b"CONFIG", b"X"], [b"SHUTDOWN"],
                     [b"EXEC", b"x"], [b"DISCARD", b"x"], [b"MULTI", b"x"]]

# WATCH is not queued; OBJECT REFCOUNT may differ (DIFFERENCES.md, shared-integers), which inside EXEC is not excused.
_NOT_INSIDE = (b"WATCH", b"OBJECT")


def _to_queue(gen):
    """A call whose reply is compared to the byte, as those inside EXEC's are; its own is QUEUED, or an error."""
    d = gen.draw
    if not gen.shared and d.chance(0.1):
        return Command(d.choice([[b"SELECT", database(d)], [b"DBSIZE"], [b"FLUSHDB"], [b"SWAPDB", b"0", b"1"],
                                 [b"UNWATCH"], [b"PING"]]))
    while True:
        command = gen.command(d.choice(gen.key_rows))
        if command.compare is compare.exact and command.args[0].upper() not in _NOT_INSIDE:
            return command


def transaction(gen):
    """Queued commands, mostly run; now and then one that cannot be queued, or a key that changed."""
    d = gen.draw
    steps = []
    if d.chance(0.4):
        steps.append(Command([d.cased("WATCH"), *(key(d) for _ in range(d.int(1, 4)))]))
    if d.chance(0.3):
        steps += [gen.command(d.choice(gen.key_rows)) for _ in range(d.int(1, 3))]
    if d.chance(0.1):
        steps.append(Command([b"UNWATCH"]))
    steps.append(Command([d.cased("MULTI")]))
    steps += [_to_queue(gen) for _ in range(d.int(0, 8))]
    if d.chance(0.08):
        steps.append(Command(d.choice(_CANNOT_BE_QUEUED)))
    steps.append(Command([d.cased("EXEC" if d.chance(0.85) else "DISCARD")]))
    return steps


def watched(gen):
    """A command between WATCH and EXEC: whether it counts as a change of its key."""
    name = key(gen.draw)
    return [Command([b"WATCH", name]), gen.on_key(name), Command([b"MULTI"]), Command([b"PING"]), Command([b"EXEC"])]


def without_multi(gen):
    return [Command([gen.draw.choice([b"EXEC", b"DISCARD"])])]


# Those without weight come in scenes only; as rows their COMMAND INFO is compared.
FAMILY = Family("transactions", 4, [
    row("UNWATCH", weight=0.3),
    row("WATCH", many(1, 3, key), weight=0.3),
    row("MULTI", weight=0),
    row("EXEC", weight=0),
    row("DISCARD", weight=0),
], [scene(transaction, 3), scene(watched, 4), scene(without_multi, 0.2)])
