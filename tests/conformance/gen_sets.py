"""Sets, alone and combined."""

import compare
import ops
from shapes import (big, index, integer, key, many, maybe, one_of, group, pattern, small_int, some_of, text, value)
from table import Command, Family, row, scene

MEMBERS = [b"a", b"b", b"c", b"d", b"1", b"2", b"3", b"-5", b"007", b"", b"m" * 64, b"m" * 65, b"nul\x00\r\n", b"32767",
           b"32768", b"-32769", b"2147483648", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808",
           b"\xff", b"\xff\x01", b"\xfe", b"\xfe\xff\x07", b"-0", b"+1"]


def member(d):
    draw = d.random()
    if draw < 0.75:
        return d.choice(MEMBERS)
    return small_int(d) if draw < 0.88 else value(d)


def count(d):
    return b"%d" % d.int(0, 12) if d.chance(0.8) else integer(d)


def scan_options(d):
    return some_of(group("MATCH", one_of(pattern, b"*", b"m*", b"?", b"-*")),
                   group("COUNT", one_of(b"1", b"3", b"10", b"1000", b"0", b"x")), "BOGUS", p=0.25)(d)


def full_scan(gen):
    d = gen.draw
    options = [word for word in scan_options(d) if word.upper() != b"BOGUS"]
    return [ops.FullScan(options, (b"SSCAN", key(d)))]


def random_members(gen):
    d = gen.draw
    name = key(d)
    args = [b"SRANDMEMBER", name, *([b"%d" % d.int(-20, 200)] if d.chance(0.7) else [])]
    return [ops.RandomElements(args, [b"SMEMBERS", name])]


def numbered(d, members):
    """Integers, or integers and other texts, of one of the widths."""
    first = d.choice([0, 0, 32700, 2 ** 31 - 300, -300])
    texts = d.chance(0.5)
    return [b"m:%d" % i if texts and i % 3 == 0 else b"%d" % (first + i) for i in range(members)]


def growing(gen):
    """A set that passes the thresholds of the encodings, by its members or by one of another kind."""
    d = gen.draw
    name, other = key(d), key(d)
    members = numbered(d, d.choice([100, 127, 128, 129, 500, 511, 512, 513, 600]))
    encoding = Command([b"OBJECT", b"ENCODING", name])
    cut = d.int(1, len(members) - 1)
    steps = [Command([b"DEL", name]), Command([b"SADD", name, *members[:cut]]), encoding,
             Command([b"SADD", name, *members[cut:]]), encoding,
             Command([b"SADD", name, member(d) if d.chance(0.7) else big(d)]), encoding,
             Command([b"SMEMBERS", name], compare.same_set),
             Command([b"SREM", name, *(d.choice(members) for _ in range(d.int(1, 100)))]), encoding,
             Command([b"SMISMEMBER", name, *members[::7], member(d)]),
             ops.FullScan([b"COUNT", b"%d" % d.int(1, 50)], (b"SSCAN", name)),
             Command([b"COPY", name, other, b"REPLACE"]), Command([b"SCARD", other]),
             ops.RandomElements([b"SRANDMEMBER", name, b"%d" % d.int(-300, 600)], [b"SMEMBERS", name])]
    if d.chance(0.5):
        return steps + [Command([b"SREM", name, *members, b"a"]), Command([b"SCARD", name]), Command([b"TYPE", other])]
    return steps


def combined(gen):
    """Sets of several sizes and kinds, every operation on them, and what became of the destination."""
    d = gen.draw
    names = [key(d) for _ in range(d.int(2, 5))]
    steps = []
    for name in names:
        members = numbered(d, d.choice([0, 1, 3, 10, 50, 130, 300, 600]))
        steps.append(Command([b"DEL", name]))
        if members:
            steps.append(Command([b"SADD", name, *d.rng.sample(members, max(1, len(members) * d.int(3, 10) // 10))]))
    for _ in range(d.int(1, 4)):
        chosen = [d.choice(names) for _ in range(d.int(1, 4))]
        verb = d.choice([b"SINTER", b"SUNION", b"SDIFF"])
        target = key(d)
        limit = [b"LIMIT", b"%d" % d.int(0, 30)] if d.chance(0.5) else []
        steps += [Command([verb, *chosen], compare.same_set), Command([verb + b"STORE", target, *chosen]),
                  Command([b"SINTERCARD", b"%d" % len(chosen), *chosen, *limit]),
                  Command([b"SMEMBERS", target], compare.same_set), Command([b"PTTL", target]),
                  Command([b"OBJECT", b"ENCODING", target])]
    return steps


def popped(gen):
    """All members leave, in several pops; which ones they are, is each server's own choice, so that only their number
    is compared, and the end."""
    d = gen.draw
    name = key(d)
    members = numbered(d, d.choice([1, 5, 60, 200, 600]))
    steps = [Command([b"DEL", name]), Command([b"SADD", name, *members])]
    for _ in range(d.int(1, 4)):
        pop = [b"SPOP", name] + ([b"%d" % d.int(0, len(members))] if d.chance(0.7) else [])
        steps += [Command(pop, compare.same_length), Command([b"SCARD", name]),
                  ops.RandomElements([b"SRANDMEMBER", name, b"1000"], [b"SMEMBERS", name])]
    return steps + [Command([b"SPOP", name, b"1000"], compare.same_length), Command([b"EXISTS", name])]


ROWS = [
    row("SADD", key, many(1, 6, member), weight=10),
    row("SREM", key, many(1, 4, member), weight=3),
    row("SMOVE", key, key, member, weight=3),
    row("SISMEMBER", key, member, weight=2),
    row("SMISMEMBER", key, many(1, 5, member), weight=2),
    row("SMEMBERS", key, compare=compare.same_set, weight=3),
    row("SCARD", key, weight=2),
    row("SRANDMEMBER", key, maybe(count, maybe(b"BOGUS", p=0.1)), compare=compare.same_length, weight=2),
    row("SSCAN", key, one_of(b"0", b"0", b"0", index), scan_options, compare=compare.scan_page, weight=2),
    row("SINTER", many(1, 4, key), compare=compare.same_set, weight=3),
    row("SUNION", many(1, 4, key), compare=compare.same_set, weight=3),
    row("SDIFF", many(1, 4, key), compare=compare.same_set, weight=3),
    row("SINTERCARD", one_of(b"1", b"2", b"2", b"3", integer), many(1, 3, key),
        maybe("LIMIT", one_of(b"0", b"1", b"2", integer), p=0.4), weight=3),
    row("SINTERSTORE", key, many(1, 4, key), weight=2),
    row("SUNIONSTORE", key, many(1, 4, key), weight=2),
    row("SDIFFSTORE", key, many(1, 4, key), weight=2),
    row("OBJECT ENCODING", key, weight=2),
    row("SADD", key, many(1, 6, text), weight=1),
]

FAMILY = Family("sets", 30, ROWS, [scene(full_scan, 2.0), scene(random_members, 3.0), scene(growing, 1.0),
                                   scene(combined, 2.0), scene(popped, 1.0)])
