#!/usr/bin/env python3
"""Each check can fail: it is run on small trees in a temporary folder that are wrong in one way, and on right ones."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
options = argparse.Namespace(compiler="c++")


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="larder-tidy-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run_check(self, name, *arguments):
        return subprocess.run([sys.executable, HERE / f"{name}.py", "--root", self.root, *arguments], text=True,
                              capture_output=True)

    def expect_problem(self, expected, name, *arguments):
        ran = self.run_check(name, *arguments)
        self.assertEqual(ran.returncode, 1, ran)
        self.assertIn(expected, ran.stdout)
        self.assertEqual(len([line for line in ran.stdout.splitlines() if line and line[0] != " "]), 1, ran.stdout)

    def expect_none(self, name, *arguments):
        ran = self.run_check(name, *arguments)
        self.assertEqual((ran.returncode, ran.stdout), (0, ""), ran.stderr)


class Layering(Check):
    def expect_wrong(self, path, include):
        with self.subTest(path=path, include=include):
            file = self.write(path, f"// A comment.\n#include {include}\n")
            self.expect_problem(f"{path}:2: ", "layering")
            file.unlink()

    def test_upward_and_sideways_includes_are_found(self):
        for path in ("storage/store.h", "server/core/call.h", "server/net/stream.h", "server/app/log.h",
                     "server/commands/string.h", "server/commands/keys.h", "protocol/limits.h", "tests/support/fake.h"):
            self.write(path, "")
        self.expect_none("layering")
        self.expect_wrong("protocol/a.cc", '"storage/store.h"')
        self.expect_wrong("storage/a.cc", '"server/core/call.h"')
        self.expect_wrong("storage/a.cc", '"protocol/limits.h"')
        self.expect_wrong("server/net/a.cc", '"protocol/limits.h"')
        self.expect_wrong("server/core/a.cc", '"server/app/log.h"')
        self.expect_wrong("server/core/a.cc", '"server/commands/string.h"')
        self.expect_wrong("server/commands/keys.cc", '"server/commands/string.h"')
        self.expect_wrong("server/commands/keys.cc", '"protocol/limits.h"')
        self.expect_wrong("server/main.cc", '"tests/support/fake.h"')
        self.expect_wrong("tests/storage/a_test.cc", '"server/core/call.h"')
        self.expect_wrong("tests/protocol/a_test.cc", '"storage/store.h"')

    def test_libraries_stay_in_their_rooms(self):
        self.expect_wrong("protocol/a.cc", "<xxhash.h>")
        self.expect_wrong("storage/table.cc", "<jemalloc/jemalloc.h>")
        self.expect_wrong("storage/table.cc", "<spdlog/spdlog.h>")
        self.expect_wrong("server/core/a.cc", "<uv.h>")
        self.expect_wrong("server/core/a.cc", "<lua.h>")
        self.expect_wrong("server/commands/a.cc", "<unistd.h>")
        self.expect_wrong("storage/a.cc", "<boost/any.hpp>")
        self.expect_wrong("storage/a.cc", '"blob.h"')

    def test_a_command_sees_no_socket_through_other_headers(self):
        self.write("server/net/stream.h", "#include <uv.h>\n")
        self.write("server/core/call.h", '#include "server/net/stream.h"\n')
        self.write("server/commands/keys.cc", '#include "server/core/call.h"\n')
        ran = self.run_check("layering")
        self.assertIn("server/commands/keys.cc: sees server/net/stream.h, which server/core/call.h includes", ran.stdout)
        self.assertIn("server/commands/keys.cc: sees uv.h", ran.stdout)

    def test_a_file_outside_of_all_rooms_is_found(self):
        self.write("elsewhere/a.cc", "")
        self.expect_problem("elsewhere/a.cc: belongs to no room", "layering")

    def test_what_is_allowed_passes(self):
        self.write("protocol/limits.h", "#include <cstddef>\n")
        self.write("storage/store.h", "#include <xxhash.h>\n")
        self.write("storage/memory.cc", "#include <jemalloc/jemalloc.h>\n#include <unistd.h>\n")
        self.write("server/core/call.h", '#include "storage/store.h"\n#include "protocol/limits.h"\n')
        self.write("server/core/script.cc", "#include <lua.h>\n")
        self.write("server/commands/keys.h", "")
        self.write("server/commands/keys.cc", '#include "server/commands/keys.h"\n#include "server/core/call.h"\n')
        self.expect_none("layering")


class Sizes(Check):
    def test_long_files_and_headers_are_found(self):
        file = self.write("storage/a.cc", "//\n" * 601)
        self.expect_problem("storage/a.cc: has 601 lines", "sizes")
        file.unlink()
        self.write("storage/a.h", "//\n" * 201)
        self.expect_problem("storage/a.h: has 201 lines", "sizes")

    def test_long_functions_are_found(self):
        body = "  int a = 1'000;  // }\n" * 69
        for head in ("void f() {", "int A::f(int x) const {", "A::A(int x) : b_{x}, f(x) {",
                     "template <typename T>\nvoid f(T t = [] {}) {", "struct A {\nvoid f() {"):
            with self.subTest(head=head):
                text = f"#define X {{\nnamespace a {{\n\n{head}\n{body}}}\n"
                first = 4 if head.count("\n") == 0 or head.startswith("template") else 5
                self.write("a.cc", text)
                self.expect_problem(f"a.cc:{first}: ", "sizes")

    def test_tables_and_short_functions_pass(self):
        rows = '    {"name", {1, 2}, f(3)},\n' * 100
        self.write("a.cc", f'constexpr Row kRows[] = {{\n{rows}}};\nvoid f() {{\n  g(R"({{{{)");\n}}\n'
                   + "int g() { return 1; }\n" * 90)
        self.expect_none("sizes")


class Words(Check):
    def test_work_left_undone_is_found(self):
        self.write("a.cc", "int a;\n// TO" "DO: more\n")
        self.expect_problem("a.cc:2: says TO" "DO", "words")

    def test_paths_of_one_machine_are_found(self):
        for path in ("/wo" "rk/main", "/ro" "ot/larder", "/ho" "me/ann/larder"):
            with self.subTest(path=path):
                self.write("run.py", f"open('{path}')\n")
                self.expect_problem("run.py:1: names a path", "words")

    def test_names_that_say_nothing_are_found(self):
        for path in ("storage/string_utils.h", "tests/helpers.py", "server/common/a.h", "memory-manager.cc"):
            with self.subTest(path=path):
                file = self.write(path, "")
                self.expect_problem(f"{path}: has a name", "words")
                file.unlink()
        self.write("a.h", "\nclass ShardManager {\n};\n")
        self.expect_problem("a.h:2: class ShardManager", "words")

    def test_harmless_text_passes(self):
        self.write("a.md", "../shared/work/x, build/root/y, $HOME/home/z, https://a.b/work/c, mktemp /tmp/XX" "XX\n")
        self.write("server/commands/a.cc", "// The common case.\nclass Communication {};\n")
        self.expect_none("words")


class Generated(Check):
    def setUp(self):
        super().setUp()
        self.larder = self.root / "larder"
        self.larder.write_text('#!/bin/sh\ncase $1 in --dump-config) echo "port 6379";; *) echo "| GET |";; esac\n')
        self.larder.chmod(0o755)
        self.write("conf/larder.conf", "port 6379\n")

    def readme(self, *lines):
        self.write("README.md", "\n".join(lines) + "\n")

    def test_an_old_configuration_file_is_found(self):
        self.write("conf/larder.conf", "port 6380\n")
        self.expect_problem("conf/larder.conf:1: has 'port 6380'", "generated", "--larder", self.larder)

    def test_an_old_command_table_is_found(self):
        self.readme("# Larder", "<!-- commands:begin -->", "", "| SET |", "", "<!-- commands:end -->")
        self.expect_problem("README.md:4: has '| SET |'", "generated", "--larder", self.larder)

    def test_a_missing_end_is_found(self):
        self.readme("<!-- commands:begin -->", "| GET |")
        self.expect_problem("README.md:1: needs", "generated", "--larder", self.larder)

    def test_a_server_that_fails_is_found(self):
        self.larder.write_text("#!/bin/sh\nexit 1\n")
        self.expect_problem("conf/larder.conf: larder --dump-config failed", "generated", "--larder", self.larder)

    def test_copies_are_renewed_when_asked(self):
        self.write("conf/larder.conf", "port 6380\n")
        self.readme("a", "<!-- commands:begin -->", "old", "<!-- commands:end -->", "b")
        self.assertEqual(self.run_check("generated", "--larder", self.larder, "--write").returncode, 0)
        self.assertEqual(self.root.joinpath("README.md").read_text(),
                         "a\n<!-- commands:begin -->\n\n| GET |\n\n<!-- commands:end -->\nb\n")
        self.expect_none("generated", "--larder", self.larder)

    def test_current_copies_pass(self):
        self.readme("<!-- commands:begin -->", "", "| GET |", "", "<!-- commands:end -->", "more")
        self.expect_none("generated", "--larder", self.larder)
        self.readme("no table")
        self.expect_none("generated", "--larder", self.larder)


class HeadersAlone(Check):
    def setUp(self):
        super().setUp()
        self.build = self.root / "build"
        self.build.mkdir()
        command = f"{options.compiler} -std=c++20 -I{self.root} -o a.o -c {self.root}/storage/a.cc"
        self.build.joinpath("compile_commands.json").write_text(json.dumps(
            [{"directory": str(self.build), "command": command, "file": f"{self.root}/storage/a.cc"}]))
        self.write("storage/a.cc", '#include <string>\n#include "storage/a.h"\n')
        self.write("storage/b.h", "#pragma once\n#include <string>\n")

    def run_headers(self):
        return self.run_check("headers_alone", "--build", self.build)

    def test_a_header_that_leans_on_others_is_found(self):
        self.write("storage/a.h", "#pragma once\nstd::string name();\n")
        ran = self.run_headers()
        self.assertEqual(ran.returncode, 1)
        self.assertIn("storage/a.h: does not compile alone", ran.stdout)
        self.assertIn("storage/a.h:2:", ran.stdout)
        self.assertNotIn("storage/b.h: does not", ran.stdout)

    def test_a_header_that_cannot_be_included_twice_is_found(self):
        self.write("storage/a.h", "struct A {};\n")
        self.expect_problem("storage/a.h: lacks #pragma once", "headers_alone", "--build", self.build)

    def test_what_the_build_has_shown_is_not_compiled_again(self):
        self.write("storage/a.cc", '#include "storage/a.h"\n#include <string>\n')
        self.write("storage/a.h", "#pragma once\nstd::string name();\n")  # the build would have failed
        self.expect_none("headers_alone", "--build", self.build)

    def test_a_change_below_is_noticed(self):
        self.write("storage/a.h", '#pragma once\n#include "storage/b.h"\nstd::string name();\n')
        self.expect_none("headers_alone", "--build", self.build)
        self.expect_none("headers_alone", "--build", self.build)
        self.write("storage/b.h", "#pragma once\n")
        self.assertIn("storage/a.h: does not compile alone", self.run_headers().stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"))
    options, rest = parser.parse_known_args(namespace=options)
    unittest.main(argv=[sys.argv[0], *rest])
