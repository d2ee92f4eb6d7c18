#!/usr/bin/env python3
"""No source file over 600 lines, no header over 200, no function over 70.

A function is measured from the line where its declaration begins to its closing brace. What is longer for a good reason
stands in EXCEPTIONS with that reason and a limit of its own; an exception that is no longer needed is wrong too.
"""

from cxx_text import functions
from source_tree import Problem, run_check

FILE_LINES_MAX = 600
HEADER_LINES_MAX = 200
FUNCTION_LINES_MAX = 70

# path or path:function -> (lines, why)
EXCEPTIONS = {}


def problems(tree, options):
    used = set()

    def too_long(what, lines, limit):
        if lines <= limit:
            return False
        if what in EXCEPTIONS:
            used.add(what)
            limit = EXCEPTIONS[what][0]
        return lines > limit

    for path in tree.sources():
        text = tree.text(path)
        lines = text.count("\n")
        limit = HEADER_LINES_MAX if path.endswith(".h") else FILE_LINES_MAX
        if too_long(path, lines, limit):
            yield Problem(path, 0, f"has {lines} lines; {limit} are the limit")
        for function in functions(text):
            if too_long(f"{path}:{function.name}", function.lines, FUNCTION_LINES_MAX):
                yield Problem(path, function.first_line,
                              f"{function.name} has {function.lines} lines; {FUNCTION_LINES_MAX} are the limit")
    for what in sorted(set(EXCEPTIONS) - used):
        yield Problem(what, 0, "is listed in EXCEPTIONS and needs it no more")


if __name__ == "__main__":
    run_check(__doc__, problems)
