"""Scripts and functions: fixed texts with drawn keys and arguments, right and wrong; EVALSHA before and behind EVAL."""

import hashlib

from script_texts import FUNCTIONS, TEXTS
from shapes import key, many, one_of, value
from table import Command, Family, row, scene


def text(d):
    return d.choice(TEXTS).encode("latin-1")


def sha(d):
    digest = hashlib.sha1(text(d)).hexdigest()
    return d.choice([digest, digest, digest.upper(), digest[:-1], "x" * 40, ""]).encode()


def library(d):
    head = d.choice(["#!lua name=l\n"] * 12 + ["#!lua\n", "#!foo name=l\n", "#!lua name=l name=m\n", "", "#!lua name=l",
                                              "#!lua name=a-b\n", "#!LUA name=l\n", "#!lua name=l x=1\n"])
    return (head + d.choice(FUNCTIONS)).encode()


def functions(gen):
    """A library for this sequence, which the servers then have nothing left of."""
    d = gen.draw
    steps = [Command([b"FUNCTION", b"FLUSH"])]
    for _ in range(d.int(1, 3)):
        steps.append(Command([b"FUNCTION", b"LOAD", *d.choice([[], [b"REPLACE"]]), library(d)]))
        steps.append(Command([d.choice([b"FCALL", b"FCALL_RO"]), d.choice([b"f", b"f", b"f", b"g"]),
                              d.choice([b"2", b"2", b"2", b"0", b"9", b"-1", b"x"]), key(d), key(d), value(d)]))
    steps.append(Command(d.choice([[b"FUNCTION", b"LIST"], [b"FUNCTION", b"LIST", b"WITHCODE"],
                                   [b"FUNCTION", b"LIST", b"LIBRARYNAME", b"?"], [b"FUNCTION", b"LIST", b"x"],
                                   [b"FUNCTION", b"STATS"], [b"FUNCTION", b"DELETE", b"l"],
                                   [b"FUNCTION", b"RESTORE", b"x"], [b"FUNCTION", b"LIST", b"LIBRARYNAME"]])))
    return [*steps, Command([b"FUNCTION", b"FLUSH"])]


two_keys = one_of(b"2", b"2", b"2", b"2", b"2", b"2", b"0", b"1", b"4", b"5", b"-1", b"x")

FAMILY = Family("scripts", 4, [
    row("EVAL", text, b"2", key, key, value, value, weight=10, mutable=False),
    row("EVAL", text, two_keys, key, key, value, value, weight=1, mutable=False),
    row("EVAL_RO", text, b"2", key, key, value, value, weight=3, mutable=False),
    row("EVALSHA", sha, b"2", key, key, value, value, weight=2, mutable=False),
    row("EVALSHA_RO", sha, b"2", key, key, value, value, weight=0.5, mutable=False),
    row("SCRIPT LOAD", text, weight=1, mutable=False),
    row("SCRIPT EXISTS", many(1, 3, sha), weight=1, whole=True),
    row("SCRIPT FLUSH", one_of([], [b"SYNC"], [b"ASYNC"], [b"x"]), weight=0.2, whole=True),
    row("SCRIPT KILL", weight=0.1, mutable=False),
    row("FUNCTION KILL", weight=0.1, mutable=False),
    row("FCALL", weight=0),
    row("FCALL_RO", weight=0),
    row("FUNCTION LIST", weight=0),
    row("FUNCTION LOAD", weight=0),
    row("FUNCTION DELETE", weight=0),
    row("FUNCTION FLUSH", weight=0),
    row("FUNCTION STATS", weight=0),
    row("FUNCTION DUMP", weight=0),
    row("FUNCTION RESTORE", weight=0),
], [scene(functions, 1, whole=True)])
