"""The Redis wire format: requests to bytes, bytes to replies, replies to one line of text.

A reply is a pair (kind, value), where kind is the byte that opens it on the wire, so that two replies are
equal only if their types are equal too: ('+', b'OK'), ('-', b'ERR ...'), (':', 5), ('$', b'x'), ('$', None) for the
null bulk, ('*', None) for the null array, ('_', None) for the RESP3 null, ('*', [...]), ('~', [...]), ('>', [...]),
('%', [key, value, key, value, ...]), (',', b'1.5'), ('#', b't'), ('(', b'123'), ('=', b'txt:...').
"""


class Incomplete(Exception):
    """The buffer ends before the reply does; come back with more bytes."""


class Malformed(Exception):
    """The bytes are no reply of RESP2 or RESP3."""


_LINES = {ord(c): c for c in "+-,#("}
_BULKS = {ord(c): c for c in "$=!"}
_LISTS = {ord("*"): ("*", 1), ord("~"): ("~", 1), ord(">"): (">", 1), ord("%"): ("%", 2), ord("|"): ("|", 2)}
_COLON, _UNDERSCORE = ord(":"), ord("_")


def encode(args):
    """One request as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
    return b"".join(parts)


def parse(buf, pos):
    """The reply that starts at buf[pos], and the position behind it. Raises Incomplete or Malformed."""
    end = buf.find(b"\r\n", pos)
    if end < 0:
        raise Incomplete
    kind = buf[pos]
    line = buf[pos + 1:end]
    if kind in _BULKS:
        return _bulk(buf, end + 2, _BULKS[kind], line)
    if kind == _COLON:
        return (":", _integer(line)), end + 2
    if kind in _LINES:
        return (_LINES[kind], line), end + 2
    if kind in _LISTS:
        return _list(buf, end + 2, _LISTS[kind], line)
    if kind == _UNDERSCORE and not line:
        return ("_", None), end + 2
    raise Malformed("a reply cannot start with %r" % buf[pos:pos + 40])


def _bulk(buf, start, kind, line):
    size = _integer(line)
    if size < 0:
        if size != -1 or kind != "$":
            raise Malformed("bulk length %r" % line)
        return (kind, None), start
    stop = start + size
    if len(buf) < stop + 2:
        raise Incomplete
    if buf[stop:stop + 2] != b"\r\n":
        raise Malformed("bulk string of %d bytes does not end with CRLF" % size)
    return (kind, buf[start:stop]), stop + 2


def _list(buf, pos, kind_and_width, line):
    kind, width = kind_and_width
    size = _integer(line)
    if size < 0:
        if size != -1 or kind != "*":
            raise Malformed("list length %r" % line)
        return (kind, None), pos
    items = []
    for _ in range(size * width):
        item, pos = parse(buf, pos)
        items.append(item)
    return (kind, items), pos


def _integer(line):
    digits = line[1:] if line[:1] == b"-" else line
    if not digits.isdigit():
        raise Malformed("%r is no integer" % line)
    return int(line)


_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}


def quote(data, limit=200):
    """Bytes in double quotes, escaped as redis-cli does; what is longer than `limit` is cut and its size told."""
    text = "".join(_ESCAPES.get(c) or (chr(c) if 32 <= c < 127 else "\\x%02x" % c) for c in data[:limit])
    more = "...(%d bytes)" % len(data) if len(data) > limit else ""
    return '"%s"%s' % (text, more)


def render(reply, limit=200):
    """A reply on one line; docs/DIFFERENCES.md matches its regexes against this text."""
    if reply is None:
        return "(no reply)"
    kind, value = reply
    if value is None:
        return "_" if kind == "_" else kind + "-1"
    if kind == ":":
        return ":%d" % value
    if kind == "$":
        return quote(value, limit)
    if kind in "=!":
        return kind + quote(value, limit)
    if kind in "+-,#(":
        return kind + quote(value, 2000)[1:].removesuffix('"').replace('\\"', '"')
    items = [render(item, limit) for item in value[:200]]
    if kind in "%|":
        items = [": ".join(items[i:i + 2]) for i in range(0, len(items), 2)]
    if len(value) > 200:
        items.append("...(%d items)" % len(value))
    opening = {"*": "[", "%": "{", "~": "~{", ">": ">[", "|": "|{"}[kind]
    return opening + ", ".join(items) + ("}" if opening.endswith("{") else "]")


def render_command(args, limit=200):
    """A request on one line: plain words bare, everything else in quotes."""
    return " ".join(a.decode() if a and a.isascii() and all(33 <= c < 127 and c != 34 and c != 92 for c in a)
                    and len(a) <= limit else quote(a, limit) for a in args)
