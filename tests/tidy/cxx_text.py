"""Reads C++ as far as the checks need it: without comments, without what stands in quotes, and where functions are."""

import re
from dataclasses import dataclass

# Numbers come first, since their separators (1'000) are no quotes; raw strings before other strings.
TOKEN = re.compile(
    r"""\b\d[\w.']*(?:[eEpP][+-]\w+)?
      | R"(?P<fence>[^\s()\\]{0,16})\(.*?\)(?P=fence)"
      | //[^\n]*
      | /\*.*?\*/
      | "(?:\\.|[^"\\\n])*"
      | '(?:\\.|[^'\\\n])*'
      | ^[ \t]*\#(?:\\\n|[^\n])*""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)


def bare(text):
    """The text with comments, literals and preprocessor lines blanked out; all lines keep their numbers."""

    def blank(match):
        token = match[0]
        if token[0].isdigit():
            return token
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


@dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


SCOPE = re.compile(r"(^|[\s>])(namespace|class|struct|union|enum|extern)\b(?!.*\)\s*(const|noexcept|override|final|\s)*$)")
NAME = re.compile(r"((?:[\w:]+::)?operator\s*(?:\(\)|[^\s\w(]+|[\w:]+)|[~\w:]+)\s*\(")


def functions(text):
    """The outermost functions, their bodies' braces being the measure. Tables in braces (`= {...}`) are none."""
    text = bare(text)
    kinds = []  # of each open brace, see kind_of()
    head_from = 0
    started = None
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        if match[0] == "{":
            within = "value" if any(kind != "scope" for kind in kinds) else None
            kinds.append(within or kind_of(text[head_from:at]))
            if kinds[-1] == "function":
                started = at - len(text[head_from:at].lstrip())
        elif match[0] == "}" and kinds:
            if kinds[-1] == "function":
                name = NAME.search(text, started, at)
                yield Function(name[1] if name else "?", line_at(text, started), line_at(text, at))
            if kinds.pop() == "argument":
                continue
        if "argument" not in kinds:
            head_from = match.end()


def kind_of(head):
    """What a brace opens that stands in a namespace or a class behind `head`: a scope, a function, a value, or part of
    the head itself, as in a default argument."""
    head = re.sub(r"\s+", " ", head).strip()
    if head.count("(") > head.count(")"):
        return "argument"
    if "template" in head:
        head = re.sub(r"^.*?>\s*(?=\w)", "", head)
    if head.endswith(("=", "return")):
        return "value"
    if SCOPE.search(head) or head == "":
        return "scope"
    return "function" if "(" in head else "value"


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1
