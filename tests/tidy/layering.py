#!/usr/bin/env python3
"""Every #include against the table of floors in docs/ARCHITECTURE.md: a floor includes only what stands below it.

ROOMS says for each part of the tree which other parts and which libraries it may include. A file belongs to the room
with the longest prefix of its path. An include that no room or library claims is wrong too: name it here first.
"""

import re

from source_tree import Problem, run_check

LIBRARIES = {
    "libuv": r"uv\.h",
    "xxHash": r"xxhash\.h",
    "jemalloc": r"jemalloc/.*",
    "OpenSSL": r"openssl/.*",
    "spdlog": r"spdlog/.*",
    "fmt": r"fmt/.*",
    "Lua": r"(lua\d*(\.\d)?/)?(lua|lauxlib|lualib|luajit)\.(h|hpp)",
    "sanitizers": r"sanitizer/.*",
    "tests": r"(gtest|gmock)/.*",
    "benchmark": r"benchmark/.*",
    "zlib": r"zlib\.h",
    "processor": r"(imm|emm|nmm|smm|tmm|x86)intrin\.h|cpuid\.h",
    "POSIX": r"(sys|net|netinet|arpa|linux)/.*|(unistd|ucontext|strings|ifaddrs|fcntl|poll|netdb|dirent|pthread|sched|malloc|pwd|grp|syslog)\.h",
    "std": r"[a-z_]+|(assert|ctype|errno|limits|math|signal|stdint|stdio|stdlib|string|time)\.h",
}

EVERYTHING = {"protocol/", "storage/", "server/", *LIBRARIES}
SERVER = EVERYTHING - {"tests", "benchmark", "zlib"}

ROOMS = {
    "protocol/": {"protocol/", "std"},
    "storage/": {"storage/", "std", "xxHash", "processor"},
    # The only files of the engine that know the allocator and the operating system.
    "storage/memory.cc": {"storage/", "std", "jemalloc", "POSIX"},
    "storage/page_memory.cc": {"storage/", "std", "POSIX"},
    "server/net/": {"server/net/", "std", "libuv", "OpenSSL", "POSIX"},
    "server/core/": {"server/core/", "protocol/", "storage/", "server/net/", "std", "POSIX", "spdlog", "fmt", "processor"},
    "server/core/script": {"server/core/", "protocol/", "storage/", "std", "fmt", "Lua", "spdlog", "POSIX", "sanitizers"},
    # A family knows no other family, no socket and no byte of the protocol. It may format text; it does not log.
    "server/commands/": {"server/core/", "storage/", "server/commands/families.h", "std", "fmt"},
    "server/app/": SERVER,
    "server/main.cc": SERVER,
    # These link one floor alone.
    "tests/protocol/": {"protocol/", "tests/protocol/", "std", "tests"},
    "tests/storage/": {"storage/", "tests/storage/", "std", "tests", "POSIX"},
    "tests/": EVERYTHING | {"tests/"},
    "tests/bench/": {"bench/", "tests/bench/", "std", "tests"},
    "bench/": EVERYTHING | {"bench/", "tests/support/"},
}

# Not even through other headers may these rooms see those files.
NEVER_REACHED = {"server/commands/": ("server/net/", "uv.h")}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)


def includes_of(tree, path):
    """(line, name, whether in angle brackets) of each #include."""
    text = tree.text(path)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(0) + len(match[0]) - len(match[0].lstrip())) + 1
        yield line, match[1] or match[2], match[1] is not None


def room_of(path):
    return max((room for room in ROOMS if path.startswith(room)), key=len, default=None)


def library_of(name):
    return next((library for library, pattern in LIBRARIES.items() if re.fullmatch(pattern, name)), None)


def own_header(path, name):
    """A source file's own header, and what is in its private folder, are part of it."""
    return name.rpartition(".")[0] == path.rpartition(".")[0]


def wrong_with(tree, path, name, angled):
    """Why this include is wrong, or None."""
    room = room_of(path)
    if angled:
        library = library_of(name)
        if library is None:
            return f"includes <{name}>, which layering.py does not know"
        return None if library in ROOMS[room] else f"{room} may not include {library}: <{name}>"
    if name not in tree.paths:
        return f'includes "{name}", which is no path from the top folder'
    if own_header(path, name) or any(name.startswith(part) for part in ROOMS[room]):
        return None
    return f'{room} may not include "{name}"'


def reached(tree, path):
    """Everything that `path` includes, through other headers too: {name: the header that includes it}."""
    found, todo = {}, [path]
    while todo:
        current = todo.pop()
        for _, name, angled in includes_of(tree, current):
            if name not in found:
                found[name] = current
                if not angled and name in tree.paths:
                    todo.append(name)
    return found


def problems(tree, options):
    for path in tree.sources():
        if room_of(path) is None:
            yield Problem(path, 0, "belongs to no room of layering.py")
            continue
        for line, name, angled in includes_of(tree, path):
            wrong = wrong_with(tree, path, name, angled)
            if wrong:
                yield Problem(path, line, wrong)
        never = next((names for room, names in NEVER_REACHED.items() if path.startswith(room)), ())
        for name, by in reached(tree, path).items() if never else ():
            if name.startswith(never) and by != path:
                yield Problem(path, 0, f"sees {name}, which {by} includes")


if __name__ == "__main__":
    run_check(__doc__, problems)
