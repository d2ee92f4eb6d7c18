"""DUMP and RESTORE: what one server dumped is restored by the other, and the options in the order they are looked at.

Damaged dumps are not sent: Redis 7.0 looks at them superficially by default and may die of one."""

import ops
from shapes import at_millis, group, index, integer, key, maybe, millis, number, one_of, some_of, value
from table import Command, Family, row, scene

# Of redis-server 7.0: a string, a set, a sorted set.
STRING = bytes.fromhex("000568656c6c6f0a006372df766534200a")
SET = bytes.fromhex("0b140400000003000000feffffff01000000701101000a0030527df8cc311f3b")
SORTED_SET = bytes.fromhex("111d1d0000000600816302842d696e6605816102010181620283322e3504ff0a003992339be11f323d")
DUMPS = [STRING, SET, SORTED_SET]


def damaged(d):
    """With a wrong checksum, a later version, or too short."""
    dump = d.choice(DUMPS)
    draw = d.random()
    if draw < 0.3:
        return dump[:d.int(0, len(dump) - 1)]
    if draw < 0.5:
        return value(d)
    at = d.int(0, len(dump) - 1)
    return dump[:at] + bytes([dump[at] ^ 1 << d.int(0, 7)]) + dump[at + 1:]


options = some_of("REPLACE", group("IDLETIME", index), group("FREQ", one_of(b"0", b"255", b"256", b"-1", b"x")), p=0.3)


def element(d):
    draw = d.random()
    if draw < 0.4:
        return b"e:%d" % d.int(0, 5000)
    if draw < 0.7:
        return integer(d)
    return d.choice([b"x" * d.int(0, 300), b"ab" * d.int(10, 3000), value(d)])


def filled(d, name):
    """A command that fills a key of some type, up to and beyond the thresholds of the encodings."""
    elements = d.choice([1, 3, 20, 127, 129, 511, 513, 900])
    short = d.chance(0.5)
    make = (lambda: b"%d" % d.int(-40000, 10 ** 6)) if short else lambda: element(d)
    kind = d.choice([b"SET", b"RPUSH", b"SADD", b"ZADD", b"HSET"])
    if kind == b"SET":
        return [kind, name, element(d)]
    if kind == b"ZADD":
        return [kind, name, *(w for _ in range(elements) for w in (number(d) if d.chance(0.1) else b"%d" % d.int(-9, 9),
                                                                  make()))]
    return [kind, name, *(make() for _ in range(elements * (2 if kind == b"HSET" else 1)))]


def crossed(gen):
    """A key of one server, restored on the other; then some command on what came out of it."""
    d = gen.draw
    name, copy = key(d), d.prefix + b"crossed"
    steps = [Command([b"DEL", name]), Command(filled(d, name))] if d.chance(0.7) else []
    return [*steps, ops.CrossRestore(name, copy), gen.on_key(copy), ops.CrossRestore(copy, name)]


ROWS = [
    row("RESTORE", key, one_of(b"0", millis), one_of(*DUMPS), options, weight=3),
    row("RESTORE", key, at_millis, one_of(*DUMPS), "ABSTTL", options, weight=2),
    row("RESTORE", key, one_of(b"0", b"-1", b"x", millis), damaged, options, maybe(one_of("ABSTTL", "BOGUS")), weight=2),
]

FAMILY = Family("dumps", 10, ROWS, [scene(crossed, 2.0)])
