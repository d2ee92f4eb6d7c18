#!/usr/bin/env python3
"""What the server's own tables say is written down elsewhere only as a copy, and the copy is current.

conf/larder.conf is what `larder --dump-config` prints. The command table of README.md, between the lines
<!-- commands:begin --> and <!-- commands:end -->, is what `larder --dump-commands=markdown` prints.
"""

import subprocess

from source_tree import Problem, run_check

CONFIG_FILE = "conf/larder.conf"
README = "README.md"
BEGIN = "<!-- commands:begin -->"
END = "<!-- commands:end -->"
SECONDS_MAX = 30


def problems(tree, options):
    yield from compare(CONFIG_FILE, 1, tree.text(CONFIG_FILE), options.larder, "--dump-config")
    if README not in tree.paths:
        return
    lines = tree.text(README).splitlines()
    marks = [number for number, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if not marks:
        return
    if len(marks) != 2 or lines[marks[0]].strip() != BEGIN:
        yield Problem(README, marks[0] + 1, f"needs {BEGIN} and then {END}, each once")
        return
    table = "\n".join(lines[marks[0] + 1:marks[1]])
    yield from compare(README, marks[0] + 2, table, options.larder, "--dump-commands=markdown")


def compare(path, first_line, written, larder, option):
    ran = subprocess.run([larder, option], capture_output=True, text=True, timeout=SECONDS_MAX)
    if ran.returncode != 0:
        yield Problem(path, 0, f"larder {option} failed: {ran.stderr.strip()}")
        return
    old, new = written.strip().splitlines(), ran.stdout.strip().splitlines()
    blank = len(written) - len(written.lstrip())
    first_line += written.count("\n", 0, blank)
    for i in range(max(len(old), len(new))):
        have, want = (lines[i] if i < len(lines) else "(nothing)" for lines in (old, new))
        if have != want:
            yield Problem(path, first_line + i, f"has {have!r}, larder {option} prints {want!r}")
            return


if __name__ == "__main__":
    run_check(__doc__, problems, lambda parser: parser.add_argument("--larder", required=True, help="the program"))
