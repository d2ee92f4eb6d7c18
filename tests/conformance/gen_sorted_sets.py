"""Sorted sets, alone and combined, and with sets."""

import compare
import ops
from shapes import (big, group, index, integer, key, many, maybe, number, one_of, pattern, small_int, some_of, text,
                    timeout, value)
from table import Command, Family, row, scene
from waiting import Waiting

MEMBERS = [b"a", b"b", b"c", b"d", b"e", b"1", b"2", b"10", b"-5", b"007", b"", b"m" * 64, b"m" * 65, b"nul\x00\r\n",
           b"9223372036854775807", b"9223372036854775808", b"\xff", b"a\x00", b"aa", b"-0", b"+1", b"z"]
SCORES = [b"0", b"1", b"2", b"3", b"-1", b"1.5", b"-2.25", b"0.1", b"100", b"inf", b"-inf", b"+inf", b"-0", b"1e20",
          b"1e100", b"-1e-7", b"0.000123", b"3.0", b"17179869184.5", b"4611686018427387904", b"9007199254740993",
          b"123456789012345678", b"0.30000000000000004"]


def member(d):
    draw = d.random()
    if draw < 0.8:
        return d.choice(MEMBERS)
    return small_int(d) if draw < 0.9 else value(d)


def score(d):
    draw = d.random()
    if draw < 0.6:
        return d.choice(SCORES)
    return small_int(d) if draw < 0.9 else number(d)


def bound(d):
    """An end of a range of scores."""
    draw = d.random()
    if draw < 0.08:
        return d.choice([b"", b"(", b"((1", b"x", b"nan", b"(nan", b" 1", b"1 ", b"0x2", b"[1", b"1\x00x", b"(inf"])
    return (b"(" if d.chance(0.25) else b"") + d.choice(SCORES + [b"inf", b"-inf", b"5", b"50", b"-50"])


def lex(d):
    """An end of a range of members."""
    if d.chance(0.08):
        return d.choice([b"", b"a", b"+a", b"-a", b"+\x00a", b"-\x00", b"5", b"nan"])
    return d.choice([b"-", b"+", b"[", b"(", b"[", b"("]) if d.chance(0.3) else \
        d.choice([b"[", b"("]) + d.choice(MEMBERS + [b"f", b"m", b"mm"])


def lex_range(d):
    return [b"-", b"+"] if d.chance(0.2) else [lex(d), lex(d)]


def lex_key(d):
    """A key whose members all have the score 0: what ranges of members are in others, nobody says, and in large ones it
    depends on Redis' dice."""
    return d.prefix + d.choice([b"lex:1", b"lex:2"])


def limit(d):
    return d.words(["LIMIT", b"%d" % d.int(-2, 12), b"%d" % d.int(-2, 12)]) if d.chance(0.9) else \
        d.words(["LIMIT", integer, maybe(integer)])


def count(d):
    return b"%d" % d.int(0, 12) if d.chance(0.8) else integer(d)


def keys_with_count(d):
    """numkeys key [key ...], mostly true."""
    names = [key(d) for _ in range(d.int(1, 4))]
    number_of = b"%d" % len(names) if d.chance(0.9) else d.choice([b"0", b"-1", b"2", b"5", b"x", b"99999999999"])
    return [number_of, *names]


def combining(scores):
    """numkeys key [key ...] and options whose number of weights mostly fits."""
    def draw(d):
        words = keys_with_count(d)
        options = []
        if d.chance(0.4):
            options.append(["WEIGHTS", *(score for _ in range(len(words) - 1 if d.chance(0.93) else 2))])
        if d.chance(0.4):
            options.append(["AGGREGATE", one_of("SUM", "MIN", "MAX", "MAX", "BOGUS" if d.chance(0.1) else "MIN")])
        if d.chance(0.6 if scores else 0.05):
            options.append(["WITHSCORES"])
        if d.chance(0.03):
            options.append(["LIMIT", b"1"])
        d.rng.shuffle(options)
        return words + d.words([word for option in options for word in option])
    return draw


def difference(scores):
    return lambda d: keys_with_count(d) + d.words([maybe("WITHSCORES", p=0.6 if scores else 0.05),
                                                    maybe("WEIGHTS", score, p=0.03)])


def scan_options(d):
    return some_of(group("MATCH", one_of(pattern, b"*", b"m*", b"?", b"-*")),
                   group("COUNT", one_of(b"1", b"3", b"10", b"1000", b"0", b"x")), "BOGUS", p=0.25)(d)


def full_scan(gen):
    d = gen.draw
    options = [word for word in scan_options(d) if word.upper() != b"BOGUS"]
    return [ops.FullScan(options, (b"ZSCAN", key(d)), width=2, numbers=True)]


def random_members(gen):
    d = gen.draw
    name = key(d)
    args, listing, width = [b"ZRANDMEMBER", name], [b"ZRANGE", name, b"0", b"-1"], 1
    if d.chance(0.8):
        args.append(b"%d" % d.int(-20, 200))
        if d.chance(0.5):
            args.append(b"WITHSCORES")
            listing.append(b"WITHSCORES")
            width = 2
    return [ops.RandomElements(args, listing, width)]


def pairs(d, members):
    """Scores and members that are each there once; few or many different scores."""
    spread = d.choice([0, 3, 1000])
    kind = d.choice([b"%d", b"%d.5", b"0.%d"])
    out = []
    for i in range(members):
        out += [kind % d.int(0, spread), b"m:%d" % i if d.chance(0.7) else b"%d" % i]
    return out


def whole(name):
    return Command([b"ZRANGE", name, b"0", b"-1", b"WITHSCORES"], compare.same_numbers)


def growing(gen):
    """A sorted set that passes the thresholds of the encodings, by its members or by one long one."""
    d = gen.draw
    name, other = key(d), key(d)
    members = pairs(d, d.choice([10, 126, 127, 128, 129, 300, 1000]))
    names = members[1::2]
    cut = 2 * d.int(1, len(names) - 1)
    encoding = Command([b"OBJECT", b"ENCODING", name])
    some = [d.choice(names) for _ in range(d.int(1, 50))]
    steps = [Command([b"DEL", name]), Command([b"ZADD", name, *members[:cut]]), encoding,
             Command([b"ZADD", name, *members[cut:]]), encoding, whole(name),
             Command([b"ZADD", name, b"7", d.choice(names) if d.chance(0.7) else big(d)]), encoding,
             Command([b"ZINCRBY", name, b"2.5", d.choice(names)], compare.same_numbers),
             Command([b"ZADD", name, b"CH", *(word for n in some for word in (b"%d" % d.int(0, 20), n))]),
             Command([b"ZRANK", name, d.choice(names)]), Command([b"ZREVRANK", name, d.choice(names)]),
             Command([b"ZREM", name, *some]), encoding, whole(name),
             ops.FullScan([b"COUNT", b"%d" % d.int(1, 50)], (b"ZSCAN", name), width=2, numbers=True),
             Command([b"COPY", name, other, b"REPLACE"]), whole(other),
             ops.RandomElements([b"ZRANDMEMBER", name, b"%d" % d.int(-300, 600)], [b"ZRANGE", name, b"0", b"-1"])]
    low = d.int(0, 400)
    steps += [Command([b"ZREMRANGEBYRANK", name, b"%d" % low, b"%d" % (low + d.int(0, 200))]),
              Command([b"ZREMRANGEBYSCORE", other, b"%d" % d.int(-5, 5), b"(%d" % d.int(0, 30)]),
              whole(name), whole(other), Command([b"EXISTS", name, other])]
    if d.chance(0.5):
        steps += [Command([b"ZREM", name, *names, b"a"]), Command([b"ZCARD", name]), Command([b"TYPE", name])]
    return steps


def lexical(gen):
    """All scores equal: ranges of members, small and large."""
    d = gen.draw
    name, other = key(d), key(d)
    members = [b"m:%d" % i for i in range(d.choice([5, 50, 300]))] + d.rng.sample(MEMBERS, 8)
    d.rng.shuffle(members)
    steps = [Command([b"DEL", name]), Command([b"ZADD", name, *(word for m in members for word in (b"0", m))])]

    def ends():
        low, high = sorted([d.choice(members), d.choice(members)])
        return [d.choice([b"[", b"("]) + low if d.chance(0.8) else b"-",
                d.choice([b"[", b"("]) + high if d.chance(0.8) else b"+"]

    for _ in range(d.int(2, 8)):
        low, high = ends()
        bounds = limit(d) if d.chance(0.5) else []
        steps += [Command([b"ZRANGEBYLEX", name, low, high, *bounds]), Command([b"ZLEXCOUNT", name, low, high]),
                  Command([b"ZREVRANGEBYLEX", name, high, low, *bounds]),
                  Command([b"ZRANGESTORE", other, name, high, low, b"BYLEX", b"REV", *bounds]), whole(other)]
    return steps + [Command([b"ZREMRANGEBYLEX", name, *ends()]), Command([b"ZRANGE", name, b"0", b"-1"])]


def small_lexical(gen):
    """Different scores in a small sorted set: there what Redis finds depends on nothing but the members."""
    d = gen.draw
    name = key(d)
    members = d.rng.sample([m for m in MEMBERS if len(m) < 65], d.int(1, 10))
    steps = [Command([b"DEL", name]), Command([b"ZADD", name, *(w for m in members for w in (small_int(d), m))])]
    for _ in range(d.int(1, 6)):
        low, high = lex_range(d)
        steps += [Command([b"ZRANGEBYLEX", name, low, high]), Command([b"ZLEXCOUNT", name, low, high]),
                  Command([b"ZREVRANGEBYLEX", name, high, low])]
    return steps + [Command([b"ZREMRANGEBYLEX", name, *lex_range(d)]), Command([b"ZRANGE", name, b"0", b"-1"])]


def not_sorted(gen):
    """Commands on ranges of members with a key that holds something else; which error comes first."""
    d = gen.draw
    name = key(d)
    steps = [Command([b"SET", name, b"x"])]
    for verb in (b"ZRANGEBYLEX", b"ZREVRANGEBYLEX", b"ZLEXCOUNT", b"ZREMRANGEBYLEX"):
        steps.append(Command([verb, name, *lex_range(d)]))
    return steps + [Command([b"ZRANGE", name, *lex_range(d), b"BYLEX"]), Command([b"DEL", name])]


def combined(gen):
    """Sorted sets and sets of several sizes, every operation on them, and what became of the destination."""
    d = gen.draw
    names = [key(d) for _ in range(d.int(2, 5))]
    steps = []
    for name in names:
        members = pairs(d, d.choice([0, 1, 3, 10, 50, 130, 300]))
        steps.append(Command([b"DEL", name]))
        if members:
            steps.append(Command([b"SADD", name, *members[1::2]] if d.chance(0.25) else [b"ZADD", name, *members]))
    for _ in range(d.int(1, 4)):
        chosen = [d.choice(names) for _ in range(d.int(1, 4))]
        verb = d.choice([b"ZINTER", b"ZUNION", b"ZDIFF"])
        target = key(d)
        words = [b"%d" % len(chosen), *chosen]
        cut = [b"LIMIT", b"%d" % d.int(0, 30)] if d.chance(0.5) else []
        if verb != b"ZDIFF" and d.chance(0.5):
            words += [b"WEIGHTS", *(d.choice([b"1", b"2", b"-1", b"0", b"0.5", b"inf"]) for _ in chosen)]
        if verb != b"ZDIFF" and d.chance(0.5):
            words += [b"AGGREGATE", d.choice([b"SUM", b"MIN", b"MAX"])]
        steps += [Command([verb, *words, b"WITHSCORES"], compare.same_numbers),
                  Command([b"ZINTERCARD", b"%d" % len(chosen), *chosen, *cut]),
                  Command([verb + b"STORE", target, *words]), whole(target),
                  Command([b"PTTL", target]), Command([b"OBJECT", b"ENCODING", target])]
    return steps


def popped(gen):
    """All members leave, in several pops from both ends."""
    d = gen.draw
    name = key(d)
    members = pairs(d, d.choice([1, 5, 60, 200]))
    steps = [Command([b"DEL", name]), Command([b"ZADD", name, *members])]
    for _ in range(d.int(1, 5)):
        number_of = b"%d" % d.int(1, len(members))
        pop = d.choice([[b"ZPOPMIN", name], [b"ZPOPMAX", name], [b"ZPOPMIN", name, number_of],
                        [b"ZPOPMAX", name, number_of], [b"ZMPOP", b"2", key(d), name, b"MAX", b"COUNT", number_of]])
        steps += [Command(pop, compare.same_numbers), Command([b"ZCARD", name])]
    return steps + [Command([b"ZPOPMAX", name, b"1000"], compare.same_numbers), Command([b"EXISTS", name])]


def waiting(gen):
    """Clients that wait for members, or for elements of a list in the same key, and one that adds both. (Where a client
    waits for two keys and one gets another type, that is an error in Redis 7.2 and is passed over in 7.0.)"""
    d = gen.draw
    lists = d.chance(0.5)
    keys = [d.prefix + b"w:%d" % n for n in range(2)]

    def waiter():
        some = [d.choice(keys) for _ in range(1 if lists else d.int(1, 2))]
        return d.choice([b"2", b"3"]), d.choice([
            [b"BZPOPMIN", *some, b"0"], [b"BZPOPMAX", *some, b"0"], [b"BLPOP" if lists else b"BZPOPMIN", some[0], b"0"],
            [b"BZMPOP", b"0", b"%d" % len(some), *some, d.choice([b"MIN", b"MAX"]), b"COUNT", b"%d" % d.int(1, 3)]])

    def change():
        one, other = d.choice(keys), d.choice(keys)
        new = [words for n in range(d.int(1, 4)) for words in (b"%d" % d.int(-9, 9), b"m%d" % n)]
        return d.choice([[b"ZADD", one, *new], [b"ZADD", one, *new], [b"ZADD", one, b"XX", *new], [b"RPUSH" if lists else b"ZADD", one, *new],
                         [b"ZINCRBY", one, b"1", b"m0"], [b"ZUNIONSTORE", one, b"1", other], [b"RENAME", one, other],
                         [b"DEL", one], [b"ZPOPMIN", one]])

    return [Command([b"SELECT", b"0"]), Command([b"DEL", *keys]),
            Waiting([waiter() for _ in range(d.int(1, 5))], [change() for _ in range(d.int(1, 6))], keys)]


def ranged(name, *words, weight=2):
    return row(name, *words, weight=weight, compare=compare.same_numbers)


RANGE_OPTIONS = some_of("WITHSCORES", "REV", limit, one_of("BYSCORE", "BYLEX"), p=0.3)
ROWS = [
    ranged("ZADD", key, some_of("NX", "XX", "GT", "LT", "CH", "INCR", p=0.08), many(1, 5, score, member), weight=12),
    ranged("ZADD", key, some_of("NX", "XX", "GT", "LT", "CH", p=0.15), "INCR", score, member, weight=2),
    ranged("ZINCRBY", key, score, member, weight=3),
    row("ZREM", key, many(1, 4, member), weight=3),
    ranged("ZSCORE", key, member),
    ranged("ZMSCORE", key, many(1, 5, member)),
    row("ZCARD", key, weight=1),
    row("ZCOUNT", key, bound, bound, weight=2),
    row("ZADD", lex_key, many(1, 5, b"0", member), weight=4, mutable=False),
    row("ZREM", lex_key, many(1, 3, member), weight=1),
    row("ZLEXCOUNT", lex_key, lex_range, weight=2),
    ranged("ZRANK", key, member, maybe("WITHSCORE", p=0.15)),
    ranged("ZREVRANK", key, member, maybe("WITHSCORE", p=0.15)),
    ranged("ZRANGE", key, index, index, maybe("REV", p=0.3), maybe("WITHSCORES"), weight=3),
    ranged("ZRANGE", key, bound, bound, "BYSCORE", maybe("REV", p=0.3), maybe(limit), maybe("WITHSCORES"), weight=3),
    ranged("ZRANGE", lex_key, lex_range, "BYLEX", maybe("REV", p=0.3), maybe(limit), weight=2),
    ranged("ZRANGE", lex_key, one_of(index, bound, lex), one_of(index, bound, lex), RANGE_OPTIONS, weight=2),
    ranged("ZREVRANGE", key, index, index, maybe("WITHSCORES"), maybe("REV", p=0.05), maybe(limit, p=0.05)),
    ranged("ZRANGEBYSCORE", key, bound, bound, some_of("WITHSCORES", limit, p=0.4), maybe("REV", p=0.05)),
    ranged("ZREVRANGEBYSCORE", key, bound, bound, some_of("WITHSCORES", limit, p=0.4), maybe("BYLEX", p=0.05)),
    ranged("ZRANGEBYLEX", lex_key, lex_range, maybe(limit), maybe("WITHSCORES", p=0.1)),
    ranged("ZREVRANGEBYLEX", lex_key, lex_range, maybe(limit), maybe("WITHSCORES", p=0.1)),
    row("ZRANGESTORE", key, key, index, index, maybe("REV", p=0.3), weight=1),
    row("ZRANGESTORE", key, key, bound, bound, "BYSCORE", some_of("REV", limit, p=0.3), weight=1),
    row("ZRANGESTORE", key, lex_key, one_of(index, bound, lex), one_of(index, bound, lex), RANGE_OPTIONS, weight=2),
    row("ZREMRANGEBYRANK", key, index, index, weight=1),
    row("ZREMRANGEBYSCORE", key, bound, bound, weight=1),
    row("ZREMRANGEBYLEX", lex_key, lex_range, weight=1),
    ranged("ZPOPMIN", key, maybe(count, maybe(b"BOGUS", p=0.1)), weight=1),
    ranged("ZPOPMAX", key, maybe(count, maybe(b"BOGUS", p=0.1)), weight=1),
    ranged("BZPOPMIN", key, maybe(key), timeout),
    ranged("BZPOPMAX", key, maybe(key), timeout),
    ranged("BZMPOP", timeout, keys_with_count, one_of("MIN", "MAX", "MID"), maybe("COUNT", count, p=0.5)),
    ranged("ZMPOP", keys_with_count, one_of("MIN", "MAX", "MIN", "MAX", "MID"), maybe("COUNT", count, p=0.5),
           weight=2),
    row("ZRANDMEMBER", key, maybe(count, some_of("WITHSCORES", "BOGUS", p=0.2)), compare=compare.same_length),
    row("ZSCAN", key, one_of(b"0", b"0", b"0", index), scan_options, compare=compare.scan_page, weight=2),
    ranged("ZUNION", combining(True)),
    ranged("ZINTER", combining(True)),
    ranged("ZDIFF", difference(True)),
    row("ZUNIONSTORE", key, combining(False), weight=2),
    row("ZINTERSTORE", key, combining(False), weight=2),
    row("ZDIFFSTORE", key, difference(False), weight=2),
    row("ZINTERCARD", keys_with_count, maybe("LIMIT", one_of(b"0", b"1", b"2", integer), p=0.4), weight=2),
    row("OBJECT ENCODING", key, weight=2),
    row("SADD", key, many(1, 6, member), weight=3),
    row("ZADD", key, many(1, 3, score, text), weight=1),
]

FAMILY = Family("sorted-sets", 30, ROWS, [scene(full_scan, 2.0), scene(random_members, 3.0), scene(growing, 1.5),
                                          scene(lexical, 1.5), scene(small_lexical, 1.5),
                                          scene(not_sorted, 0.5), scene(combined, 2.0), scene(popped, 1.0),
                                          scene(waiting, 2.0, whole=True)])
