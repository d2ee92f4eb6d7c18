"""The table of commands and the generator that walks it.

A family is a list of rows, one a command, and of scenes: functions that return several steps which belong together.
A step is a Command or one of the operations of ops.py; a unit, a list of steps, is what the minimiser keeps or
drops as a whole.
"""

import compare
import mutate
import shapes

INVALID_SHARE = 0.15
_SEES_DEAD_KEYS = {"MEMORY USAGE"}  # Redis 7.0 looks into its table here without asking whether the key has expired.


class Command:
    """One request. `replies` is 0 for a request that CLIENT REPLY silences."""

    __slots__ = ("args", "compare", "replies")

    def __init__(self, args, comparator=compare.exact, replies=1):
        self.args = args
        self.compare = comparator
        self.replies = replies


class Row:
    """How calls of one command look. `whole`: it sees or changes keys of other connections too."""

    def __init__(self, name, words, weight, comparator, whole, mutable):
        self.name = name
        self.words = words
        self.weight = weight
        self.compare = comparator
        self.whole = whole
        self.mutable = mutable

    def call(self, d):
        return d.words(self.words)


def row(name, *words, weight=1.0, compare=compare.exact, whole=False, mutable=True):
    return Row(name, [*name.split(" "), *words], weight, compare, whole, mutable)


class Scene:
    def __init__(self, make, weight, whole):
        self.make = make
        self.weight = weight
        self.whole = whole


def scene(make, weight=1.0, whole=False):
    return Scene(make, weight, whole)


class Family:
    def __init__(self, name, weight, rows, scenes=()):
        self.name = name
        self.weight = weight
        self.rows = rows
        self.scenes = list(scenes)


class Generator:
    """An endless sequence of units for one connection."""

    def __init__(self, families, draw, keyspecs, shared=False):
        self.draw = draw
        self.keyspecs = keyspecs
        self.shared = shared
        self.entries, self.weights = [], []
        for family in families:
            entries = [e for e in family.rows + family.scenes if not (shared and e.whole)]
            total = sum(e.weight for e in entries)
            self.entries += entries
            self.weights += [e.weight * family.weight / total for e in entries]
        self.rows = [e for e in self.entries if isinstance(e, Row)]
        self.key_rows = [r for r in self.rows
                         if any(getattr(word, "is_key", False) for word in r.words) and not r.whole and r.name not in _SEES_DEAD_KEYS]
        self._batch = []

    def unit(self):
        if not self._batch:
            self._batch = self.draw.rng.choices(self.entries, self.weights, k=1000)
        entry = self._batch.pop()
        if isinstance(entry, Scene):
            return entry.make(self)
        return [self.command(entry)]

    def command(self, entry, invalid_share=INVALID_SHARE):
        """A harmless call of this row, right or wrong."""
        d = self.draw
        while True:
            args = entry.call(d)
            if entry.mutable and d.chance(invalid_share):
                args = mutate.mutate(d, args)
            if not mutate.harmful(args) and self._own_keys_only(args):
                return Command(args, entry.compare)

    def on_key(self, key):
        """A call of some command with this key."""
        self.draw.forced_key = key
        try:
            return self.command(self.draw.choice(self.key_rows), invalid_share=0)
        finally:
            self.draw.forced_key = None

    def _own_keys_only(self, args):
        if not self.shared:
            return True
        return all(k.startswith(self.draw.prefix) for k in self.keyspecs.keys_of(args))
