"""What every check needs: the files of the repository, and a way to say what is wrong with them."""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

IGNORED_FOLDERS = {"build", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class Problem:
    path: str  # from the root
    line: int  # 0: the file as a whole
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class SourceTree:
    """The files that git tracks or would track; without git (a release's tarball, a test), all of them."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.paths = sorted(path for path in self._listed() if (self.root / path).is_file())

    def _listed(self):
        if (self.root / ".git").exists():
            git = subprocess.run(["git", "-c", f"safe.directory={self.root}", "-C", self.root, "ls-files", "-z",
                                  "--cached", "--others", "--exclude-standard"], capture_output=True, text=True)
            if git.returncode == 0:
                return set(filter(None, git.stdout.split("\0")))
        found = set()
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in IGNORED_FOLDERS and not name.startswith(".git")]
            found.update(str((Path(folder) / name).relative_to(self.root)) for name in files)
        return found

    def with_endings(self, *endings):
        return [path for path in self.paths if path.endswith(endings)]

    def sources(self):
        return self.with_endings(".h", ".cc")

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")


def run_check(description, problems, add_options=lambda parser: None):
    """The main program of a check: `problems` takes the tree and the options, and yields what is wrong."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2], help="the repository's top folder")
    add_options(parser)
    options = parser.parse_args()
    found = list(problems(SourceTree(options.root), options))
    for problem in found:
        print(problem)
    if found:
        sys.exit(f"{len(found)} problem{'s'[:len(found) - 1]}; {Path(sys.argv[0]).name} says at its top what is asked")
