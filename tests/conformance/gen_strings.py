"""Strings and bitmaps."""

import compare
from shapes import (at_millis, at_seconds, bit_offset, index, integer, key, many, maybe, millis, number, offset, one_of,
                    group,
                    seconds, small_int, some_of, value)
from table import Command, Family, row, scene

expiry = one_of(group("EX", seconds), group("PX", millis), group("EXAT", at_seconds), group("PXAT", at_millis))


def bits_type(d):
    draw = d.random()
    if draw < 0.96:
        return d.choice([b"i", b"u"]) + b"%d" % d.choice([1, 2, 4, 7, 8, 16, 31, 32, 63, d.int(1, 63)])
    return d.choice([b"i64", b"u64", b"u0", b"i0", b"i65", b"x8", b"8", b"", b"i", b"u-1", b"i08", b"u8x", b"U8", b"I16"])


def bits_offset(d):
    draw = d.random()
    if draw < 0.95:
        return (b"#%d" if draw < 0.3 else b"%d") % d.int(0, 200)
    return bit_offset(d)


def overflow(d):
    return d.cased(d.choice(["WRAP", "SAT", "FAIL", "FAIL"])) if d.chance(0.95) else b"BOGUS"


field_get = group("GET", bits_type, bits_offset)
field_op = one_of(field_get, group("SET", bits_type, bits_offset, small_int),
                  group("INCRBY", bits_type, bits_offset, small_int),
                  group("OVERFLOW", overflow))


def bit(d):
    return d.choice([b"0", b"1", b"0", b"1", b"0", b"1", b"2", b"-1", b"x", b"01"])


def lcs(gen):
    """LCS takes time and memory for the product of two sizes, so it gets strings that were just written."""
    d = gen.draw
    pair = [d.prefix + b"lcs:1", d.prefix + b"lcs:2"]
    steps = []
    for name in pair:
        text = bytes(d.rng.choices(b"abcdef\x00", k=d.int(0, 60)))
        steps.append(Command([b"SET", name, text] if d.chance(0.9) else [b"DEL", name]))
    for _ in range(d.int(1, 4)):
        options = some_of("LEN", "IDX", "WITHMATCHLEN", group("MINMATCHLEN", integer), "BOGUS", p=0.35)(d)
        steps.append(Command([d.cased("LCS"), *pair, *options]))
    if d.chance(0.2):
        steps.append(Command(d.choice([[b"LCS"], [b"LCS", pair[0]], [b"LCS", *pair, b"MINMATCHLEN"],
                                       [b"LCS", *pair, b"IDX", b"MINMATCHLEN", b"x"]])))
    return steps


def counter(gen):
    """One counter driven over an edge of 64 bits."""
    d = gen.draw
    name = d.prefix + d.choice([b"int", b"a"])
    near = d.choice([b"9223372036854775806", b"-9223372036854775807", b"9999", b"-1", b"9223372036854775807"])
    steps = [Command([b"SET", name, near])]
    for _ in range(d.int(1, 5)):
        steps.append(Command(d.choice([[b"INCR", name], [b"DECR", name], [b"INCRBY", name, integer(d)],
                                       [b"DECRBY", name, integer(d)],
                                       [b"OBJECT", b"ENCODING", name], [b"GET", name],
                                       [b"INCRBYFLOAT", name, number(d)]])))
    return steps


ROWS = [
    row("GET", key, weight=6),
    row("SET", key, value, weight=8),
    row("SET", key, value, some_of("NX", "XX", "GET", "KEEPTTL", expiry), weight=6),
    row("SETNX", key, value, weight=2),
    row("SETEX", key, seconds, value, weight=2),
    row("PSETEX", key, millis, value, weight=2),
    row("GETSET", key, value, weight=2),
    row("GETEX", key, some_of("PERSIST", expiry, p=0.5), weight=3),
    row("GETDEL", key),
    row("MGET", many(1, 6, key), weight=2),
    row("MSET", many(1, 5, key, value), weight=2),
    row("MSETNX", many(1, 3, key, value)),
    row("INCR", key, weight=3),
    row("DECR", key, weight=2),
    row("INCRBY", key, integer, weight=2),
    row("DECRBY", key, integer, weight=2),
    row("INCRBYFLOAT", key, number, weight=4),
    row("APPEND", key, value, weight=2),
    row("STRLEN", key, weight=2),
    row("GETRANGE", key, index, index, weight=3),
    row("SUBSTR", key, index, index),
    row("SETRANGE", key, offset, value, weight=2),
    row("SETBIT", key, bit_offset, bit, weight=2),
    row("GETBIT", key, bit_offset, weight=2),
    row("BITCOUNT", key, maybe(index, index, maybe(one_of("BIT", "BYTE"))), weight=2),
    row("BITPOS", key, bit, maybe(index, maybe(index, maybe(one_of("BIT", "BYTE")))), weight=3),
    row("BITOP", one_of("AND", "OR", "XOR"), key, many(1, 4, key)),
    row("BITOP NOT", key, key, weight=0.5),
    row("BITFIELD", key, many(0, 4, field_op), weight=3),
    row("BITFIELD_RO", key, many(0, 3, field_get), weight=1),
    row("BITFIELD_RO", key, many(1, 2, field_op), weight=0.5),
    row("OBJECT ENCODING", key, weight=3),
    row("TTL", key, compare=compare.within_s),
]

FAMILY = Family("strings", 55, ROWS, [scene(lcs, 1.0), scene(counter, 1.0)])
