"""Publish/subscribe. Subscribers have connections of their own, see conversation.py; on the connection that all other
commands use, only what leaves it without subscriptions is sent."""

import compare
from conversation import Conversation
from shapes import key, many, maybe, one_of, text, value
from table import Family, row, scene

_CHANNELS = [b"a", b"ab", b"abc", b"news.art", b"news.it", b"", b"nul\x00\r\n\xff", b"x" * 1500]
_PATTERNS = [b"*", b"a*", b"news.*", b"?b*", b"[an]*", b"", b"abc", b"*\r\n*", b"\\*", b"x*x"]
_MESSAGES = [b"", b"hello", b"\x00\r\n\xff", b"m" * 5000, b">3\r\n", b"12345678901234567890"]
_OTHERS = [[b"PING"], [b"PING", b"x"], [b"PING", b"x", b"y"], [b"GET", b"k"], [b"CLIENT", b"ID", b"x"], [b"NOSUCH"],
           [b"CLIENT", b"NOSUCH"], [b"GET"], [b"SUBSCRIBE"], [b"RESET"], [b"HELLO", b"9"], [b"CLIENT", b"GETNAME"],
           [b"CLIENT", b"REPLY", b"BOGUS"], [b"TYPE", b"k"], [b"SELECT", b"1"], [b"CLIENT", b"GETREDIR"]]

_ROWS = [
    row("PUBLISH", key, value, weight=3),
    row("SPUBLISH", key, value),
    row("PUBSUB CHANNELS", maybe(one_of(b"nosuch*", b"", key)), whole=True),
    row("PUBSUB NUMSUB", many(0, 4, key), whole=True),
    row("PUBSUB NUMPAT", whole=True),
    row("PUBSUB SHARDCHANNELS", maybe(b"nosuch*"), whole=True),
    row("PUBSUB SHARDNUMSUB", many(0, 4, key), whole=True),
    row("PUBSUB HELP", compare=compare.same_kind, weight=0.1),
    row("PUBSUB", maybe(text), maybe(value), weight=0.5),
    row("SUBSCRIBE", weight=0.1, mutable=False),
    row("PSUBSCRIBE", weight=0.1, mutable=False),
    row("SSUBSCRIBE", weight=0.1, mutable=False),
    row("UNSUBSCRIBE", maybe(key), weight=0.5, mutable=False),
    row("PUNSUBSCRIBE", maybe(key), weight=0.5, mutable=False),
    row("SUNSUBSCRIBE", maybe(key), weight=0.5, mutable=False),
]


def _name(d, names):
    return d.prefix + d.choice(names)


def _some(d, names):
    return [_name(d, names) for _ in range(d.choice([1, 1, 1, 2, 3]))]


def _subscribe(d):
    return d.choice([lambda: [d.cased("SUBSCRIBE"), *_some(d, _CHANNELS)],
                     lambda: [d.cased("PSUBSCRIBE"), *_some(d, _PATTERNS)],
                     lambda: [d.cased("SSUBSCRIBE"), *_some(d, _CHANNELS)]])()


def _unsubscribe(d):
    names = d.choice([_CHANNELS, _PATTERNS])
    return [d.cased(d.choice(["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"])),
            *([] if d.chance(0.2) else _some(d, names))]


def _publish(d):
    return [d.cased(d.choice(["PUBLISH", "PUBLISH", "SPUBLISH"])), _name(d, _CHANNELS), d.choice(_MESSAGES)]


def _ask(d):
    pattern = d.prefix + d.choice(_PATTERNS) if d.prefix else d.choice(_PATTERNS)
    return d.choice([[b"PUBSUB", b"CHANNELS", pattern], [b"PUBSUB", b"SHARDCHANNELS", pattern],
                     [b"PUBSUB", b"NUMSUB", *_some(d, _CHANNELS)], [b"PUBSUB", b"SHARDNUMSUB", *_some(d, _CHANNELS)]])


def conversation(gen):
    """The last connection only publishes and asks: nothing is lost when the others are in a subscriber's mode."""
    d = gen.draw
    connections = d.int(2, 4)
    modern = [n for n in range(connections) if d.protocol == "3" or d.protocol == "both" and d.chance(0.5)]
    requests = []
    for _ in range(d.int(5, 30)):
        number = d.int(0, connections - 1)
        publisher = number == connections - 1
        kinds = [_publish, _publish, _ask] if publisher else \
            [_subscribe, _subscribe, _unsubscribe, _publish, lambda d: d.choice(_OTHERS)]
        requests.append((number, d.choice(kinds)(d)))
    return [Conversation(connections, modern, requests)]


FAMILY = Family("pubsub", 1.5, _ROWS, [scene(conversation, 1.5)])
