"""SORT of lists, sets and sorted sets that only this family has: Redis makes a skiplist of a sorted set that it sorts.

What Redis leaves to chance is not drawn: texts to sort by differ from element to element, but for lists without LIMIT,
which Redis sorts stably. Redis 7.0 takes a number for out of range if an earlier command read one that was (it looks
at errno without setting it before), so each SORT of numbers comes behind a command that does set it.
"""

import compare
from shapes import integer, maybe, one_of, small_int
from table import Command, Family, row, scene

NUMBERS = [b"0", b"1", b"2", b"3", b"10", b"-5", b"1.5", b"-2.25", b"1e3", b"0x1F", b"007", b" 4", b"+6", b"inf",
           b"-inf", b"1.0", b"01", b"-0", b"9223372036854775807", b"9007199254740993", b""]
TEXTS = [b"a", b"b", b"B", b"aa", b"ab", b"z" * 70, b"10", b"9", b"1 2", b"\xff", b"\xc3\xa9", b"->", b"*", b"#",
         b"x->y"]
TYPES = [b"l", b"s", b"z"]


def own(d, name):
    return d.prefix + b"so:" + name


def source(d):
    return own(d, d.choice([b"l", b"l2", b"s", b"s2", b"z", b"z2", b"str", b"h", b"none"]))


def get_patterns(d):
    """Some GETs; every key that they may name is there for some elements."""
    patterns = [b"#", own(d, b"w_*"), own(d, b"t_*"), own(d, b"h_*->n"), own(d, b"h_*->t"), own(d, b"h_*->none"),
                own(d, b"w_*->n"), own(d, b"h_*"), own(d, b"h_*->"), own(d, b"fixed"), own(d, b"*"), b"*", b"##", b""]
    out = []
    for _ in range(d.choice([0, 0, 1, 1, 2, 3])):
        out += [d.cased("GET"), d.choice(patterns)]
    return out


def limit(d):
    if d.chance(0.5):
        return []
    bounds = [b"%d" % d.int(-2, 12), b"%d" % d.int(-2, 12)] if d.chance(0.8) else [integer(d), integer(d)]
    return [d.cased("LIMIT"), *bounds]


class Call:
    """One SORT with what there is to know of its reply."""

    def __init__(self, d, kind, numbers):
        alpha = d.chance(0.3 if numbers else 0.95)
        cut = limit(d)
        by = [None, None, b"nosort", b"w_*", b"w_*", b"h_*->n", b"t_*"]
        if alpha:
            stable = kind == b"l" and not cut
            by = [None, b"nosort", b"t_*", b"t_*", b"h_*->t"] + ([b"w_*", b"h_*->n", b"no_*"] if stable else [])
        self.by = d.choice(by)
        options = [get_patterns(d), cut, [d.cased("ALPHA")] if alpha else [],
                   [d.cased(d.choice(["ASC", "DESC"]))] if d.chance(0.5) else [],
                   [d.cased("BY"), self.by if self.by == b"nosort" else own(d, self.by)] if self.by else []]
        self.store = own(d, d.choice([b"to", b"l2", b"s2"])) if d.chance(0.3) else None
        if self.store:
            options.append([d.cased("STORE"), self.store])
        d.rng.shuffle(options)
        if d.chance(0.05):
            options.append(d.choice([[b"BOGUS"], [b"BY"], [b"GET"], [b"STORE"], [b"LIMIT", b"1"],
                                     [b"LIMIT", b"1", b"x"]]))
        self.words = [word for option in options for word in option]
        self.name = b"SORT" if self.store or d.chance(0.6) else b"SORT_RO"
        self.compare = compare.exact
        if kind == b"s" and self.by == b"nosort" and not self.store:
            self.compare = compare.same_length if cut else compare.same_set

    def steps(self, d, key):
        out = [Command([b"INCRBYFLOAT", own(d, b"errno"), b"1"]), Command([self.name, key, *self.words], self.compare)]
        if self.store:
            out += [Command([b"LRANGE", self.store, b"0", b"-1"]), Command([b"PTTL", self.store]),
                    Command([b"DEL", self.store])]
        return out


def filled(d, key, kind, elements):
    if kind == b"z":
        return Command([b"ZADD", key, *(word for e in elements for word in (b"%d" % d.int(-9, 9), e))])
    return Command([b"RPUSH" if kind == b"l" else b"SADD", key, *elements])


def weights(d, elements):
    """Numbers to sort by, which are the same for many and missing for some; and texts, different for each."""
    out = []
    for element in sorted(set(elements)):
        text = b"%s:%s" % (element[::-1], element)
        number = d.choice(NUMBERS[:-1]) if d.chance(0.98) else b"x"
        out.append(Command([b"SET", own(d, b"t_" + element), text]))
        out.append(Command([b"HSET", own(d, b"h_" + element), b"t", text, b"n", number]))
        out.append(Command([b"SET", own(d, b"w_" + element), number] if d.chance(0.8) else
                           [b"DEL", own(d, b"w_" + element)]))
    return out


def sorting(gen):
    d = gen.draw
    kind = d.choice(TYPES)
    numbers = d.chance(0.7)
    key = own(d, kind)
    pool = NUMBERS + [b"%d" % n for n in range(30)] if numbers else NUMBERS[:10] + TEXTS
    elements = [d.choice(pool) for _ in range(d.choice([1, 3, 8, 20]))]
    if numbers and d.chance(0.1):
        elements.append(d.choice([b"x", b"1x", b"nan", b"1 ", b" "]))
    steps = [Command([b"DEL", key]), *weights(d, elements), filled(d, key, kind, elements)]
    for _ in range(d.int(3, 10)):
        steps += Call(d, kind, numbers).steps(d, key)
    return steps


def large(gen):
    """Many elements: other encodings, and lists that become nodes."""
    d = gen.draw
    kind = d.choice(TYPES)
    key = own(d, kind)
    size = d.choice([130, 600, 2000])
    elements = [b"%d" % d.int(-size, size) if d.chance(0.9) else b"%d.5" % d.int(0, size) for _ in range(size)]
    steps = [Command([b"DEL", key]), filled(d, key, kind, elements)]
    for _ in range(d.int(1, 4)):
        call = Call(d, kind, True)
        if call.by in (None, b"nosort"):
            steps += call.steps(d, key)
    return steps


def to_itself(gen):
    """STORE into the key that is sorted, in a transaction or not."""
    d = gen.draw
    key = own(d, b"l")
    steps = [Command([b"DEL", key]), filled(d, key, b"l", [d.choice(TEXTS) for _ in range(d.int(1, 9))])]
    sort = Command([b"SORT", key, b"ALPHA", *d.choice([[], [b"GET", b"#", b"GET", own(d, b"t_*")]]), b"STORE", key])
    steps += [Command([b"MULTI"]), sort, Command([b"EXEC"])] if d.chance(0.5) else [sort]
    return steps + [Command([b"LRANGE", key, b"0", b"-1"])]


def by_text(d):
    return [d.cased("BY"), own(d, b"t_*"), *([d.cased("DESC")] if d.chance(0.5) else [])]


ROWS = [
    row("SORT", source, "ALPHA", get_patterns, limit, maybe("DESC"), weight=3, mutable=False),
    row("SORT_RO", source, "ALPHA", get_patterns, limit, maybe("DESC"), weight=3, mutable=False),
    row("SORT", source, "ALPHA", maybe("DESC"), "STORE", lambda d: own(d, d.choice([b"to", b"l2"])), weight=2,
        mutable=False),
    row("SORT_RO", lambda d: own(d, b"all"), by_text, "ALPHA", get_patterns, mutable=False),
    row("RPUSH", lambda d: own(d, b"l2"), one_of(*TEXTS), small_int, weight=2, mutable=False),
    row("SADD", lambda d: own(d, b"s2"), one_of(*TEXTS), small_int, weight=2, mutable=False),
    row("ZADD", lambda d: own(d, b"z2"), small_int, one_of(*TEXTS), small_int, one_of(*TEXTS), weight=2, mutable=False),
    row("DEL", source, mutable=False),
    row("SET", lambda d: own(d, b"str"), small_int, mutable=False),
    row("HSET", lambda d: own(d, b"h"), "f", small_int, mutable=False),
    row("COMMAND GETKEYS", "SORT", source, get_patterns, limit, maybe("STORE", source), mutable=False),
]

FAMILY = Family("sort", 15, ROWS, [scene(sorting, 8.0, whole=True), scene(large, 1.0, whole=True),
                                   scene(to_itself, 1.0)])
