"""The examples of docs/GUIDE.md in Python, each on an emptied server."""

import pathlib
import re
import unittest

from server_under_test import connect

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "GUIDE.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# `code # => value`, or `name = code # => value`
COMPARISON = re.compile(r"^(?:(\w+) = )?(\S.*?) *# => (.+)$", re.MULTILINE)


def with_comparisons(text):
    def comparison(match):
        name, code, value = match.groups()
        return f"{name} = {code}; same({name}, {value})" if name else f"same({code}, {value})"

    return COMPARISON.sub(comparison, text)


class Guide(unittest.TestCase):
    def setUp(self):
        self.client = connect(decode_responses=True)
        self.addCleanup(self.client.close)

    def run_example(self, text, name):
        compared = []

        def same(found, told):
            compared.append(found)
            self.assertEqual(found, told)

        self.client.flushall()
        self.client.config_resetstat()
        exec(compile(with_comparisons(text), name, "exec"), {"r": self.client, "same": same})
        self.assertEqual(len(compared), text.count("# =>"))
        self.assertTrue(compared, "the example tells no value")

    def test_examples(self):
        guide = GUIDE.read_text()
        for example in EXAMPLE.finditer(guide):
            line = guide.count("\n", 0, example.start()) + 2
            with self.subTest(line=line):
                self.run_example(example[1], f"docs/GUIDE.md, the example in line {line}")
