"""Comparators: whether the reply of the server under test says the same as the reference's.

A comparator is a function of (expected, actual, context) that returns True or False. `exact` is the rule; each
other one exists because a right answer varies, and says how much. An error is compared to the byte by all of them.
The context has `tolerance_ms`: how far apart in time the two servers may have run the same command.
"""

import time

import shapes


def exact(expected, actual, _context):
    return expected == actual


def _unless_error(rule):
    def comparator(expected, actual, context):
        if expected == actual:
            return True
        if actual is None or expected[0] != actual[0] or expected[0] in "-!":
            return False
        try:
            return rule(expected, actual, context)
        except (TypeError, ValueError, IndexError, KeyError):  # The reply has another shape than the rule expects.
            return False
    comparator.__name__ = rule.__name__
    return comparator


@_unless_error
def same_kind(expected, actual, _context):
    """The type alone, and whether it is null: ids, sizes, texts for people."""
    return (expected[1] is None) == (actual[1] is None)


def _integers(expected, actual):
    return expected[0] == ":" and expected[1] >= 0 and actual[1] >= 0


@_unless_error
def within_ms(expected, actual, context):
    """Remaining milliseconds."""
    return _integers(expected, actual) and abs(expected[1] - actual[1]) <= context.tolerance_ms


@_unless_error
def within_s(expected, actual, context):
    """Remaining seconds."""
    return _integers(expected, actual) and abs(expected[1] - actual[1]) <= 1 + context.tolerance_ms / 1000


@_unless_error
def idle_s(expected, actual, context):
    """Idle seconds. Redis shares small integers between keys, and with them the time of the last access, which may so be
    older or newer than the key's own by as long as a sequence runs: DIFFERENCES.md, shared-integers."""
    return _integers(expected, actual) and 0 <= actual[1] <= 30 and 0 <= expected[1] <= 30


@_unless_error
def end_ms(expected, actual, context):
    """A time of expiry in ms: to the millisecond if it was given as such, else as near as the two commands ran."""
    return _integers(expected, actual) and expected[1] not in shapes.ABSOLUTE and \
        abs(expected[1] - actual[1]) <= context.tolerance_ms


@_unless_error
def end_s(expected, actual, context):
    return _integers(expected, actual) and expected[1] not in shapes.ABSOLUTE and \
        abs(expected[1] - actual[1]) <= 1 + context.tolerance_ms / 1000


@_unless_error
def same_length(expected, actual, _context):
    """As many elements, whichever they are; of a single one only whether there is one."""
    if isinstance(expected[1], list):
        return len(expected[1]) == len(actual[1])
    return (expected[1] is None) == (actual[1] is None)


def as_numbers(reply):
    """The same reply with every string and double that spells a number as that number."""
    kind, value = reply
    if isinstance(value, list):
        return (kind, [as_numbers(item) for item in value])
    if kind in "$," and value is not None:
        try:
            return (kind, repr(float(value) + 0.0))  # NaN is not equal to itself; -0 becomes 0
        except ValueError:
            pass
    return reply


@_unless_error
def same_numbers(expected, actual, _context):
    """The same reply, but for the spelling of numbers: Redis 7.0 writes 17 digits of a score, 7.2 the shortest that read
    back as the same number."""
    return as_numbers(expected) == as_numbers(actual)


def sortable(reply):
    kind, value = reply
    return (kind, sorted(map(sortable, value), key=repr)) if isinstance(value, list) else reply


@_unless_error
def same_set(expected, actual, _context):
    """The same elements in any order, at every depth."""
    return sortable(expected) == sortable(actual)


def as_pairs(reply):
    """The pairs of a RESP3 map, or of a RESP2 array that stands for one, by key."""
    items = reply[1]
    return {items[i][1]: items[i + 1] for i in range(0, len(items) - 1, 2)}


@_unless_error
def same_map(expected, actual, _context):
    """The same pairs in any order."""
    return len(expected[1]) == len(actual[1]) and as_pairs(expected) == as_pairs(actual)


@_unless_error
def hello(expected, actual, _context):
    """The reply of HELLO: the same fields in the same order, the same values but for version and id."""
    fields = [[item[1] for item in reply[1][0::2]] for reply in (expected, actual)]
    if fields[0] != fields[1]:
        return False
    old, new = as_pairs(expected), as_pairs(actual)
    free = (b"version", b"id")
    return all(old[f] == new[f] or f in free and old[f][0] == new[f][0] for f in old)


@_unless_error
def clock(_expected, actual, _context):
    """The reply of TIME: two strings, seconds near our own clock and microseconds below a million."""
    seconds, micros = actual[1]
    return seconds[0] == micros[0] == "$" and abs(int(seconds[1]) - time.time()) < 60 and 0 <= int(micros[1]) < 10 ** 6


def is_scan_page(reply):
    """A cursor in digits and a list of strings."""
    kind, parts = reply
    if kind != "*" or not parts or len(parts) != 2 or parts[0][0] != "$" or parts[1][0] != "*":
        return False
    return parts[0][1].isdigit() and all(key[0] == "$" for key in parts[1][1])


@_unless_error
def scan_page(_expected, actual, _context):
    """One page of SCAN; ops.FullScan compares whole iterations."""
    return is_scan_page(actual)


@_unless_error
def flags_in_any_order(expected, actual, _context):
    """[[key, [flag, ...]], ...]: the keys in order, the flags of each in any order."""
    def sort_flags(reply):
        return [(pair[1][0], sorted(pair[1][1][1])) for pair in reply[1]]
    return sort_flags(expected) == sort_flags(actual)


def same_known_commands(known):
    """Lists of command names in any order, of which only the names in `known` matter."""
    @_unless_error
    def same_covered_commands(expected, actual, _context):
        return {name for name in expected[1] if name[1] in known} == {name for name in actual[1] if name[1] in known}
    return same_covered_commands
