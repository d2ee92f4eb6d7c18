"""Lists. Commands that wait come alone with a short timeout, and in company (waiting.py)."""

import compare
from shapes import group, index, integer, key, many, maybe, one_of, small_int, some_of, timeout, value
from table import Command, Family, row, scene
from waiting import Waiting

LISTS = [b"l:1", b"l:2", b"l:3"]
END = one_of("LEFT", "RIGHT")


def list_key(d):
    """Mostly a key that lists alone have, so that lists live long enough to grow."""
    if d.forced_key is None and d.chance(0.85):
        return d.prefix + d.choice(LISTS)
    return key(d)


list_key.is_key = True


def element(d):
    """Often one of a few, so that searches find something."""
    return d.choice([b"a", b"b", b"c", b"1", b"2", b"-5", b"x" * 70, b""]) if d.chance(0.6) else value(d)


def end(d):
    return END(d) if d.chance(0.95) else b"MIDDLE"


def small_count(d):
    return b"%d" % d.int(0, 5) if d.chance(0.8) else integer(d)


def signed_count(d):
    return b"%d" % d.int(-3, 3) if d.chance(0.85) else integer(d)


def removal_count(d):
    """Not the least integer, which has no negation: Larder refuses it (docs/DIFFERENCES.md)."""
    count = signed_count(d)
    return b"-1" if count == b"-9223372036854775808" else count


def keys_with_number(d):
    """numkeys and keys, of which the number is wrong at times."""
    keys = [list_key(d) for _ in range(d.int(1, 4))]
    number = b"%d" % len(keys) if d.chance(0.93) else integer(d)
    return [number, *keys]


def form(gen):
    """One list across the thresholds of its encoding, by bytes, up and down, with a look at every step."""
    d = gen.draw
    name = d.prefix + b"l:form"
    size = d.choice([1, 10, 100, 1000, 4000, 8000, 9000, 20000])
    steps = [Command([b"DEL", name])]

    def look():
        for words in ([b"OBJECT", b"ENCODING", name], [b"LLEN", name]):
            steps.append(Command(words))

    pushed = 0
    while pushed < 9000 + size and len(steps) < 120:
        batch = d.int(1, max(1, 3000 // size))
        steps.append(Command([d.choice([b"RPUSH", b"LPUSH"]), name, *[b"%0*d" % (size, d.int(0, 99))] * batch]))
        pushed += batch * (size + 3)
        look()
    for _ in range(d.int(3, 25)):
        steps.append(Command(d.choice([
            [b"LPOP", name, b"%d" % d.int(1, 20)], [b"RPOP", name, b"%d" % d.int(1, 20)],
            [b"LSET", name, b"%d" % d.int(-3, 3), b"s" * d.choice([1, size, 5000, 9000])],
            [b"LINSERT", name, d.choice([b"BEFORE", b"AFTER"]), b"%0*d" % (size, d.int(0, 99)), b"i" * d.int(1, 3000)],
            [b"LREM", name, b"%d" % d.int(-3, 3), b"%0*d" % (size, d.int(0, 99))],
            [b"LTRIM", name, b"%d" % d.int(0, 5), b"%d" % d.int(-20, -1)],
            [b"LMOVE", name, name, b"LEFT", b"RIGHT"], [b"RPOPLPUSH", name, name],
            [b"LINDEX", name, b"%d" % d.int(-300, 300)],
            [b"LRANGE", name, b"%d" % d.int(-300, 300), b"%d" % d.int(-300, 300)],
        ])))
        look()
    steps.append(Command([b"LRANGE", name, b"0", b"-1"]))
    return steps


def limits(gen):
    """The same limits by number of elements, and back."""
    d = gen.draw
    size = d.choice([b"-1", b"-3", b"-5", b"1", b"4", b"100"])
    back = [b"CONFIG", b"SET", b"list-max-listpack-size", b"-2"]
    return [Command([b"CONFIG", b"SET", b"list-max-listpack-size", size]), *form(gen), Command(back)]


def waiting(gen):
    """Several clients that wait, and one that lets them have elements. Where two keys of one waiter have elements at
    once, Redis 7.0 takes from the one that had them first, 7.2 from the first that the command names: so there are
    either several keys, or moves between keys, or databases that change places."""
    d = gen.draw
    keys = [d.prefix + b"w:%d" % n for n in range(3)]
    kind = d.choice(["several keys", "moves", "databases"])

    def waiter():
        some = [d.choice(keys) for _ in range(d.int(1, 3) if kind == "several keys" else 1)]
        ends = [d.choice([b"LEFT", b"RIGHT"]) for _ in range(2)]
        pops = [[b"BLPOP", *some, b"0"], [b"BRPOP", *some, b"0"],
                [b"BLMPOP", b"0", b"%d" % len(some), *some, ends[0], b"COUNT", b"%d" % d.int(1, 3)]]
        moves = [[b"BRPOPLPUSH", d.choice(keys), d.choice(keys), b"0"],
                 [b"BLMOVE", d.choice(keys), d.choice(keys), *ends, b"0"]]
        return d.choice([b"2", b"3"]), d.choice(pops + moves if kind == "moves" else pops)

    def change():
        one, other = d.choice(keys), d.choice(keys)
        new = [b"%d" % d.int(0, 99) for _ in range(d.int(1, 4))]
        changes = [[b"LPUSH", one, *new], [b"RPUSH", one, *new], [b"RPUSH", one, *new], [b"LPUSHX", one, *new],
                   [b"RENAME", one, other], [b"COPY", one, other, b"REPLACE"], [b"RPOPLPUSH", one, other],
                   [b"LINSERT", one, b"AFTER", new[0], b"x"], [b"DEL", one], [b"LPOP", one]]
        return d.choice(changes if kind != "databases" else changes + [[b"SWAPDB", b"0", b"1"]] * 2)

    first = [Command([b"SELECT", b"0"]), Command([b"DEL", *keys]), Command([b"SELECT", b"1"]), Command([b"DEL", *keys]),
             Command([b"SELECT", b"0"])]
    return [*first, Waiting([waiter() for _ in range(d.int(1, 5))], [change() for _ in range(d.int(1, 6))], keys)]


ROWS = [
    row("LPUSH", list_key, many(1, 6, element), weight=6),
    row("RPUSH", list_key, many(1, 6, element), weight=6),
    row("LPUSHX", list_key, many(1, 3, element), weight=2),
    row("RPUSHX", list_key, many(1, 3, element), weight=2),
    row("LPOP", list_key, maybe(small_count), weight=3),
    row("RPOP", list_key, maybe(small_count), weight=3),
    row("LLEN", list_key, weight=3),
    row("LRANGE", list_key, index, index, weight=5),
    row("LINDEX", list_key, index, weight=4),
    row("LSET", list_key, index, element, weight=3),
    row("LINSERT", list_key, one_of("BEFORE", "AFTER", "BESIDE"), element, element, weight=3),
    row("LREM", list_key, removal_count, element, weight=3),
    row("LTRIM", list_key, index, index, weight=1),
    row("LPOS", list_key, element,
        some_of(group("RANK", signed_count), group("COUNT", small_count), group("MAXLEN", small_count)), weight=4),
    row("LMOVE", list_key, list_key, end, end, weight=3),
    row("RPOPLPUSH", list_key, list_key, weight=2),
    row("LMPOP", keys_with_number, end, maybe(group("COUNT", small_count)), weight=3),
    row("BLPOP", many(1, 3, list_key), timeout),
    row("BRPOP", many(1, 3, list_key), timeout),
    row("BLMOVE", list_key, list_key, end, end, timeout),
    row("BRPOPLPUSH", list_key, list_key, timeout),
    row("BLMPOP", timeout, keys_with_number, end, maybe(group("COUNT", small_count))),
    row("DEL", list_key),
    row("RENAME", list_key, list_key),
    row("COPY", list_key, list_key, maybe("REPLACE")),
    row("TYPE", list_key),
    row("SET", list_key, value, weight=0.3),
    row("OBJECT ENCODING", list_key, weight=3),
    row("TTL", list_key, compare=compare.within_s),
    row("GETRANGE", list_key, small_int, small_int, weight=0.3),
]

FAMILY = Family("lists", 40, ROWS, [scene(form, 3.0), scene(limits, 1.0, whole=True),
                                    scene(waiting, 3.0, whole=True)])
