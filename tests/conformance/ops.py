"""Steps that are more than one request and one reply. Each has run(pair), which returns (args, rule, expected,
actual) tuples: what was compared, as which command, and the two replies (None where none came).
"""

import time

import compare
import resp
import wire

_DEADLINE_SECONDS = 5


class FullScan:
    """A whole iteration on each server; what was found is compared as a set. `command` is SCAN, or HSCAN, SSCAN or
    ZSCAN with its key; elements come in runs of `width`: 2 for a field and its value. `numbers`: the last of
    a run is a number, of which the spelling does not matter."""

    def __init__(self, options, command=(b"SCAN",), width=1, numbers=False):
        self.command = list(command)
        self.options = options
        self.width = width
        self.numbers = numbers
        self.args = [*command, b"0", *options]

    def run(self, pair):
        found, cursors = [[], []], [b"0", b"0"]
        finished = [False, False]
        for _ in range(100000):
            requests = [resp.encode([*self.command, cursor, *self.options]) for cursor in cursors]
            replies = [answers[0] if answers else None for answers in pair.exchange_each(requests)]
            for side, reply in enumerate(replies):
                if finished[side]:
                    continue
                if not self._is_page(reply):
                    return [(self.args, compare.exact, *replies)]
                cursors[side] = reply[1][0][1]
                page = [item[1] for item in reply[1][1][1]]
                found[side] += [self._element(page[i:i + self.width]) for i in range(0, len(page), self.width)]
                finished[side] = cursors[side] == b"0"
            if all(finished):
                break
        return [(self.args, compare.exact, *(self._told(elements) for elements in found))]

    def _element(self, parts):
        return (*parts[:-1], repr(float(parts[-1])).encode()) if self.numbers else tuple(parts)

    @staticmethod
    def _told(elements):
        return ("*", [("$", part) for element in sorted(set(elements)) for part in element])

    @staticmethod
    def _is_page(reply):
        return reply is not None and compare.is_scan_page(reply)


class RandomElements:
    """HRANDFIELD, SRANDMEMBER and ZRANDMEMBER: each server's answer is held against its own `listing` (HKEYS, HGETALL,
    SMEMBERS ...), and the verdicts are compared: how many there are, whether all belong to the key, and whether they
    differ from each other. `width` is 2 where a field comes with its value."""

    def __init__(self, args, listing, width=1):
        self.args = args
        self.listing = listing
        self.width = width

    def run(self, pair):
        replies = pair.exchange(resp.encode(self.args) + resp.encode(self.listing))
        return [(self.args, compare.exact, *(self._verdict(*(answers + [None, None])[:2]) for answers in replies))]

    def _verdict(self, reply, listing):
        if reply is None or listing is None or listing[0] not in "*%~" or reply[0] not in "$*" or reply[1] is None:
            return reply
        shape = "one"
        if reply[0] == "*":
            nested = bool(reply[1]) and reply[1][0][0] == "*"
            shape = "list of pairs" if nested else "list"
        elements = self._elements(reply)
        known = set(self._elements(listing))
        stranger = next((e for e in elements if e not in known), None)
        if stranger is not None:
            return ("-", b"not there: " + repr(stranger).encode())
        spread = "different" if len(set(elements)) == len(elements) else "repeated"
        if self._may_repeat():
            spread = "any"
        return ("+", ("%s of %d, %s" % (shape, len(elements), spread)).encode())

    def _may_repeat(self):
        return len(self.args) > 2 and self.args[2].startswith(b"-")

    def _elements(self, reply):
        flat = [reply[1]] if reply[0] == "$" else [
            part for item in reply[1] for part in ([p[1] for p in item[1]] if item[0] == "*" else [item[1]])]
        return [tuple(flat[i:i + self.width]) for i in range(0, len(flat), self.width)]


class CrossRestore:
    """DUMP on both servers, and RESTORE of each dump as `copy` on the other one; then what came out of it is compared:
    the encoding and all of the content."""

    _CONTENT = {b"string": ([b"GET"], [], compare.exact), b"list": ([b"LRANGE"], [b"0", b"-1"], compare.exact),
                b"set": ([b"SMEMBERS"], [], compare.same_set), b"hash": ([b"HGETALL"], [], compare.same_map),
                b"zset": ([b"ZRANGE"], [b"0", b"-1", b"WITHSCORES"], compare.same_numbers)}

    def __init__(self, key, copy):
        self.key = key
        self.copy = copy
        self.args = [b"DUMP", key]

    def run(self, pair):
        replies = [answers[0] if answers else None for answers in pair.exchange(resp.encode(self.args))]
        if any(reply is None or reply[0] != "$" or reply[1] is None for reply in replies):
            return [(self.args, compare.exact, *replies)]
        restores = [[b"RESTORE", self.copy, b"0", dumped[1], b"REPLACE"] for dumped in reversed(replies)]
        restored = pair.exchange_each([resp.encode(restore) for restore in restores])
        compared = [(restores[0], compare.exact, *self._first_of(restored))]
        questions = [([b"TYPE", self.copy], compare.exact), ([b"OBJECT", b"ENCODING", self.copy], compare.exact)]
        for question, rule in questions:
            compared.append((question, rule, *self._first_of(pair.exchange(resp.encode(question)))))
        kind = compared[1][2]
        if kind is not None and kind[1] in self._CONTENT:
            name, options, rule = self._CONTENT[kind[1]]
            question = [*name, self.copy, *options]
            compared.append((question, rule, *self._first_of(pair.exchange(resp.encode(question)))))
        return compared

    @staticmethod
    def _first_of(answers):
        return [replies[0] if replies else None for replies in answers]


class RandomKey:
    """RANDOMKEY: any key that exists on the server itself; null only if there is none."""

    args = [b"RANDOMKEY"]

    def run(self, pair):
        replies = pair.exchange(resp.encode(self.args) + resp.encode([b"KEYS", b"*"]))
        verdicts = []
        for answers in replies:
            picked, everything = (answers + [None, None])[:2]
            keys = everything[1] if everything and everything[0] == "*" else []
            right = picked in keys if keys else picked is not None and picked[1] is None
            verdicts.append(("+", b"one of the keys, or null if there are none") if right else picked)
        return [(self.args, compare.exact, *verdicts)]


class AwaitGone:
    """Waits until keys that were given an end a few milliseconds away are gone on both servers, by asking for their
    PTTL."""

    def __init__(self, keys):
        self.keys = keys
        self.args = [b"PTTL", keys[0]]

    def run(self, pair):
        deadline = time.monotonic() + _DEADLINE_SECONDS
        request = b"".join(resp.encode([b"PTTL", key]) for key in self.keys)
        while True:
            expected, actual = pair.exchange(request)
            if pair.broken() or all(r == (":", -2) for r in expected + actual) or time.monotonic() > deadline:
                break
            if any(r[0] != ":" or r[1] < 0 and r[1] != -2 for r in expected + actual):
                break
            time.sleep(0.001)
        missing = [None] * len(self.keys)
        return [([b"PTTL", key], compare.exact, *sides) for key, *sides in zip(self.keys, expected + missing,
                                                                               actual + missing)]


class Raw:
    """Bytes on a connection of its own: every reply up to the token, or up to the end if the server must hang up
    (`closes`)."""

    def __init__(self, payload, closes=False, cuts=()):
        self.payload = payload
        self.closes = closes
        self.cuts = cuts
        self.args = [b"(raw)", payload]

    def run(self, pair):
        own = wire.Pair(pair.servers, stall_seconds=3)
        try:
            if self.closes:
                own.until_closed(self.payload)
            else:
                own.exchange(self.payload, self.cuts, 0.0003 if self.cuts else 0.0)
            return [(self.args, compare.exact, *(self._told(c) for c in own.connections))]
        finally:
            own.close()

    @staticmethod
    def _told(connection):
        """All replies as one list; a connection that ended says so last."""
        trouble = connection.trouble or ""
        if trouble.startswith("connection "):
            trouble = "connection closed"  # With a reset or without: the kernel decides.
        ending = [("+", b"(%s)" % trouble.encode())] if trouble else []
        return ("*", connection.replies + ending)


class Reconnect:
    """New connections, after one broke; `first` is sent on them."""

    args = [b"(reconnect)"]

    def __init__(self, first):
        self.first = first

    def run(self, pair):
        pair.reconnect()
        for args in self.first:
            pair.call(*args)
        return []
