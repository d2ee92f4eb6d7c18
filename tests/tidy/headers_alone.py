#!/usr/bin/env python3
"""Each header compiles alone: it includes what it needs.

Where a source file of the build includes its own header before anything else, the build has shown that already. Every
other header is compiled here with the flags of a source file near it in the build's compile_commands.json. One that
compiled is remembered in the build folder by the texts of all headers that it includes, and the flags, and is not
compiled again until one of them changes.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
from pathlib import Path, PurePosixPath

from layering import includes_of
from source_tree import Problem, run_check

SECONDS_MAX = 60  # for one header

# Options of a compiler call that say what to compile, with what they take; the rest says how.
OPTIONS_WITH_VALUE = {"-o", "-MF", "-MT", "-MQ"}
OPTIONS_DROPPED = {"-c", "-MD", "-MMD", "-MP"}


def problems(tree, options):
    commands = read_commands(tree, Path(options.build))
    memory = Path(options.build) / "tidy-headers-alone.json"
    known = read_json(memory)
    headers = [header for header in tree.with_endings(".h") if not shown_by_build(tree, header, commands)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda header: check(tree, header, commands, known.get(header)), headers))
    memory.write_text(json.dumps({header: result["seen"] for header, result in zip(headers, results) if result["seen"]}))
    for header, result in zip(headers, results):
        if result["error"]:
            yield Problem(header, 0, f"does not compile alone:\n{result['error']}")
    for header in tree.with_endings(".h"):
        if not re.search(r"^#pragma once$", tree.text(header), re.MULTILINE):
            yield Problem(header, 0, "lacks #pragma once")


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def read_commands(tree, build):
    """{source file: words of its compiler call without the file}"""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(tree.root):
            words = shlex.split(entry["command"]) if "command" in entry else entry["arguments"]
            commands[str(path.relative_to(tree.root))] = flags_of(words, entry["file"])
    return commands


def flags_of(words, file):
    kept, skip = [], False
    for word in words:
        if skip or word in OPTIONS_DROPPED or word == file:
            skip = False
        elif word in OPTIONS_WITH_VALUE:
            skip = True
        elif os.path.basename(word) != "ccache":
            kept.append(word)
    return kept


def shown_by_build(tree, header, commands):
    own = header[:-2] + ".cc"
    return own in commands and next((name for _, name, _ in includes_of(tree, own)), None) == header


def nearest(header, commands):
    """The source file that shares most of the header's path."""
    parts = PurePosixPath(header).parent.parts

    def shared(path):
        return len(os.path.commonprefix([parts, PurePosixPath(path).parent.parts]))

    return max(sorted(commands), key=shared)


def check(tree, header, commands, seen):
    """Compiles one header. Result: `error`, and `seen`, what the next run may skip it for."""
    flags = commands[nearest(header, commands)]
    if seen and seen["digest"] == digest(tree, flags, seen["files"]):
        return {"error": "", "seen": seen}
    try:
        ran = subprocess.run([*flags, "-fsyntax-only", "-MD", "-MF", "/dev/stderr", "-x", "c++", "-"], cwd=tree.root,
                             input=f'#include "{header}"\n', capture_output=True, text=True,
                             timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return {"error": f"it takes more than {SECONDS_MAX} s", "seen": None}
    if ran.returncode != 0:
        return {"error": ran.stderr.strip()[:2000], "seen": None}
    files = own_files(tree, ran.stderr)
    return {"error": "", "seen": {"files": files, "digest": digest(tree, flags, files)}}


def own_files(tree, rule):
    """The repository's files in a make rule, from the root."""
    files = set()
    for word in rule.replace("\\\n", " ").split():
        path = (tree.root / word).resolve()
        if path.is_relative_to(tree.root) and path.is_file():
            files.add(str(path.relative_to(tree.root)))
    return sorted(files)


def digest(tree, flags, files):
    value = hashlib.sha256(repr(flags).encode())
    for file in files:
        path = tree.root / file
        value.update(path.read_bytes() if path.is_file() else b"(gone)")
        value.update(b"\0")
    return value.hexdigest()


if __name__ == "__main__":
    run_check(__doc__, problems,
              lambda parser: parser.add_argument("--build", required=True, help="folder with compile_commands.json"))
