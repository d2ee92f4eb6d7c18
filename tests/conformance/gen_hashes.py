"""Hashes, without the expiries of fields, which Redis 7.0 does not know."""

import compare
import ops
from shapes import (big, index, integer, key, many, maybe, number, one_of, group, pattern, small_int, some_of, text,
                    value)
from table import Command, Family, row, scene

FIELDS = [b"a", b"b", b"c", b"name", b"1", b"-5", b"007", b"", b"f" * 64, b"f" * 65, b"nul\x00\r\n", b"12345678901"]


def field(d):
    return d.choice(FIELDS) if d.chance(0.85) else text(d)


def edge_value(d):
    """Around the longest value of a listpack."""
    return b"v" * d.int(60, 68) if d.chance(0.1) else value(d)


def count(d):
    draw = d.random()
    if draw < 0.8:
        return b"%d" % d.int(-12, 12)
    return integer(d)


def scan_options(d):
    return some_of(group("MATCH", one_of(pattern, b"*", b"a*", b"f*", b"?")),
                   group("COUNT", one_of(b"1", b"3", b"10", b"1000", b"0", b"x")), "BOGUS", p=0.25)(d)


def full_scan(gen):
    d = gen.draw
    options = [word for word in scan_options(d) if word.upper() != b"BOGUS"]
    return [ops.FullScan(options, (b"HSCAN", key(d)), width=2)]


def random_fields(gen):
    d = gen.draw
    name = key(d)
    if d.chance(0.3):
        return [ops.RandomElements([b"HRANDFIELD", name], [b"HKEYS", name])]
    if d.chance(0.5):
        return [ops.RandomElements([b"HRANDFIELD", name, b"%d" % d.int(-20, 200)], [b"HKEYS", name])]
    return [ops.RandomElements([b"HRANDFIELD", name, b"%d" % d.int(-20, 200), b"WITHVALUES"], [b"HGETALL", name],
                               width=2)]


def growing(gen):
    """A hash that passes the thresholds of a listpack by its fields or by one value, and is seen from all sides."""
    d = gen.draw
    name = key(d)
    fields = d.choice([128, 129, 511, 512, 513, 514, 1000])
    pairs = [word for i in range(fields) for word in (b"field:%d" % i, b"%d" % (i * 7))]
    steps = [Command([b"DEL", name]), Command([b"HSET", name, *pairs]), Command([b"OBJECT", b"ENCODING", name]),
             Command([b"HSET", name, b"one", edge_value(d)]), Command([b"OBJECT", b"ENCODING", name]),
             Command([b"HGETALL", name], compare.same_map),
             Command([b"HDEL", name, *(b"field:%d" % d.int(0, fields) for _ in range(d.int(1, 400)))]),
             Command([b"HLEN", name]), Command([b"OBJECT", b"ENCODING", name]),
             ops.FullScan([b"COUNT", b"%d" % d.int(1, 50)], (b"HSCAN", name), width=2)]
    if d.chance(0.5):
        steps.append(ops.RandomElements([b"HRANDFIELD", name, b"%d" % d.int(-300, 300), b"WITHVALUES"],
                                        [b"HGETALL", name], width=2))
    return steps + [Command([b"HDEL", name, *pairs[0::2], b"one"]), Command([b"EXISTS", name])]


def large_values(gen):
    """A hash of values that are kept apart, copied and renamed."""
    d = gen.draw
    name, other = key(d), key(d)
    return [Command([b"DEL", name, other]), Command([b"HSET", name, b"big", big(d), b"small", value(d)]),
            Command([b"HSTRLEN", name, b"big"]), Command([b"COPY", name, other, b"REPLACE"]),
            Command([b"HSET", name, b"big", big(d)]), Command([b"HGET", other, b"big"]),
            Command([b"RENAME", other, name]), Command([b"HGETALL", name], compare.same_map),
            Command([b"TYPE", name])]


ROWS = [
    row("HSET", key, many(1, 4, field, edge_value), weight=8),
    row("HSET", key, field, one_of(integer, number), weight=2),
    row("HMSET", key, many(1, 3, field, edge_value), weight=2),
    row("HSETNX", key, field, edge_value, weight=2),
    row("HGET", key, field, weight=4),
    row("HMGET", key, many(1, 4, field), weight=3),
    row("HGETALL", key, compare=compare.same_map, weight=3),
    row("HKEYS", key, compare=compare.same_set, weight=2),
    row("HVALS", key, compare=compare.same_set, weight=2),
    row("HLEN", key, weight=2),
    row("HSTRLEN", key, field, weight=2),
    row("HEXISTS", key, field, weight=2),
    row("HDEL", key, many(1, 4, field), weight=3),
    row("HINCRBY", key, field, integer, weight=4),
    row("HINCRBY", key, field, small_int, weight=2),
    row("HINCRBYFLOAT", key, field, number, weight=4),
    row("HSCAN", key, one_of(b"0", b"0", b"0", index), scan_options, compare=compare.scan_page, weight=2),
    row("HRANDFIELD", key, maybe(count, maybe(one_of("WITHVALUES", "BOGUS"))), compare=compare.same_kind, weight=2),
    row("OBJECT ENCODING", key, weight=2),
]

FAMILY = Family("hashes", 30, ROWS, [scene(full_scan, 2.0), scene(random_fields, 3.0), scene(growing, 1.0),
                                     scene(large_values, 0.7)])
