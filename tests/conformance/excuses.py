"""The differences that are meant: the table in docs/DIFFERENCES.md, and nothing else.

A row excuses a difference if its three regexes match, in full, the command line with its words in upper case, the
reference's reply and the other's reply, each on one line as resp.render writes it. Rows that never matched are
named at the end.
"""

import re

import resp

HEADING = "## Replies that differ (read by tests/conformance)"


class BadTable(Exception):
    """docs/DIFFERENCES.md has a row that cannot be read."""


class Excuse:
    def __init__(self, name, command, expected, actual):
        self.name = name
        self.patterns = [re.compile(text, re.DOTALL) for text in (command, expected, actual)]
        self.used = 0


def command_line(args):
    """What the first regex of a row is matched against."""
    return resp.render_command([a.upper() for a in args])


def _cells(line):
    parts = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [part.strip().replace("\\|", "|") for part in parts]


def _regex(cell):
    if len(cell) < 2 or cell[0] != "`" or cell[-1] != "`":
        raise BadTable("a regex must stand in backticks: %s" % cell)
    return cell[1:-1]


class Excuses:
    def __init__(self, rows):
        self.rows = rows

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as file:
            lines = iter(file.read().splitlines())
        if not any(line.strip() == HEADING for line in lines):
            raise BadTable("%s has no heading '%s'" % (path, HEADING))
        rows, in_table = [], 0
        for line in lines:
            if line.startswith("#"):
                break
            if not line.startswith("|"):
                continue
            in_table += 1
            if in_table > 2:  # The first two lines are the column names and the rule below them.
                rows.append(cls._row(_cells(line), line))
        return cls(rows)

    @staticmethod
    def _row(cells, line):
        if len(cells) != 5 or not cells[4]:
            raise BadTable("five columns wanted, none empty: %s" % line)
        try:
            return Excuse(cells[0], *(_regex(cell) for cell in cells[1:4]))
        except re.error as error:
            raise BadTable("%s: %s" % (error, line)) from error

    def find(self, args, expected, actual):
        """The row that excuses this difference, or None."""
        texts = None
        for excuse in self.rows:
            texts = texts or (command_line(args), resp.render(expected), resp.render(actual))
            if all(p.fullmatch(text) for p, text in zip(excuse.patterns, texts)):
                return excuse
        return None
