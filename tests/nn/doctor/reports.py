"""What the doctor says of planted faults, word for word: `python -m tests.nn.doctor.reports` writes
tests/data/reports.txt; read the reports that change.

The tests that plant a fault hand its report to `compare`, others any text to `keep`.
"""

import os
import re
import sys
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

from engine.explain.report import Cause, Report

FILE = Path(__file__).parents[2] / "data" / "reports.txt"
HEADING = "== "
WRITING = "GRADWALK_REPORTS"  # in the environment: the file to which reports are written
tried: list[str] = []  # in the test that runs; see conftest.py
FACTS = "name", "weight", "gain", "verified"  # of a cause, which its text does not tell


def compare(name: str, report: Report) -> None:
    """Fail unless a report, and what was tried for it, are those that are kept under a name."""
    trials = [f"{len([*same])} {how}" for how, same in groupby(tried)]
    keep(name, "\n".join([str(report), "", *map(_facts, report.causes), *trials]))


def keep(name: str, text: str) -> None:
    """Fail unless a text is the one that is kept under a name.

    Numbers have six digits, since the last ones may differ by machine.
    """
    name, text = " ".join(name.split()), re.sub(r"\.py:\d+", ".py", text)  # tests move
    text = re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.6g}", text).strip()
    if into := os.environ.get(WRITING):
        with open(into, "a", encoding="utf-8") as file:
            file.write(f"{HEADING}{name}\n{text}\n\n")
        return
    assert text == kept().get(name)


def _facts(cause: Cause) -> str:
    known = {name: getattr(cause, name) for name in FACTS}
    return ", ".join(f"{key} {value}" for key, value in known.items())


@cache
def kept() -> dict[str, str]:
    """The texts of the file, by the name of what they are about."""
    texts = re.split(f"^{HEADING}", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: text.strip() for name, text in (each.split("\n", 1) for each in texts)}


def main() -> None:
    """Run the tests that compare, and write what they have instead."""
    FILE.unlink(missing_ok=True)
    os.environ[WRITING] = str(FILE)
    order = "-p", "no:randomly", "-p", "no:xdist"
    code = pytest.main(["-q", *order, str(Path(__file__).parent)])
    FILE.write_text(FILE.read_text(encoding="utf-8").strip() + "\n", encoding="utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()
