"""One connection to each server, fed with one generated sequence, batch by batch.

History keeps every unit that was sent, so that a difference can be explained by what touched the same keys before
it, and be replayed by shrink.py. After a difference the two servers may hold different data; the keyspace is then
emptied on both, so that one cause is not reported a hundred times.
"""

import collections
import random

import ops
import resp
from report import Difference
from servers import ServerError
from table import Command

_HISTORY_UNITS = 200000
_STATE = frozenset([b"SELECT", b"RESET", b"HELLO", b"FLUSHALL", b"FLUSHDB", b"SWAPDB"])
_CONTEXT_LINES = 6


class Session:
    def __init__(self, pair, generator, keyspecs, report, label=""):
        self.pair = pair
        self.generator = generator
        self.keyspecs = keyspecs
        self.report = report
        self.label = label
        self.rng = generator.draw.rng
        self.cut_rng = random.Random(generator.draw.int(0, 2 ** 32))
        self.compared = 0
        self.history = collections.deque(maxlen=_HISTORY_UNITS)
        self.first = [[b"HELLO", b"3"]] if generator.draw.protocol == "3" else []
        self._suspects = None

    @property
    def tolerance_ms(self):
        """The same command ran on both servers within one exchange, so two such spans bound the drift of a TTL."""
        return 2 * self.pair.widest_ms + 2

    def run(self, count):
        self._send([[Command(args) for args in self.first]])
        while self.compared < count:
            self._send(self._next_units())

    def _next_units(self):
        """Units for one pipeline of 1 to 50 commands; an operation of ops.py is the last of its pipeline."""
        size = self.rng.randint(1, 50)
        units, commands = [], 0
        while commands < size:
            unit = self.generator.unit()
            units.append(unit)
            commands += len(unit)
        return units

    def _send(self, units):
        self._suspects = set()
        healing = []
        batch = []
        for unit in units:
            self.history.append(unit)
            for step in unit:
                if isinstance(step, Command):
                    batch.append((unit, step))
                    continue
                healing += self._exchange(batch)
                batch = []
                if not self.pair.broken():
                    healing += self._judge_all(unit, step.run(self.pair))
        healing += self._exchange(batch)
        if self.pair.broken():
            self._recover()
        if healing:
            self._heal(healing)

    def _cuts(self, size):
        """Most pipelines leave in one write, some in pieces that end anywhere."""
        rng = self.cut_rng
        if rng.random() > 0.2:
            return [], 0.0
        cuts = [rng.randrange(1, size) for _ in range(rng.randint(1, 6))]
        return cuts, 0.0003 if rng.random() < 0.2 else 0.0

    def _exchange(self, batch):
        """Sends the commands and compares; returns those that differed."""
        if not batch or self.pair.broken():
            return []
        payload = b"".join(resp.encode(step.args) for _, step in batch)
        expected, actual = self.pair.exchange(payload, *self._cuts(len(payload)))
        answered = [(unit, step) for unit, step in batch if step.replies]
        if len(expected) == len(actual) == len(answered):
            differing = [(unit, step, e, a) for (unit, step), e, a in zip(answered, expected, actual)
                         if e != a and not step.compare(e, a, self)]
            self._passed(len(answered) - len(differing))
            return [d for d in (self._judge(u, s.args, s.compare, e, a) for u, s, e, a in differing) if d]
        return self._unequal_counts(answered, expected, actual)

    def _unequal_counts(self, answered, expected, actual):
        """Compares as far as both sides answered; the first command without its reply is the difference."""
        missing = [None] * len(answered)
        for (unit, step), e, a in zip(answered, expected + missing, actual + missing):
            if e is None or a is None or e != a and not step.compare(e, a, self):
                return [self._judge(unit, step.args, step.compare, e, a)]
            self._passed(1)
        unit, step = answered[-1]
        extra = Difference(step.args, "", *((side[len(answered):] or [None])[0] for side in (expected, actual)))
        extra.note = "more replies than commands: the first one too many"
        extra.unit = unit
        self.report.fail(extra, self._context(extra))
        return [extra]

    def _judge_all(self, unit, results):
        differences = []
        for args, rule, expected, actual in results:
            if expected is not None and actual is not None and (expected == actual or rule(expected, actual, self)):
                self._passed(1)
            else:
                differences.append(self._judge(unit, args, rule, expected, actual))
        return [d for d in differences if d]

    def _passed(self, count):
        self.compared += count
        self.report.add_passed(count)

    def _judge(self, unit, args, rule, expected, actual):
        """Reports a difference. Returns it if the two servers' data may differ from now on."""
        self.compared += 1
        name = rule.__name__ if rule.__name__ != "exact" else ""
        difference = Difference(args, name, expected, actual)
        difference.unit = unit
        difference.note = "; ".join("%s: %s" % (c.server.name, c.trouble) for c in self.pair.connections if c.trouble)
        if self.report.judge(difference):
            return difference if self.keyspecs.writes(args) else None
        keys = set(self.keyspecs.keys_of(args))
        self.report.fail(difference, self._context(difference),
                         follows=_STATE in self._suspects or bool(keys & self._suspects))
        self._suspects |= keys
        if args[0].upper() in _STATE:
            self._suspects.add(_STATE)
        return difference

    def _heal(self, differences):
        keys = sorted({key for d in differences for key in self.keyspecs.keys_of(d.args)})
        steps = [Command([b"DEL", *keys])] if keys else []
        if not self.generator.shared:
            steps.append(Command([b"FLUSHALL"]))
        if any(d.args[0].upper() in _STATE for d in differences):
            self._recover()
        if steps:
            self.history.append(steps)
            self.pair.exchange(b"".join(resp.encode(step.args) for step in steps))

    def _recover(self):
        for server in self.pair.servers:
            if not server.alive():
                raise ServerError("%s died" % server.name)
        again = ops.Reconnect(self.first)
        self.history.append([again])
        again.run(self.pair)

    def _context(self, difference):
        """The last commands that touched the same keys or the state of the connection, oldest first."""
        keys = set(self.keyspecs.keys_of(difference.args))
        lines, seen_state, reached = [], set(), False
        for unit in reversed(self.history):
            reached = reached or unit is difference.unit
            if not reached:
                continue
            for step in reversed(unit):
                name = step.args[0].upper()
                if step.args is difference.args or name in seen_state:
                    continue
                if name in _STATE:
                    seen_state.add(name)
                elif not keys & set(self.keyspecs.keys_of(step.args)):
                    continue
                lines.append("before    " + resp.render_command(step.args))
            if len(lines) >= _CONTEXT_LINES:
                break
        if self.label:
            lines.append("session   " + self.label)
        return reversed(lines)
