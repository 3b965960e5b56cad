"""What the doctor says of planted faults, word for word: `python -m tests.nn.doctor.reports` writes
tests/data/reports.txt; read the reports that change.

The tests that plant a fault hand its report to `compare`.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from engine.explain.report import Cause, Report

FILE = Path(__file__).parents[2] / "data" / "reports.txt"
HEADING = "== "
WRITING = "GRADWALK_REPORTS"  # in the environment: the file to which reports are written
tried: list[str] = []  # in the test that runs; see conftest.py
FACTS = "name", "weight", "gain", "verified"  # of a cause, which its text does not tell


def text_of(report: Report) -> str:
    """All of a report, and what was tried for it.

    Numbers have six digits, since the last ones may differ by machine.
    """
    lines = [str(report), "", *map(_facts, report.causes), *tried]
    text = re.sub(r"\.py:\d+", ".py", "\n".join(lines))  # tests move
    return re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.6g}", text).strip()


def _facts(cause: Cause) -> str:
    kept = {name: getattr(cause, name) for name in FACTS}
    return ", ".join(f"{key} {value}" for key, value in kept.items())


def kept() -> dict[str, str]:
    """The reports of the file, by the name of what they are about."""
    texts = re.split(f"^{HEADING}", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: text.strip() for name, text in (each.split("\n", 1) for each in texts)}


def compare(name: str, report: Report) -> None:
    """Fail unless a report is the one that is kept under a name."""
    name, text = " ".join(name.split()), text_of(report)
    if into := os.environ.get(WRITING):
        with open(into, "a", encoding="utf-8") as file:
            file.write(f"{HEADING}{name}\n{text}\n\n")
        return
    assert text == kept().get(name)


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
