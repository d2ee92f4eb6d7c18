"""The connection and the server: handshake, CLIENT, CONFIG, COMMAND, ACL, introspection, and names that nobody
knows."""

import compare
from shapes import database, group, key, many, maybe, one_of, some_of, text, value
from table import Command, Family, row, scene

_STABLE_OPTIONS = [b"maxmemory", b"maxmemory-policy", b"appendonly", b"timeout", b"databases", b"save",
                   b"maxmemory-samples",
                   b"lfu-log-factor", b"lfu-decay-time", b"slowlog-log-slower-than", b"slowlog-max-len",
                   b"notify-keyspace-events",
                   b"requirepass", b"maxclients", b"proto-max-bulk-len", b"latency-monitor-threshold", b"tcp-keepalive",
                   b"lazyfree-lazy-expire", b"hash-max-listpack-entries", b"hash-max-ziplist-entries",
                   b"list-max-listpack-size",
                   b"set-max-intset-entries", b"zset-max-listpack-value", b"MAXMEMORY", b"nosuchoption",
                   b"maxmemory-pol*", b""]
_CONFIG_ERRORS = [[b"maxmemory", b"abc"], [b"maxmemory", b"-1"], [b"maxmemory-policy", b"bogus"],
                  [b"nosuchoption", b"1"], [b"maxmemory"], [],
                  [b"databases", b"1"], [b"timeout", b"-1"], [b"timeout", b"x"], [b"maxmemory-samples", b"0"],
                  [b"hz", b"abc"],
                  [b"appendonly", b"maybe"], [b"timeout", b"0", b"timeout", b"0"], [b"timeout", b"0", b"nosuch", b"1"],
                  [b"notify-keyspace-events", b"@"], [b"slowlog-max-len", b"-1"], [b"maxclients", b"0"],
                  [b"MAXMEMORY", b"1xb"],
                  [b"lfu-log-factor", b"-1"], [b"tcp-keepalive", b"1.5"], [b"timeout", b"99999999999"],
                  [b"maxmemory", b"0", b"timeout"],
                  [b"lazyfree-lazy-expire", b"2"], [b"maxmemory", b"1 gb"], [b"port", b"65536"], [b"\xff\r\n", b"x"]]
_CONFIG_AS_IS = [[b"maxmemory", b"0"], [b"timeout", b"0"], [b"maxmemory-policy", b"noeviction"],
                 [b"MAXMEMORY", b"0mb", b"timeout", b"0"],
                 [b"slowlog-max-len", b"128"], [b"lazyfree-lazy-expire", b"NO"]]
_UNKNOWN = [b"NOSUCH", b"foo", b"", b"GETT", b"get ", b"\x00", b"\r\n", b"quote'", b"x" * 200, b"caf\xc3\xa9",
            b"FOO|BAR", b"SET|GET",
            b"CONFIG|GET", b"{}", b"%s"]
_ACL_CATEGORIES = [b"string", b"keyspace", b"read", b"write", b"fast", b"slow", b"dangerous", b"connection", b"admin",
                   b"nosuch", b"STRING"]


def unknown_name(d):
    return d.choice(_UNKNOWN)


def long_or_binary(d):
    return d.choice([b"y" * d.choice([10, 127, 128, 129, 200]), value(d), text(d), b"\x00", b"a'b", b"\r\n"])


def protocol(d):
    """What HELLO asks for; a run with --protocol 2 or 3 stays there."""
    if d.chance(0.8):
        return d.choice([b"2", b"3"]) if d.protocol == "both" else d.protocol.encode()
    return d.choice([b"1", b"4", b"0", b"-1", b"abc", b"", b"3.0", b"99999999999999999999", b"4294967298"])


def client_name(d):
    return d.choice([b"name", b"", b"with space", b"n" * 70, b"bad\n", b"\x00", b"a-b_c:d", b"\xc3\xa9", b"~", b"\x7f"])


def reset(gen):
    """RESET goes back to RESP2; a run with --protocol 3 returns at once."""
    steps = [Command([gen.draw.cased("RESET")])]
    if gen.draw.protocol == "3":
        steps.append(Command([b"HELLO", b"3"], compare.hello))
    return steps


def silenced(gen):
    """CLIENT REPLY OFF and SKIP: nothing comes back until the end of the silence."""
    d = gen.draw
    inside = [gen.command(d.choice(gen.key_rows)) for _ in range(d.int(1, 3))]
    for command in inside:
        command.replies = 0
    if d.chance(0.5):
        return [Command([b"CLIENT", b"REPLY", b"SKIP"], replies=0), inside[0], Command([b"PING"])]
    return [Command([b"CLIENT", b"REPLY", b"OFF"], replies=0), *inside, Command([b"CLIENT", b"REPLY", b"ON"])]


def getkeys(gen):
    """COMMAND GETKEYS of any call that the tables can make, right or wrong."""
    d = gen.draw
    inner = gen.command(d.choice(gen.rows)).args
    name = d.choice([b"GETKEYS", b"GETKEYS", b"GETKEYSANDFLAGS"])
    rule = compare.exact if name == b"GETKEYS" else compare.flags_in_any_order
    return [Command([d.cased("COMMAND"), name, *inner], rule)]


def list_filter(gen):
    d = gen.draw
    known = {name.lower() for row_ in gen.rows for name in [row_.name.split(" ")[0].encode()]}
    rule = compare.same_known_commands(known)
    options = d.choice([[], [b"FILTERBY", b"ACLCAT", d.choice(_ACL_CATEGORIES)],
                        [b"FILTERBY", b"PATTERN", d.choice([b"*get*", b"set*", b"?", b"GET"])],
                        [b"FILTERBY", b"MODULE", b"nosuch"], [b"FILTERBY"], [b"FILTERBY", b"BOGUS", b"x"], [b"BOGUS"],
                        [b"FILTERBY", b"ACLCAT"], [b"FILTERBY", b"ACLCAT", b"read", b"x"]])
    return [Command([b"COMMAND", b"LIST", *options], rule)]


def handshake(gen):
    """What client libraries send first."""
    d = gen.draw
    version = b"3" if d.protocol == "3" else b"2" if d.protocol == "2" else d.choice([b"2", b"3"])
    return [Command([b"HELLO", version, b"SETNAME", b"lib"], compare.hello), Command([b"CLIENT", b"GETNAME"]),
            Command([b"CLIENT", b"ID"], compare.same_kind),
            Command([b"SELECT", d.choice([b"0", b"1"])]), Command([b"PING"])]


CONNECTION = [
    row("PING", maybe(value), weight=2),
    row("ECHO", value, weight=2),
    row("AUTH", maybe(one_of(b"default", b"nobody", b"")), one_of(b"secret", b"", value), weight=1),
    # One option at a time: Redis 7.0 obeys the first before it looks at the second, 7.2 only when all are right.
    row("HELLO", maybe(protocol, maybe(one_of(group("AUTH", one_of(b"default", b"nobody"), b"secret"), "BOGUS"),
                                       p=0.3), p=0.85), compare=compare.hello, weight=5),
    row("HELLO", protocol, "SETNAME", client_name, compare=compare.hello, mutable=False, weight=1),
    row("SELECT", database, weight=2),
    row("CLIENT SETNAME", client_name, weight=1),
    row("CLIENT GETNAME", weight=1),
    row("CLIENT ID", compare=compare.same_kind, weight=0.5),
    row("CLIENT INFO", compare=compare.same_kind, weight=0.5),
    row("CLIENT LIST", maybe(one_of(group("TYPE", one_of("NORMAL", "PUBSUB", "BOGUS")), group("ID", b"999999"),
                                    "BOGUS")),
        compare=compare.same_kind, weight=0.5),
    row("CLIENT REPLY", one_of("ON", "BOGUS", b""), mutable=False, weight=0.5),
    row("CLIENT NO-EVICT", one_of("ON", "OFF", "BOGUS"), weight=0.5),
    row("CLIENT UNBLOCK", one_of(b"99999999", b"x", b"-1", b""), maybe(one_of("TIMEOUT", "ERROR", "BOGUS")),
        weight=0.7),
    row("CLIENT KILL", one_of(b"127.0.0.1:1", b"x", b"", group("ID", b"99999999"), group("ID", b"x"),
                              group("ADDR", b"1.2.3.4:5"),
                              group("LADDR", b"1.2.3.4:5"), group("USER", b"nobody"), group("TYPE", b"bogus"),
                              group("TYPE", b"pubsub"),
                              group("ID", b"99999999", "SKIPME", one_of("YES", "NO", "BOGUS")), group("ID", b"0"),
                              group("BOGUS", b"1"),
                              group("ADDR", b"1.2.3.4:5", "ID", b"99999999")), weight=1),
    row("CLIENT PAUSE", one_of(b"x", b"-1", b"", b"1.5", b"99999999999999999999"),
        maybe(one_of("WRITE", "ALL", "BOGUS")), weight=0.5),
    row("CLIENT UNPAUSE", weight=0.3),
    row("CLIENT GETREDIR", weight=0.3),
    row("CLIENT TRACKINGINFO", weight=0.3),
    row("CLIENT TRACKING", one_of("OFF", "BOGUS", group("ON", "BOGUS"), group("ON", "PREFIX", b"x"),
                                  group("ON", "REDIRECT", b"99999999"),
                                  group("ON", "REDIRECT", b"x"), group("ON", "OPTIN", "OPTOUT")), mutable=False,
        weight=0.4),
    row("CLIENT CACHING", one_of("YES", "NO", "BOGUS"), weight=0.3),
    row("CLIENT HELP", compare=compare.same_kind, weight=0.1),
    row("CLIENT", maybe(unknown_name, many(0, 2, value)), weight=0.5),
]

SERVER = [
    row("CONFIG GET", many(1, 2, one_of(*_STABLE_OPTIONS)), compare=compare.same_map, mutable=False, weight=2),
    row("CONFIG GET", compare=compare.same_map, mutable=False, weight=0.2),
    row("CONFIG SET", lambda d: d.choice(_CONFIG_ERRORS if d.chance(0.8) else _CONFIG_AS_IS), mutable=False, weight=2),
    row("CONFIG REWRITE", weight=0.2),
    row("CONFIG RESETSTAT", weight=0.2),
    row("CONFIG HELP", compare=compare.same_kind, weight=0.1),
    row("CONFIG", maybe(unknown_name, many(0, 2, value)), weight=0.5),
    row("COMMAND COUNT", compare=compare.same_kind, weight=0.5),
    row("COMMAND INFO", one_of(b"nosuch", b"config|nosuch", b"", b"get|x"), maybe(b"no"), mutable=False, weight=0.5),
    row("COMMAND GETKEYS", many(0, 3, value), weight=0.5),
    row("COMMAND DOCS", b"nosuch", weight=0.2),
    row("COMMAND HELP", compare=compare.same_kind, weight=0.1),
    row("COMMAND", unknown_name, many(0, 2, value), weight=0.5),
    row("TIME", compare=compare.clock, weight=0.5),
    row("SLOWLOG GET", maybe(one_of(b"0", b"10", b"-1", b"-2", b"x", b"")), compare=compare.same_kind, weight=0.6),
    row("SLOWLOG LEN", compare=compare.same_kind, weight=0.3),
    row("SLOWLOG RESET", weight=0.3),
    row("SLOWLOG", maybe(unknown_name, maybe(value)), weight=0.3),
    row("LATENCY LATEST", weight=0.3),
    row("LATENCY HISTORY", one_of(b"command", b"nosuch"), weight=0.3),
    row("LATENCY GRAPH", one_of(b"command", b"nosuch"), weight=0.3),
    row("LATENCY RESET", maybe(b"nosuch"), weight=0.3),
    row("LATENCY HISTOGRAM", b"nosuch", compare=compare.same_kind, weight=0.2),
    row("LATENCY DOCTOR", compare=compare.same_kind, weight=0.1),
    row("LATENCY", maybe(unknown_name, maybe(value)), weight=0.3),
    row("MEMORY USAGE", key, maybe(group("SAMPLES", one_of(b"0", b"5", b"-1", b"x"))), compare=compare.same_kind,
        weight=1),
    row("MEMORY PURGE", weight=0.1),
    row("MEMORY DOCTOR", compare=compare.same_kind, weight=0.1),
    row("MEMORY STATS", compare=compare.same_kind, weight=0.1),
    row("MEMORY", maybe(unknown_name, maybe(value)), weight=0.3),
    row("DEBUG", maybe(one_of(group("SLEEP", b"0"), group("OBJECT", key), "HELP", group("JMAP"), unknown_name)),
        mutable=False, weight=0.6),
    row("WAIT", one_of(group(b"0", b"0"), group(b"0", b"-1"), group(b"x", b"0"), group(b"0", b"x"), group(b"0"),
                       group(b"-1", b"0"),
                       group(b"0", b"0", b"0"), group(b"0", b"1.5")), mutable=False, weight=0.8),
    row("ROLE", weight=0.4),
    row("INFO", maybe(one_of("SERVER", "KEYSPACE", "COMMANDSTATS", b"nosuch", "EVERYTHING", group("CPU", "MEMORY"))),
        compare=compare.same_kind, weight=0.5),
    row("LASTSAVE", compare=compare.same_kind, weight=0.2),
    row("ACL WHOAMI", weight=0.5),
    row("ACL USERS", weight=0.2),
    row("ACL CAT", maybe(one_of(b"nosuch", b"")), compare=compare.same_set, weight=0.3, mutable=False),
    row("ACL GETUSER", b"nosuch", weight=0.2),
    row("ACL", maybe(unknown_name, many(0, 2, value)), weight=0.4),
    row("OBJECT", unknown_name, maybe(key), weight=0.5),
]


def unknown(gen):
    d = gen.draw
    return [Command([unknown_name(d), *(long_or_binary(d) for _ in range(d.choice([0, 0, 1, 2, 3, 8])))])]


FAMILY = Family("server", 15, CONNECTION + SERVER,
                [scene(unknown, 3.0), scene(reset, 0.5), scene(silenced, 0.7), scene(getkeys, 4.0),
                 scene(list_filter, 0.5), scene(handshake, 0.5)])
