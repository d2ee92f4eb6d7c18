"""The minimiser: replays what led to a difference on emptied servers, with fewer and fewer commands, while it still
shows."""

import time

import resp
from table import Command
from wire import Pair

_STATE = {b"SELECT", b"RESET", b"HELLO", b"FLUSHALL", b"FLUSHDB", b"SWAPDB", b"(reconnect)", b"AUTH", b"CLIENT",
          b"CONFIG"}
_PIPELINE = 100


class Shrinker:
    def __init__(self, servers, keyspecs, excuses, seconds):
        self.servers = servers
        self.keyspecs = keyspecs
        self.excuses = excuses
        self.deadline = time.monotonic() + seconds
        self.tolerance_ms = 0

    def shrink(self, history, difference):
        """The shortest list of units found that ends with this difference, or None if a replay does not show it."""
        units = []
        for unit in history:
            units.append(unit)
            if unit is difference.unit:
                break
        related = [unit for unit in units[:-1] if self._related(unit, difference)] + units[-1:]
        for candidate in (units[-1:], related, units):
            if self._differs(candidate):
                return self._drop_steps(self._drop_units(candidate))
        return None

    def _related(self, unit, difference):
        keys = set(self.keyspecs.keys_of(difference.args))
        return any(step.args[0].upper() in _STATE or keys & set(self.keyspecs.keys_of(step.args)) for step in unit)

    def _drop_units(self, units):
        """Delta debugging: chunks of half the length, a quarter, ... down to one unit; the last unit always stays."""
        chunk = max(1, len(units) // 2)
        while time.monotonic() < self.deadline:
            start, dropped = 0, False
            while start < len(units) - 1 and time.monotonic() < self.deadline:
                fewer = units[:start] + units[min(start + chunk, len(units) - 1):]
                if self._differs(fewer):
                    units, dropped = fewer, True
                else:
                    start += chunk
            if chunk == 1 and not dropped:
                break
            chunk = max(1, chunk // 2)
        return units

    def _drop_steps(self, units):
        """Single steps of units that have several, but for those that silence replies."""
        for at, unit in enumerate(units):
            if any(isinstance(step, Command) and not step.replies for step in unit):
                continue
            for step in list(unit):
                fewer = [s for s in units[at] if s is not step]
                candidate = units[:at] + [fewer] + units[at + 1:]
                if fewer and time.monotonic() < self.deadline and self._differs(candidate):
                    units = candidate
        return units

    def _differs(self, units):
        pair = Pair(self.servers, stall_seconds=3)
        try:
            pair.call(b"FLUSHALL")
            self._replay(pair, units[:-1])
            return not pair.broken() and self._last_differs(pair, units[-1])
        finally:
            pair.close()

    def _replay(self, pair, units):
        waiting = []
        for unit in units:
            for step in unit:
                if isinstance(step, Command):
                    waiting.append(resp.encode(step.args))
                    continue
                self._flush(pair, waiting)
                step.run(pair)
            if len(waiting) >= _PIPELINE:
                self._flush(pair, waiting)
        self._flush(pair, waiting)

    @staticmethod
    def _flush(pair, waiting):
        if waiting and not pair.broken():
            pair.exchange(b"".join(waiting))
        waiting.clear()

    def _last_differs(self, pair, unit):
        results, silent = [], []
        for step in unit:
            if not isinstance(step, Command):
                results += step.run(pair)
            elif not step.replies:
                silent.append(resp.encode(step.args))
            else:
                payload = b"".join(silent) + resp.encode(step.args)
                silent.clear()
                results += [(step.args, step.compare, *((r + [None])[0] for r in pair.exchange(payload)))]
        self.tolerance_ms = 2 * pair.widest_ms + 2
        for args, rule, expected, actual in results:
            if expected is None or actual is None:
                return True
            if expected != actual and not rule(expected, actual, self) and not self.excuses.find(args, expected,
                                                                                                 actual):
                return True
        return False


def print_shrunk(number, units):
    if units is None:
        print("\nSHRUNK %d: the difference does not show when its connection's commands are replayed alone" % number)
        return
    print("\nSHRUNK %d" % number)
    for unit in units:
        for step in unit:
            operation = "" if isinstance(step, Command) else "    (%s)" % type(step).__name__
            print("  " + resp.render_command(step.args) + operation)
