"""first_hour: what somebody new meets, counted: screens, lines, pixels, seconds, types."""

import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from statistics import median
from time import perf_counter

from tests.benchmarks.harness import Effort
from tests.benchmarks.pictures import GRAPHS, WIDE, picture_of
from tests.benchmarks.report import Row, bound, duration
from tests.benchmarks.systems import GRADWALK
from tests.drawing.browser import started
from tests.project.newcomer import completeness, screens_of_readme
from tests.project.sources import PACKAGES, ROOT

__all__ = ["measure_first_hour"]

CALLS = """\
x = Value(2.0, "x")
x
y = (x * -3.0 + 6.5).tanh()
y.backward()
y
draw(y)
explain(y, x)
model = MLP(2, [8, 2], rng=7)
print(model)
print(fit(model, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], loss="cross_entropy", seed=7))
"""
IMPORTS = (
    "from engine import Value; from engine.drawing import draw, explain; from nn import MLP, fit"
)
PICTURE = "from engine import Value; (Value(2.0, 'x') * 3.0).to_svg()"


def measure_first_hour(effort: Effort) -> list[Row]:
    """One row for each figure; those with a target were promised."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, started(playwright.chromium) as browser:
        screens = screens_of_readme(browser)
    widths = [picture_of(GRADWALK, graph)[1].width for graph in GRAPHS.values()]
    rows = [
        Row("README", f"{screens:.1f} screens", "", "", bound(screens, 4.0)),
        Row("ten calls print", f"{_lines()} lines", "", ""),
        Row("the first picture", duration(_first_picture(effort)), "", ""),
        Row(
            "the widest of twelve",
            f"{max(widths):,.0f} px",
            "",
            "",
            bound(max(widths), WIDE, " px"),
        ),
    ]
    for package in PACKAGES:
        share = completeness(package)["completenessScore"]
        promise = f"≥ 98%: {'ok' if share >= 0.98 else 'short'}"
        rows.append(Row(f"types known: {package}", f"{share:.1%}", "", "", promise))
    return rows


def _lines() -> int:
    """How many lines the first ten calls print, with what they return shown as a prompt does."""
    names: dict[str, object] = {}
    exec(IMPORTS, names)
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        for call in CALLS.splitlines():
            exec(compile(call, "<stdin>", "single"), names)
    return said.getvalue().count("\n")


def _first_picture(effort: Effort) -> float:
    """Seconds from the start of a process to the text of an SVG."""
    found = []
    for _ in range(effort.fewest):
        start = perf_counter()
        subprocess.run([sys.executable, "-c", PICTURE], check=True, cwd=ROOT)
        found.append(perf_counter() - start)
    return median(found)
