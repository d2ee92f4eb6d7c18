"""Keys of the other types, so that string commands meet WRONGTYPE. Not a test of those types: each deserves a
family of its own.

Not among the default families; choose it with --families strings,keys,server,protocol,foreign.
"""

from shapes import integer, key, many, small_int, text, value
from table import Command, Family, row, scene

ROWS = [
    row("LPUSH", key, many(1, 3, value)),
    row("RPUSH", key, many(1, 3, value)),
    row("HSET", key, many(1, 2, text, value)),
    row("SADD", key, many(1, 3, text)),
    row("SADD", key, many(1, 3, small_int)),
    row("ZADD", key, integer, text),
    row("XADD", key, b"1-1", text, value, mutable=False),
]


def lcs_of_a_list(gen):
    """The one command with a text of its own for a wrong type."""
    d = gen.draw
    pair = [d.prefix + b"lcs:1", d.prefix + b"lcs:2"]
    return [Command([b"DEL", *pair]), Command([b"RPUSH", d.choice(pair), b"x"]),
            Command([b"LCS", *pair, *d.choice([[], [b"LEN"], [b"BOGUS"], [b"LEN", b"IDX"]])]), Command([b"DEL", *pair])]


FAMILY = Family("foreign", 6, ROWS, [scene(lcs_of_a_list, 0.2)])
