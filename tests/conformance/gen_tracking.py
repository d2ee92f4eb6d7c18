"""Client-side caching: connections that track keys and change them, see conversation.py. Redirections are left to
tests/commands: the numbers of clients differ between the servers."""

from conversation import Conversation
from table import Family, row, scene

_KEYS = [b"a", b"b", b"ab", b"user:1", b"user:2"]
_PREFIXES = [b"a", b"b", b"user:", b"user:1", b"u"]
_REFUSED = [[b"ON", b"OPTIN", b"OPTOUT"], [b"ON", b"BCAST", b"OPTIN"], [b"ON", b"PREFIX", b"a"], [b"MAYBE"],
            [b"ON", b"NONSENSE"], [b"ON", b"REDIRECT", b"0"], [b"ON", b"REDIRECT", b"x"], [b"ON", b"PREFIX"]]

_ROWS = [
    row("CLIENT TRACKINGINFO", weight=0.3, mutable=False),
    row("CLIENT GETREDIR", weight=0.3, mutable=False),
    row("CLIENT CACHING YES", weight=0.3, mutable=False),
    row("CLIENT TRACKING OFF", weight=0.3, mutable=False),
]


def _key(d):
    return d.prefix + d.choice(_KEYS)


def _switch(d):
    if d.chance(0.2):
        return [b"CLIENT", b"TRACKING", *d.choice(_REFUSED)]
    if d.chance(0.3):
        return [b"CLIENT", b"TRACKING", b"OFF"]
    noloop = [b"NOLOOP"] if d.chance(0.3) else []
    if d.chance(0.4):
        # Redis tells a client's own changes only when all that it has sent is answered, behind the PING, too.
        return [b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"PREFIX", d.prefix + d.choice(_PREFIXES), b"NOLOOP"]
    return [b"CLIENT", b"TRACKING", b"ON", *noloop, *d.choice([[], [], [b"OPTIN"], [b"OPTOUT"]])]


def _read(d):
    return d.choice([lambda: [b"GET", _key(d)], lambda: [b"MGET", _key(d), _key(d)], lambda: [b"EXISTS", _key(d)],
                     lambda: [b"GETRANGE", _key(d), b"x", b"1"], lambda: [b"HGET", _key(d), b"f"],
                     lambda: [b"TYPE", _key(d)], lambda: [b"SORT_RO", _key(d)]][:6])()


def _write(d):
    return d.choice([lambda: [b"SET", _key(d), b"v"], lambda: [b"DEL", _key(d), _key(d)],
                     lambda: [b"MSET", _key(d), b"1", _key(d), b"2"], lambda: [b"APPEND", _key(d), b"x"],
                     lambda: [b"RENAME", _key(d), _key(d)], lambda: [b"EXPIRE", _key(d), b"1000"],
                     lambda: [b"PERSIST", _key(d)], lambda: [b"HSET", _key(d), b"f", b"v"],
                     lambda: [b"COPY", _key(d), _key(d)], lambda: [b"GETDEL", _key(d)]])()


def _other(d):
    return d.choice([[b"CLIENT", b"TRACKINGINFO"], [b"CLIENT", b"GETREDIR"], [b"CLIENT", b"CACHING", b"YES"],
                     [b"CLIENT", b"CACHING", b"NO"],
                     [b"CLIENT", b"CACHING", b"PERHAPS"], [b"NOSUCH"], [b"PING"]])


def conversation(gen):
    d = gen.draw
    connections = d.int(2, 4)
    modern = list(range(connections)) if d.protocol != "2" else []
    requests = [(n, _switch(d)) for n in range(connections) if d.chance(0.7)]
    for _ in range(d.int(10, 40)):
        kind = d.choice([_read, _read, _read, _write, _write, _write, _other, _switch])
        requests.append((d.int(0, connections - 1), kind(d)))
    # One more tracks throughout: when the last one stops, Larder forgets what was read (docs/DIFFERENCES.md).
    requests.insert(0, (connections, [b"CLIENT", b"TRACKING", b"ON"]))
    return [Conversation(connections + 1, modern + [connections] if modern else [], requests)]


FAMILY = Family("tracking", 0.7, _ROWS, [scene(conversation, 3)])
