"""What tests of names and places share: sources, and every Python that runs them."""

import linecache
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import Value
from engine.core import origins

ROOT = Path(__file__).parents[2]


def pythons() -> list[Any]:
    """The Pythons that can be had here, and why the others cannot."""
    found = []
    for minor in range(11, 15):
        here = sys.version_info[:2] == (3, minor)
        program = sys.executable if here else shutil.which(f"python3.{minor}")
        probe = [program or "", "-c", f"import sys; sys.exit(sys.version_info[1] != {minor})"]
        works = program and not subprocess.run(probe, capture_output=True).returncode
        marks = () if works else pytest.mark.skip(reason=f"no python3.{minor} on PATH")
        found.append(pytest.param(program, id=f"3.{minor}", marks=marks))
    return found


EVERY_PYTHON = pytest.mark.parametrize("python", pythons())


def printed(*command: str, given: str = "") -> str:
    own = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, input=given, env={**os.environ, **own}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def execute(source: str, file: str = "run.py", **names: Any) -> dict[str, Any]:
    """The variables after a source was run that linecache knows, as it does those of notebooks."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)
    return names


def spot(node: Value) -> tuple[int, str, str]:
    origin: Any = origins.place_of(node)
    return origin.line, origin.code, origin.function
