"""Counts what was compared, and prints each difference with what is needed to understand it."""

import collections
import itertools
import threading

import resp


_LINE_BYTES = 600


class Difference:
    """One reply that differs. `unit` is its place in the history of its session."""

    def __init__(self, args, rule, expected, actual, note=""):
        self.args = args
        self.rule = rule
        self.expected = expected
        self.actual = actual
        self.note = note
        self.unit = None

    def lines(self):
        yield "command   %s" % resp.render_command(self.args)
        yield "expected  %s" % resp.render(self.expected, 400)
        yield "actual    %s" % resp.render(self.actual, 400)
        if self.rule:
            yield "rule      %s" % self.rule
        if self.note:
            yield "note      %s" % self.note


class Report:
    """Shared by all sessions; may be called from any thread."""

    def __init__(self, excuses, show, show_per_command):
        self.excuses = excuses
        self.show = show
        self.show_per_command = show_per_command
        self.passed = 0
        self.failed = 0
        self.by_command = collections.Counter()
        self.shown = []
        self.closed = False
        self._mutex = threading.Lock()

    def add_passed(self, count):
        with self._mutex:
            self.passed += count

    def close(self):
        """What differs from now on is because the servers are being stopped."""
        with self._mutex:
            self.closed = True

    def judge(self, difference):
        """True if a row of docs/DIFFERENCES.md excuses it; it then counts as passed."""
        with self._mutex:
            excuse = self.excuses.find(difference.args, difference.expected, difference.actual)
            if excuse:
                excuse.used += 1
                self.passed += 1
            return excuse is not None

    def fail(self, difference, context, follows=False):
        """`follows`: an earlier difference may be the cause of this one; it is counted but not shown."""
        with self._mutex:
            if self.closed:
                return
            self.failed += 1
            name = difference.args[0].upper().decode(errors="replace")[:40] or '""'
            self.by_command[name] += 1
            if follows or len(self.shown) >= self.show or self.by_command[name] > self.show_per_command:
                return
            self.shown.append(difference)
            print("\nDIFFERENCE %d" % len(self.shown))
            for line in itertools.chain(difference.lines(), context):
                print("  " + (line if len(line) <= _LINE_BYTES else line[:_LINE_BYTES] + "..."))

    def summary(self, all_rows_should_be_used):
        if self.failed:
            print("\nDifferences by command (%d shown above):" % len(self.shown))
            for name, count in self.by_command.most_common():
                print("  %6d  %s" % (count, name))
        if self.excuses.rows:
            print("\nRows of docs/DIFFERENCES.md:")
        for excuse in self.excuses.rows:
            never = "" if excuse.used or not all_rows_should_be_used else "   NEVER USED: is it still true?"
            print("  %6d  %s%s" % (excuse.used, excuse.name, never))
        print("\n%d passed, %d failed" % (self.passed, self.failed))
