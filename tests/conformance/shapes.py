"""Argument shapes: what one argument, or a few that belong together, may look like.

A shape is bytes, a str (a keyword, whose case varies), or a function of a Draw that returns bytes or a list of
bytes. Rows of the gen_*.py tables are made of shapes. Times are drawn so that no key is near its end while a run
lasts: relative ones are hours or days away, absolute ones long past or years ahead; only ops.py makes keys that
die.
"""

import random

MIN_TTL_MS = 10 ** 7
ABSOLUTE_S = [1, 1000, 10 ** 9, 2 * 10 ** 9, 2000000001, 2100000000, 2 ** 31 - 1, 2 ** 31, 3 * 10 ** 9, 4 * 10 ** 9]
ABSOLUTE_MS = [1, 1000, 10 ** 12, *(s * 1000 + ms for s in ABSOLUTE_S[3:] for ms in (0, 1, 499, 500, 999))]
ABSOLUTE = frozenset(ABSOLUTE_S + ABSOLUTE_MS + [s * 1000 for s in ABSOLUTE_S])

INT64_EDGES = [b"9223372036854775807", b"9223372036854775806", b"-9223372036854775808", b"-9223372036854775807",
               b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616",
               b"2147483647", b"2147483648", b"-2147483648", b"-2147483649", b"4294967295", b"4294967296",
               b"9223372036854775", b"9223372036854776", b"99999999999999999999999999"]
ALMOST_INTS = [b"+1", b" 1", b"1 ", b"01", b"-0", b"--1", b"-", b"+", b"0x10", b"1e3", b"1.0", b"1_000", b"1,5", b"",
               b"one", b"1\x00", b"\t1", b"-01", b"00", b"0.0", b"\xef\xbc\x91"]
FLOATS = [b"1.5", b"-1.5", b"0.1", b"3.0", b"5.0e3", b"1e10", b"-2.5E-3", b"1e17", b"1e18", b"1e-17",
          b"123456789.123456789",
          b"0.00000000000000001", b".5", b"5.", b"0.1000", b"1e400", b"-1e400", b"1e4932", b"1e-5000", b"0x1p4",
          b"-0.0", b"1e308",
          b"17.000000000000000001", b"99999999999999999.5", b"1e", b"1.5.5", b" 1.5", b"1.5 ", b"+1.5"]
NOT_FINITE = [b"inf", b"-inf", b"+inf", b"nan", b"Infinity", b"INF", b"-nan", b"infinit"]
BINARIES = [b"\x00", b"\r\n", b"a\x00b\r\nc", b"\xff\xfe\xfd", b"*1\r\n$4\r\nPING\r\n", b"\x80" * 9, b"+OK\r\n",
            b"\xc3\xa9t\xc3\xa9"]
HOT_KEYS = [b"a", b"b", b"c", b"k:1", b"k:2", b"int"]
COLD_KEYS = [b"k:3", b"float", b"big", b"exp", b"{t}1", b"{t}2", b"h?llo", b"h[a]llo", b"with space", b"",
             b"nul\x00\r\n\xff",
             b"K" * 60, b"x*y", b"back\\slash", b"long" * 75, b"12345", b"\xc3\xa9"]


class Draw:
    """The source of every random choice of one sequence: same seed, same commands."""

    def __init__(self, seed, prefix=b"", protocol="both"):
        self.rng = random.Random(seed)
        self.random = self.rng.random
        self.choice = self.rng.choice
        self.prefix = prefix
        self.protocol = protocol
        self.forced_key = None

    def int(self, low, high):
        return self.rng.randint(low, high)

    def chance(self, probability):
        return self.random() < probability

    def words(self, shapes):
        """The argument list that a sequence of shapes stands for."""
        out = []
        for shape in shapes:
            made = shape(self) if callable(shape) else shape
            if isinstance(made, bytes):
                out.append(made)
            elif isinstance(made, str):
                out.append(self.cased(made))
            else:
                out.extend(made)
        return out

    def cased(self, word):
        draw = self.random()
        if draw > 0.15:
            return word.encode()
        if draw > 0.05:
            return word.lower().encode()
        return "".join(c.lower() if self.chance(0.5) else c for c in word).encode()


def key(d):
    if d.forced_key is not None:
        return d.forced_key
    return d.prefix + d.choice(HOT_KEYS if d.chance(0.6) else COLD_KEYS)


key.is_key = True  # What takes Draw.forced_key says so.


def text(d):
    return bytes(d.rng.choices(b"abcdefghijklmnopqrstuvwxyz0123456789 ", k=d.int(1, 30)))


def embstr_edge(d):
    return b"e" * d.int(40, 50)


def big(d):
    size = d.choice([1000, 1024, 4096, 16384, 32767, 32768, 65536, 100000, d.int(1000, 100000)])
    return (b"%08x" % d.rng.getrandbits(32)) * (size // 8) + b"x" * (size % 8)


def small_int(d):
    return b"%d" % d.choice([0, 1, -1, 2, 10, 9999, 10000, d.int(-1000, 1000), d.int(-10 ** 6, 10 ** 9)])


def integer(d):
    """An integer argument: mostly good."""
    draw = d.random()
    if draw < 0.75:
        return small_int(d)
    return d.choice(INT64_EDGES) if draw < 0.92 else d.choice(ALMOST_INTS)


def number(d):
    """A float argument: mostly good."""
    draw = d.random()
    if draw < 0.35:
        return b"%.*f" % (d.int(0, 8), d.rng.uniform(-1000, 1000))
    if draw < 0.8:
        return d.choice(FLOATS)
    return d.choice(NOT_FINITE) if draw < 0.86 else integer(d)


def value(d):
    draw = d.random()
    if draw < 0.30:
        return small_int(d)
    if draw < 0.55:
        return text(d)
    if draw < 0.62:
        return d.choice(INT64_EDGES)
    if draw < 0.70:
        return d.choice(ALMOST_INTS)
    if draw < 0.80:
        return d.choice(FLOATS)
    if draw < 0.83:
        return d.choice(NOT_FINITE)
    if draw < 0.90:
        return d.choice(BINARIES)
    if draw < 0.96:
        return embstr_edge(d)
    return big(d) if draw < 0.97 else b""


def index(d):
    """A position in a string, from either end."""
    draw = d.random()
    if draw < 0.8:
        return b"%d" % d.int(-20, 20)
    return d.choice(INT64_EDGES) if draw < 0.95 else d.choice(ALMOST_INTS)


def offset(d):
    """A byte offset that SETRANGE may write at: small, or far too large."""
    draw = d.random()
    if draw < 0.85:
        return b"%d" % d.choice([0, 1, 5, d.int(0, 60), d.int(0, 5000)])
    return d.choice([b"-1", b"536870912", b"536870911", b"9223372036854775807", b"x", b"1.5", b"99999999999999999999"])


def bit_offset(d):
    draw = d.random()
    if draw < 0.88:
        return b"%d" % d.choice([0, 1, 7, 8, d.int(0, 400), d.int(0, 20000)])
    return d.choice([b"-1", b"4294967296", b"9223372036854775807", b"x", b"1.5", b"", b"99999999999999999999"])


def bad_ttl(d):
    return d.choice([b"0", b"-1", b"-9223372036854775808", b"9223372036854775807", b"9223372036854775808",
                     b"99999999999999999999", b"x", b"", b"1.5", b" 20000000", b"+20000000", b"9223372036854775"])


def seconds(d):
    return b"%d" % d.int(MIN_TTL_MS // 1000, 10 ** 7) if d.chance(0.88) else bad_ttl(d)


def millis(d):
    return b"%d" % d.int(MIN_TTL_MS, 10 ** 10) if d.chance(0.88) else bad_ttl(d)


def at_seconds(d):
    return b"%d" % d.choice(ABSOLUTE_S) if d.chance(0.9) else bad_ttl(d)


def at_millis(d):
    return b"%d" % d.choice(ABSOLUTE_MS) if d.chance(0.9) else bad_ttl(d)


def database(d):
    draw = d.random()
    if draw < 0.92:
        return b"%d" % d.choice([0, 0, 0, 1, 1, 2, 15])
    return d.choice([b"-1", b"16", b"3", b"9", b"x", b"", b"2147483648", b"4294967296", b"99999999999999999999", b"1.0",
                     b" 1", b"01"])


def pattern(d):
    return d.prefix + d.choice([b"*", b"*", b"?", b"k:*", b"h?llo", b"h[a-c]llo", b"h\\[a\\]llo", b"*:*", b"[^a]",
                                b"[a-", b"[", b"a\\",
                                b"**", b"*1", b"{t}[12]", b"back\\\\*", b"", b"[]a]", b"[z-a]", b"k:[0-9]", b"x\\*y",
                                b"K" * 60, b"*\x00*",
                                b"[\\a]", b"*o", b"*l*o", b"nosuch*", b"[a-c]", b"[^a-c]*", b"k[:]1", b"[!a]"])


def maybe(*shapes, p=0.5):
    return lambda d: d.words(shapes) if d.chance(p) else []


def one_of(*shapes):
    return lambda d: d.words([d.choice(shapes)])


def group(*shapes):
    return lambda d: d.words(shapes)


def some_of(*shapes, p=0.3):
    """Any of the shapes, in any order: options that may conflict."""
    def draw(d):
        picked = [shape for shape in shapes if d.chance(p)]
        d.rng.shuffle(picked)
        return d.words(picked)
    return draw


def many(low, high, *shapes):
    return lambda d: d.words(shapes * d.int(low, high))


def timeout(d):
    """Of a command that waits for keys: some milliseconds, or wrong; never long."""
    return d.choice([b"0.001", b"0.002", b"0.0001", b"1e-3", b"5e-324"]) if d.chance(0.8) else d.choice(
        [b"-1", b"-0.1", b"x", b"", b"nan", b"-inf", b"1e-3x", b"1_0"])
