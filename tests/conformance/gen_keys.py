"""Commands on keys of any type: existence, names, expiry, databases, iteration."""

import compare
import ops
from shapes import (at_millis, at_seconds, database, group, index, key, many, maybe, millis, one_of, pattern, seconds,
                    some_of,
                    value)
from table import Command, Family, row, scene

condition = some_of("NX", "XX", "GT", "LT", p=0.2)


def scan_options(d):
    return some_of(group("MATCH", pattern), group("COUNT", one_of(b"1", b"3", b"10", b"1000")),
                   group("TYPE", type_name))(d)


def type_name(d):
    return d.cased(d.choice(["string", "string", "hash", "list", "set", "zset", "stream", "nosuch"]))


def full_scan(gen):
    """In a shared keyspace, SCAN must look for this connection's keys only."""
    options = scan_options(gen.draw)
    if gen.shared:
        options += [b"MATCH", gen.draw.prefix + b"*"]
    return [ops.FullScan(options)]


def random_key(_gen):
    return [ops.RandomKey()]


def dying(gen):
    """A key with an end a few milliseconds away, and a twin that ends no sooner: when the twin is seen gone, the
    next command is the first to meet the dead key itself. The last step makes sure that it is really removed."""
    d = gen.draw
    name, twin = key(d), d.prefix + b"twin"
    end = b"1000" if d.chance(0.01) else b"%d" % d.int(1, 15)
    put = [Command([b"SET", name, value(d)])]
    ways = [[Command([b"SET", name, value(d), b"PX", end])], [Command([b"PSETEX", name, end, value(d)])],
            put + [Command([b"PEXPIRE", name, end])], put + [Command([b"GETEX", name, b"PX", end])]]
    if end == b"1000":
        ways = [[Command([b"SETEX", name, b"1", value(d)])], put + [Command([b"EXPIRE", name, b"1"])],
                [Command([b"SET", name, value(d), b"EX", b"1"])]]
    if d.chance(0.5):
        return d.choice(ways) + [ops.AwaitGone([name])] + [gen.on_key(name)]
    ways = d.choice(ways) + [Command([b"SET", twin, b"t", b"PX", end]), ops.AwaitGone([twin])]
    return ways + [gen.on_key(name), Command([b"EXISTS", name])]


def past(gen):
    """Every way to give a key an end that is over."""
    d = gen.draw
    name = key(d)
    way = d.choice([[b"EXPIREAT", name, b"1"], [b"PEXPIREAT", name, b"1"], [b"EXPIRE", name, b"-1"],
                    [b"PEXPIRE", name, b"-1"],
                    [b"EXPIRE", name, b"0"], [b"GETEX", name, b"EXAT", b"1"], [b"GETEX", name, b"PXAT", b"1"],
                    [b"SET", name, b"v", b"EXAT", b"1"], [b"SET", name, b"v", b"PXAT", b"1"],
                    [b"SET", name, b"v", b"PXAT", b"1", b"GET"],
                    [b"EXPIREAT", name, b"1", b"XX"], [b"EXPIREAT", name, b"1", b"LT"], [b"EXPIRE", name, b"-1", b"GT"],
                    [b"PEXPIREAT", name, b"-1", b"NX"]])
    return [Command([b"SET", name, value(d)]), Command(way), Command([b"EXISTS", name]), gen.on_key(name)]


def keyspace_walk(gen):
    """A key moved between databases and names, and looked at from both sides."""
    d = gen.draw
    name, other = key(d), key(d)
    here, there = d.choice([(b"0", b"1"), (b"1", b"0"), (b"0", b"2"), (b"0", b"0")])
    return [Command([b"SELECT", here]), gen.command(gen.draw.choice(gen.key_rows)),
            Command(d.choice([[b"MOVE", name, there], [b"COPY", name, other, b"DB", there],
                              [b"COPY", name, other, b"DB", there, b"REPLACE"],
                              [b"RENAME", name, other], [b"COPY", name, other, b"REPLACE"]])),
            Command([b"SELECT", there]), Command([b"PTTL", other], compare.within_ms),
            Command([b"GET", d.choice([name, other])]),
            Command([b"TTL", name], compare.within_s), Command([b"SELECT", here])]


ROWS = [
    row("DEL", many(1, 3, key), weight=3),
    row("UNLINK", many(1, 3, key), weight=2),
    row("EXISTS", many(1, 4, key), weight=3),
    row("TOUCH", many(1, 4, key)),
    row("TYPE", key, weight=2),
    row("KEYS", pattern, compare=compare.same_set, weight=2),
    row("SCAN", one_of(b"0", b"0", b"x", b"-1", b"18446744073709551616", b"", b"0x"),
        some_of(group("MATCH", pattern), group("COUNT", index), group("TYPE", type_name), "BOGUS"),
        compare=compare.scan_page),
    row("RENAME", key, key, weight=2),
    row("RENAMENX", key, key, weight=2),
    row("COPY", key, key, some_of(group("DB", database), "REPLACE"), weight=3),
    row("MOVE", key, database, weight=2),
    row("EXPIRE", key, seconds, condition, weight=3),
    row("PEXPIRE", key, millis, condition, weight=3),
    row("EXPIREAT", key, at_seconds, condition, weight=3),
    row("PEXPIREAT", key, at_millis, condition, weight=3),
    row("TTL", key, compare=compare.within_s, weight=2),
    row("PTTL", key, compare=compare.within_ms, weight=3),
    row("EXPIRETIME", key, compare=compare.end_s, weight=2),
    row("PEXPIRETIME", key, compare=compare.end_ms, weight=3),
    row("PERSIST", key, weight=2),
    row("OBJECT ENCODING", key, weight=2),
    row("OBJECT REFCOUNT", key),
    row("OBJECT FREQ", key, weight=0.5),
    row("OBJECT IDLETIME", key, compare=compare.idle_s, weight=0.5),
    row("OBJECT HELP", compare=compare.same_kind, weight=0.2),
    row("OBJECT", maybe(key), weight=0.3),
    row("DBSIZE", whole=True, weight=3),
    row("SELECT", database, weight=2),
    row("SWAPDB", database, database, whole=True, weight=0.5),
    row("FLUSHDB", maybe(one_of("SYNC", "ASYNC", "BOGUS")), whole=True, weight=0.4),
    row("FLUSHALL", maybe(one_of("SYNC", "ASYNC", "BOGUS")), whole=True, weight=0.1),
]

FAMILY = Family("keys", 30, ROWS, [scene(full_scan, 0.7), scene(random_key, 1.0, whole=True), scene(dying, 0.4),
                                   scene(past, 1.5),
                                   scene(keyspace_walk, 1.0)])
