"""Wrong calls made from right ones, and the guard that keeps a random call from doing harm.

Harm is what would make a run slow or its comparison uncertain: a key that dies while the run lasts, a string of
hundreds of megabytes, a connection that kills another one, a command that blocks.
"""

import re
import time

import shapes

_JUNK = shapes.INT64_EDGES + shapes.ALMOST_INTS + [
    b"0", b"1", b"-1", b"1.5", b"nan", b"inf", b"abc", b"\xff\r\n", b"NX", b"XX", b"GT", b"BOGUS", b"withvalues",
                                                   b"x" * 150,
    b"quote'quote", b'double"', b"%s%n", b"{}", b"\x00"]
_OPTIONS = [b"NX", b"XX", b"GT", b"LT", b"KEEPTTL", b"PERSIST", b"GET", b"REPLACE", b"COUNT", b"MATCH", b"ASYNC",
            b"SYNC", b"BOGUS", b"EX",
            b"PX", b"LEN", b"IDX", b"BIT", b"BYTE", b""]
_INTEGER = re.compile(rb"-?\d+\Z")
_NEVER = {b"SHUTDOWN", b"MONITOR", b"QUIT", b"SYNC", b"PSYNC", b"REPLICAOF", b"SLAVEOF",
          b"FAILOVER"}
_SUBSCRIBING = {b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"}


def mutate(d, args):
    """A call made wrong, most of the time, in one or two places."""
    args = list(args)
    for _ in range(1 if d.chance(0.8) else 2):
        d.choice(_MUTATIONS)(d, args)
    return args


def _drop(d, args):
    if len(args) > 1:
        del args[d.int(1, len(args) - 1)]


def _append(d, args):
    args.append(d.choice(_OPTIONS if d.chance(0.5) else _JUNK))


def _double(d, args):
    if len(args) > 1:
        at = d.int(1, len(args) - 1)
        args.insert(at, args[at])


def _swap(d, args):
    if len(args) > 2:
        a, b = d.int(1, len(args) - 1), d.int(1, len(args) - 1)
        args[a], args[b] = args[b], args[a]


def _replace(d, args):
    if len(args) > 1:
        args[d.int(1, len(args) - 1)] = d.choice(_JUNK)


def _replace_last(d, args):
    if len(args) > 1:
        args[-1] = d.choice(_JUNK)


def _cut(d, args):
    del args[d.int(1, len(args)):]


def _extend(d, args):
    args.extend(d.choice(_JUNK) for _ in range(d.int(1, 12)))


def _misspell(d, args):
    at = 1 if len(args) > 1 and d.chance(0.5) else 0
    args[at] = d.choice([args[at] + b"X", args[at][:-1], b"NOSUCH", args[at] + b"|" + args[at], b" " + args[at]])


_MUTATIONS = [_drop, _drop, _append, _append, _double, _swap, _replace, _replace, _replace, _replace_last, _cut,
              _extend, _misspell]


def _int(arg):
    return int(arg) if _INTEGER.match(arg) else None


def _dies_soon(amount, unit):
    """True if a TTL of this amount ends near the run, or is over. unit: 'EX', 'PX', 'EXAT', 'PXAT'."""
    if amount is None:
        return False
    ms = amount if unit.startswith("PX") else amount * 1000
    if unit.endswith("AT"):
        return ms < time.time() * 1000 + 10 ** 9
    return 0 < ms < shapes.MIN_TTL_MS


_TTL_COMMANDS = {b"EXPIRE": "EX", b"PEXPIRE": "PX", b"SETEX": "EX", b"PSETEX": "PX"}
_TTL_OPTIONS = {b"EX", b"PX", b"EXAT", b"PXAT"}


def _short_ttl(name, args):
    if name in _TTL_COMMANDS:
        return len(args) > 2 and _dies_soon(_int(args[2]), _TTL_COMMANDS[name])
    if name in (b"SET", b"GETEX"):
        for option, amount in zip(args[2:], args[3:]):
            # SET with an end in the past leaves a dead key behind, which DBSIZE counts until it is swept.
            if option.upper() in _TTL_OPTIONS and _dies_soon(_int(amount), option.upper().decode()):
                return True
    return False


def _too_large(name, args):
    if name == b"SETRANGE":
        return len(args) > 2 and 10 ** 5 < (_int(args[2]) or 0) <= 2 ** 29
    if name == b"SETBIT":
        return len(args) > 2 and 10 ** 6 < (_int(args[2]) or 0) < 2 ** 32
    if name == b"BITFIELD":
        return any(10 ** 5 < (_int(a.lstrip(b"#")) or 0) < 2 ** 33 for a in args[2:])
    if name in (b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"):
        # Redis answers as many elements, whatever memory that takes.
        return len(args) > 2 and -2 ** 63 < (_int(args[2]) or 0) < -10 ** 4
    return False


def _kills(args):
    upper = {a.upper() for a in args[2:]}
    if upper & {b"NORMAL", b"DEFAULT"}:
        return True
    if b"SKIPME" in upper and not upper & {b"ID", b"ADDR", b"LADDR"}:
        return True
    return any(0 < (_int(a) or 0) < 10 ** 6 for a in args[2:])


_BLOCKING = {b"BLPOP": -1, b"BRPOP": -1, b"BLMOVE": -1, b"BRPOPLPUSH": -1, b"BLMPOP": 1, b"BZPOPMIN": -1, b"BZPOPMAX": -1,
             b"BZMPOP": 1}


def _waits_long(name, args):
    """A timeout of more than some milliseconds, or none; or one so long that Redis 7.0 takes it for a negative one."""
    if name not in _BLOCKING or len(args) < 2:
        return False
    timeout = args[_BLOCKING[name]]
    try:
        seconds = float.fromhex(timeout.decode()) if b"x" in timeout.lower() else float(timeout)
    except ValueError:
        return False
    return seconds == 0 or seconds > 0.01


def harmful(args):
    name = args[0].upper()
    if _waits_long(name, args):
        return True
    if name == b"LPOS" and b"-9223372036854775808" in args:
        return True  # As a RANK it wraps around in Redis 7.0, but not in 7.2.
    if name in _NEVER or _short_ttl(name, args) or _too_large(name, args):
        return True
    if name in _SUBSCRIBING and len(args) > 1:
        return True  # In RESP2 most other commands would be refused from then on.
    if name == b"WAIT" and len(args) > 1:
        return (_int(args[1]) or 0) > 0
    if name == b"COMMAND" and (len(args) == 1 or len(args) == 2 and args[1].upper() in (b"INFO", b"DOCS", b"LIST")):
        return True  # All commands, in the order of a hash table.
    if name == b"COMMAND" and args[1].upper() == b"DOCS" and set(args[2:]) != {b"nosuch"}:
        return True  # The words of the documentation are our own.
    if name == b"CLIENT" and len(args) > 2:
        subcommand = args[1].upper()
        if subcommand == b"KILL" and any(arg.upper() == b"PUBSUB" for arg in args[2:]):
            return True  # A subscriber of a conversation that has just ended may still be there.
        return subcommand == b"KILL" and _kills(args) or subcommand == b"PAUSE" and (_int(args[2]) or 0) > 0
    return False
