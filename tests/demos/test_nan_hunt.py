"""The story of two nans tells itself from the command line, asking nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_both_are_found_and_mended() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-m", "demos.nan_hunt"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.split("\n\n")
    assert "try: log_softmax(xs)[k] is stable" in first
    assert "made at nan_hunt.py:" in first
    assert "hypot(a, b) is safe at 0" in second
    for story in (first, second):
        assert story.endswith("and hunt(loss) finds nothing")
    assert "NumericError: log(softmax([Value(0" in third
