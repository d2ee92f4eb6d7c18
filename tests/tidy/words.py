#!/usr/bin/env python3
"""No note of work left undone, no path of one machine, no name that says nothing.

Work that is left belongs into an issue. A path such as a home folder's works on one machine only. A file or a class
called utils, helpers, common, misc or manager does not say what belongs into it, so everything comes to live there.
"""

import re
from pathlib import PurePosixPath

from source_tree import Problem, run_check

UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:work|root|home/\w+|Users/\w+)/[\w.]")
EMPTY_WORD = r"(?:utils?|helpers?|common|misc|managers?)"
EMPTY_FILE_NAME = re.compile(rf"(?:^|[_.-]){EMPTY_WORD}(?:[_.-]|$)", re.IGNORECASE)
EMPTY_CLASS_NAME = re.compile(
    r"\b(?:class|struct|namespace)\s+(?:\w*(?:Utils?|Helpers?|Common|Misc|Managers?)|utils?|helpers?|common|misc)\b")


def problems(tree, options):
    for path in tree.paths:
        if EMPTY_FILE_NAME.search(PurePosixPath(path).name) or EMPTY_FILE_NAME.search(PurePosixPath(path).parent.name):
            yield Problem(path, 0, "has a name that does not say what belongs into it")
        try:
            text = tree.text(path)
        except UnicodeDecodeError:
            continue  # not text
        for number, line in enumerate(text.splitlines(), 1):
            wrong = wrong_with(path, line)
            if wrong:
                yield Problem(path, number, wrong)


def wrong_with(path, line):
    if match := UNDONE.search(line):
        return f"says {match[0]}: do it, or write an issue"
    if match := MACHINE_PATH.search(line):
        return f"names a path of one machine: {match[0]}..."
    if path.endswith((".h", ".cc")) and (match := EMPTY_CLASS_NAME.search(line)):
        return f"{match[0]}: a name that does not say what it is"
    return None


if __name__ == "__main__":
    run_check(__doc__, problems)
