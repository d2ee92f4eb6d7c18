#!/usr/bin/env python3
"""What the server's own tables say is written down elsewhere only as a copy, and the copy is current.

conf/larder.conf is what `larder --dump-config` prints. The command table of README.md, between the lines
<!-- commands:begin --> and <!-- commands:end -->, is what `larder --dump-commands=markdown` prints. With --write the
copies are renewed:  tests/tidy/generated.py --larder build/release/larder --write
"""

import subprocess

from source_tree import Problem, run_check

CONFIG_FILE = "conf/larder.conf"
README = "README.md"
BEGIN = "<!-- commands:begin -->"
END = "<!-- commands:end -->"
SECONDS_MAX = 30


def problems(tree, options):
    yield from check_copy(tree, options, CONFIG_FILE, None, "--dump-config")
    if README not in tree.paths:
        return
    lines = tree.text(README).splitlines()
    marks = [number for number, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if marks and (len(marks) != 2 or lines[marks[0]].strip() != BEGIN):
        yield Problem(README, marks[0] + 1, f"needs {BEGIN} and then {END}, each once")
    elif marks:
        yield from check_copy(tree, options, README, marks, "--dump-commands=markdown")


def check_copy(tree, options, path, marks, option):
    """Compares the lines between the two marks, or without marks all lines, with what the server prints."""
    ran = subprocess.run([options.larder, option], capture_output=True, text=True, timeout=SECONDS_MAX)
    if ran.returncode != 0:
        yield Problem(path, 0, f"larder {option} failed: {ran.stderr.strip()}")
        return
    lines = tree.text(path).splitlines()
    first, last = (marks[0] + 1, marks[1]) if marks else (0, len(lines))
    printed = ran.stdout.strip("\n").splitlines()
    if marks:
        printed = ["", *printed, ""]  # Markdown wants a blank line beside a comment
    if lines[first:last] == printed:
        return
    if options.write:
        tree.root.joinpath(path).write_text("\n".join(lines[:first] + printed + lines[last:]) + "\n", encoding="utf-8")
        print(f"{path}: renewed")
        return
    same = next((i for i, (a, b) in enumerate(zip(lines[first:last], printed)) if a != b), min(last - first, len(printed)))
    have = lines[first + same] if first + same < last else "nothing more"
    want = printed[same] if same < len(printed) else "nothing more"
    yield Problem(path, first + same + 1, f"has {have!r}, larder {option} prints {want!r}; --write renews it")


def add_options(parser):
    parser.add_argument("--larder", required=True, help="the program")
    parser.add_argument("--write", action="store_true", help="renew the copies instead of complaining")


if __name__ == "__main__":
    run_check(__doc__, problems, add_options)
