"""COMMAND INFO of every command in the tables, field by field; tips, notes and positions that only a newer server
knows aside.

A field that differs is reported as the command `COMMAND INFO <name> <field>`, so docs/DIFFERENCES.md can excuse it
alone.
"""

import compare
from report import Difference

_FIELDS = ["name", "arity", "flags", "first-key", "last-key", "step", "acl-categories"]
_KEY_SPECS = 8


def names_in(families):
    """The commands of the rows, and their subcommands as 'config|get'."""
    names = set()
    for family in families:
        for row in family.rows:
            words = row.name.lower().split(" ")
            names.add(words[0])
            if len(words) > 1:
                names.add("|".join(words[:2]))
    return sorted(names)


def _fields(info):
    """The comparable fields of one entry, by name; sets are sorted."""
    if info is None or info[0] != "*" or not info[1] or info[1][0][1] is None:
        return None
    entry = info[1][0][1]
    fields = {name: compare.sortable(value) for name, value in zip(_FIELDS, entry)}
    for number, spec in enumerate(entry[_KEY_SPECS][1] if len(entry) > _KEY_SPECS else []):
        for name, value in compare.as_pairs(spec).items():
            if name != b"notes":
                fields["key-spec-%d-%s" % (number, name.decode())] = compare.sortable(value)
    return fields


def check(pair, families, keyspecs, report):
    """Compares all; a name that the reference does not know (a container's subcommand that is an argument) is
    skipped."""
    for name in names_in(families):
        if name.encode().upper() not in keyspecs.positions:
            continue
        expected, actual = (_fields(info) for info in pair.call(b"COMMAND", b"INFO", name.encode()))
        if expected is None:
            continue
        if actual is None:
            difference = Difference([b"COMMAND", b"INFO", name.encode()], "", ("+", b"an entry"), ("+", b"no entry"))
            if not report.judge(difference):
                report.fail(difference, [])
            continue
        for field in sorted(expected.keys() | actual.keys()):
            _judge(name, field, expected.get(field), actual.get(field), report)


def _judge(name, field, expected, actual, report):
    if expected == actual:
        report.add_passed(1)
        return
    difference = Difference([b"COMMAND", b"INFO", name.encode(), field.encode()], "", expected, actual)
    if not report.judge(difference):
        report.fail(difference, [])
