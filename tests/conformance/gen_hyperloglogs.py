"""HyperLogLog. The strings themselves are compared to the byte, so what one server writes the other can read."""

from shapes import key, many, one_of, value
from table import Command, Family, row, scene

_DENSE_BYTES = 12304


def element(d):
    return b"e:%d" % d.int(0, 3000) if d.chance(0.7) else value(d)


def counting(gen):
    """A sketch that grows from nothing into the dense form, by few or many elements at a time."""
    d = gen.draw
    name, other, union = d.prefix + b"hll:1", d.prefix + b"hll:2", d.prefix + b"hll:3"
    steps = [Command([b"DEL", name, union])]
    for _ in range(d.int(1, 12)):
        few = d.choice([1, 10, 100, 1000])
        first = d.int(0, 10 ** 6)
        target = d.choice([name, name, other])
        steps += [Command([b"PFADD", target, *(b"%x" % (first + i) for i in range(few))]), Command([b"GET", target]),
                  Command([b"PFCOUNT", target]), Command([b"GET", target]), Command([b"STRLEN", target])]
        if d.chance(0.4):
            sources = [d.choice([name, other, union]) for _ in range(d.int(0, 3))]
            steps += [Command([b"PFCOUNT", name, *sources]), Command([b"PFMERGE", union, *sources]),
                      Command([b"GET", union]), Command([b"PFCOUNT", union])]
    return steps


def small_limit(gen):
    """The option that says when a sketch becomes dense."""
    d = gen.draw
    name = d.prefix + b"hll:4"
    option = b"hll-sparse-max-bytes"
    steps = [Command([b"CONFIG", b"SET", option, d.choice([b"0", b"20", b"100", b"1kb", b"16000"])]),
             Command([b"DEL", name])]
    for _ in range(d.int(1, 30)):
        steps += [Command([b"PFADD", name, *(element(d) for _ in range(d.int(1, 30)))]), Command([b"GET", name])]
    return steps + [Command([b"CONFIG", b"SET", option, b"3000"])]


def damaged_sketch(d):
    """Strings that are nearly sketches."""
    head = d.choice([b"HYLL", b"HYLL", b"HYLL", b"HYLL", b"HYLX", b"HYL"])
    encoding = d.choice([b"\x00", b"\x01", b"\x01", b"\x01", b"\x02", b"\xff"])
    estimate = d.choice([b"\x00" * 8, b"\x05" + b"\x00" * 7, b"\x00" * 7 + b"\x80"])
    body = d.choice([b"", b"\x7f\xff", b"\x7f\xfe", b"\x7f\xff\x00", b"\x00", b"\x80", b"\x7f\xfe\x84", b"\x7f\xfd\x84\x84",
                     b"\x3f" * 256, b"\x83" * 4096, b"\x83" * 4097,
                     b"\x00" * (_DENSE_BYTES - 16), b"\x11" * (_DENSE_BYTES - 16), b"\x00" * (_DENSE_BYTES - 17)])
    return head + encoding + b"\x00" * 3 + estimate + body


def damage(gen):
    d = gen.draw
    name, other = d.prefix + b"hll:5", d.prefix + b"hll:6"
    steps = [Command([b"SET", name, damaged_sketch(d)]), Command([b"PFCOUNT", name]), Command([b"PFADD", name, element(d)]),
             Command([b"GET", name]), Command([b"PFCOUNT", name, other]), Command([b"PFMERGE", other, name]),
             Command([b"GET", other]), Command([b"SET", name, damaged_sketch(d)]), Command([b"PFMERGE", name, other]),
             Command([b"GET", name])]
    if d.chance(0.5):
        steps.append(Command([b"DEL", other]))
    return steps


ROWS = [
    row("PFADD", key, many(0, 6, element), weight=3),
    row("PFCOUNT", key, weight=2),
    row("PFCOUNT", many(1, 3, key), weight=1),
    row("PFMERGE", many(1, 4, key), weight=2),
    row("PFADD", key, one_of(element)),
    row("GET", key, weight=2),
    row("OBJECT ENCODING", key),
]

FAMILY = Family("hyperloglogs", 10, ROWS, [scene(counting, 0.5), scene(small_limit, 0.3, whole=True), scene(damage, 2.0)])
