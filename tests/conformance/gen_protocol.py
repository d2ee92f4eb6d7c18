"""The wire itself: inline commands, odd frames, and frames so wrong that the server says why and hangs up.

Each call has a connection of its own. A broken frame ends where the server must notice, so that nothing is left
unread when it closes (the kernel would then reset the connection and the error text could be lost).
"""

import ops
import shapes
from table import Family, scene

_WORDS = [b"PING", b"ping", b"ECHO hello", b"ECHO \"a b\"", b"ECHO 'a b'", b"ECHO \"\\x41\\n\\t\\\"\"",
          b"ECHO 'it\\'s'", b"ECHO ''", b"ECHO \"\"",
          b"  PING  ", b"ECHO a b", b"PING\t\"x\"", b"NOSUCH one two", b"ECHO \"\\xzz\"", b"GET", b"ECHO \"\\q\"",
          b"ECHO a\"b", b"ECHO \x01"]
_ODD = [b"\r\n", b"\n", b"\r\n\r\n\r\n", b"*0\r\n", b"*-1\r\n", b"*-5\r\n", b"*1\r\n$4\r\nPING\r\n",
        b"*01\r\n$4\r\nPING\r\n", b"*1\r\n$04\r\nPING\r\n",
        b"*1\r\n$0\r\n\r\n", b"*2\r\n$4\r\nPING\r\n$0\r\n\r\n", b"*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n", b"*-0\r\n",
        b"*1\r\n$4\r\nPINGxx", b"   \r\n"]
_BROKEN = [b"*abc\r\n", b"*1\r\nPING\r\n", b"*1\r\n:4\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$abc\r\n", b"*1\r\n$\r\n",
           b"*1\r\n$536870913\r\n", b"*2147483648\r\n",
           b"*1\r\n$99999999999999999999\r\n", b"*2\r\n$4\r\nECHO\r\n$+1\r\n", b"*1\r\n$ 4\r\n", b"* 1\r\n", b"*+1\r\n",
           b"*1.5\r\n",
           b"ECHO \"unbalanced\r\n", b"ECHO 'unbalanced\n", b"ECHO \"a\"b\r\n", b"ECHO 'a'b\r\n", b"x" * 70000,
           b"*" + b"1" * 70000,
           b"*1\r\n$" + b"1" * 70000, b"*1\r\n\r\n", b"*1\r\n+PING\r\n", b"*\r\n", b"POST / HTTP/1.1\r\n",
           b"Host: x\r\n", b"*9223372036854775808\r\n",
           b"PING\r\n*abc\r\n", b"*1\r\n$4\r\nPING\r\n*1\r\n!\r\n"]


def inline(gen):
    d = gen.draw
    lines = [d.choice(_WORDS) + d.choice([b"\r\n", b"\r\n", b"\n"]) for _ in range(d.int(1, 6))]
    return [ops.Raw(b"".join(lines))]


def odd(gen):
    d = gen.draw
    parts = [d.choice(_ODD + [b"PING\r\n"]) for _ in range(d.int(1, 5))]
    return [ops.Raw(b"".join(parts))]


def broken(gen):
    return [ops.Raw(gen.draw.choice(_BROKEN), closes=True)]


def split(gen):
    """A request with a large argument that arrives in many pieces."""
    d = gen.draw
    data = shapes.big(d)
    request = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b\r\nPING\r\n" % (len(data), data)
    return [ops.Raw(request, cuts=[d.rng.randrange(1, len(request)) for _ in range(d.int(1, 12))])]


FAMILY = Family("protocol", 0.6, [], [scene(inline, 3), scene(odd, 2), scene(broken, 2), scene(split, 1)])
