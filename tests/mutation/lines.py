"""Which tests run a line of code: measured by coverage.py, once for each state of the tree."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from coverage import Coverage, CoverageData

from tests.mutation.places import Mutant, statement
from tests.mutation.plugin import SECONDS
from tests.project.sources import ROOT

# Started in every process, also in those that tests start: these have their test as the context.
SETTINGS = """[run]
data_file = {home}/lines
parallel = true
patch = _exit, fork
include = {tree}/engine/*, {tree}/nn/*
context = ${{PYTEST_CURRENT_TEST-}}
disable_warnings = no-data-collected, trace-changed
"""
PYTEST = (
    *("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "tests.mutation.plugin"),
    *("--hypothesis-seed=0", "-o", "faulthandler_timeout=0"),
)


@dataclass(frozen=True)
class Lines:
    """What the tests of an area run, and how long each of them takes."""

    home: Path

    def tests(self, mutant: Mutant) -> dict[str, float]:
        """Who may notice, quick ones first, with the most seconds for each; 0 for the others.

        All may, those that run something else of the file first, where a line is run by an
        import, or by none that is known: a process that was killed tells nothing.
        """
        seconds: dict[str, float] = json.loads((self.home / "seconds").read_text())
        data = CoverageData(str(self.home / "lines"))
        data.read()
        by_line = data.contexts_by_lineno(str(self.home / "tree" / mutant.path))
        found = {line: {_test(each) for each in by_line[line]} for line in by_line}
        lines, inside = statement(mutant.before, mutant.line)
        run = set[str]().union(*(found.get(line, ()) for line in lines))
        near = set[str]().union(*found.values())
        everyone = not inside or "" in run or not run
        order = sorted(seconds, key=lambda t: (t not in run, t not in near, seconds[t]))
        return {
            t: 30.0 + 20.0 * seconds[t] if seconds[t] and (everyone or t in run) else 0.0
            for t in order
        }


def _test(context: str) -> str:
    """The context is `tests/test_a.py::test_b (call)` in processes that a test starts."""
    name, _, when = context.rpartition(" (")
    return name if when in ("setup)", "call)", "teardown)") else context


def measure(tests: tuple[str, ...], cache: Path) -> Lines:
    """What the tests of an area run with the files as they are now, in a folder that keeps it."""
    state = hashlib.sha256("\n".join(tests).encode())
    for name in tracked():
        state.update(name.encode() + (ROOT / name).read_bytes())
    home = cache / state.hexdigest()[:16]
    if not (home / "lines").exists():
        print("measuring what is run by", *tests, file=sys.stderr)
        copy(home / "tree")
        record(home, tests)
    return Lines(home)


def record(home: Path, tests: Sequence[str]) -> None:
    """Run tests with coverage in the copy of the checkout that is there.

    Raises RuntimeError where they did not get to run, since then no mutant would survive.
    """
    settings = home / "settings"
    settings.write_text(SETTINGS.format(home=home, tree=home / "tree"))
    start = {"COVERAGE_PROCESS_START": str(settings), SECONDS: str(home / "seconds")}
    code = run_tests(home / "tree", *tests, **start)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        remedy = f"python -m pytest {' '.join(tests)} shows why"
        raise RuntimeError(f"pytest has run no tests, it ended with the code {code}; {remedy}")
    together = Coverage(config_file=str(settings))
    together.combine([str(home)])
    together.save()


def run_tests(tree: Path, *options: str, **variables: str) -> int:
    """The exit code of pytest in a copy of the checkout, from which everything is imported."""
    command = [sys.executable, "-m", "pytest", *PYTEST, *options]
    alone = dict.fromkeys(("CI", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"), "")
    alone["PYTHONPATH"] = str(tree)
    running = subprocess.Popen(
        command,
        cwd=tree,
        env=os.environ | alone | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return running.wait()
    finally:
        with suppress(ProcessLookupError):  # what a test has started, and has not ended
            os.killpg(running.pid, signal.SIGKILL)


def tracked() -> list[str]:
    """All files that git knows."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split("\0")[:-1]


def copy(folder: Path) -> Path:
    """All files that git knows, as they are now."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder
