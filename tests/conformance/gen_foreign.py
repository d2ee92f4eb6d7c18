"""Keys of the other types, so that string commands meet WRONGTYPE. Not a test of those types: each deserves a
family of its own.

Not among the default families; choose it with --families strings,keys,server,protocol,foreign.
"""

from shapes import integer, key, many, small_int, text, value
from table import Family, row

ROWS = [
    row("LPUSH", key, many(1, 3, value)),
    row("RPUSH", key, many(1, 3, value)),
    row("HSET", key, many(1, 2, text, value)),
    row("SADD", key, many(1, 3, text)),
    row("SADD", key, many(1, 3, small_int)),
    row("ZADD", key, integer, text),
    row("XADD", key, b"1-1", text, value, mutable=False),
]

FAMILY = Family("foreign", 6, ROWS)
