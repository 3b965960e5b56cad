"""The table: rows to Markdown, and Markdown into the README."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.harness import Race
from tests.benchmarks.systems import GRADWALK

__all__ = ["Row", "bound", "duration", "rows_of", "table", "write_into"]


@dataclass(frozen=True)
class Row:
    """One line of the table; a target is what was promised and whether it is kept."""

    workload: str
    ours: str
    theirs: str
    figure: str
    target: str = ""


def rows_of(workload: str, result: Race, targets: Mapping[str, float]) -> list[Row]:
    """A line for each peer: times, the median of the ratios with its spread, the target."""
    return [
        _versus(workload, result, peer, targets.get(peer))
        for peer in result.seconds
        if peer != GRADWALK
    ] or [Row(workload, duration(result.median(GRADWALK)), "", "")]


def _versus(workload: str, result: Race, peer: str, target: float | None) -> Row:
    low, *_, high = ratios = sorted(result.ratios(peer, GRADWALK))
    ratio = ratios[len(ratios) // 2]
    promise = "" if target is None else f"≥ {target:g}x: {'ok' if ratio >= target else 'short'}"
    return Row(
        workload,
        duration(result.median(GRADWALK)),
        f"{peer} {duration(result.median(peer))}",
        f"**{_short(ratio)}x** ({_short(low)} to {_short(high)})",
        promise,
    )


def bound(figure: float, limit: float, unit: str = "") -> str:
    """The target column for a figure that should stay at or below a limit."""
    return f"≤ {limit:g}{unit}: {'ok' if figure <= limit else 'short'}"


def duration(seconds: float) -> str:
    """Three digits and the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{_short(seconds / size)} {unit}"
    return f"{_short(seconds / 1e-9)} ns"


def _short(number: float) -> str:
    """Three digits, never in powers of ten: 0.0421, 2.53, 61.4, 1270."""
    digits = max(0, 2 - len(str(int(number))) + 1) if number >= 1 else 3
    return f"{number:.{digits}f}" if number < 1000 else f"{float(f'{number:.3g}'):.0f}"


def table(rows: Sequence[Row], note: str) -> str:
    """Markdown, aligned so that it reads in a terminal too."""
    head = ("workload", "gradwalk", "against", "ratio (lowest to highest)", "target")
    cells = [head, *((r.workload, r.ours, r.theirs, r.figure, r.target) for r in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join([*lines, "", note])


def write_into(path: Path, text: str, name: str) -> None:
    """Replace what stands between the two markers of a table in a file."""
    page = path.read_text(encoding="utf-8")
    start, end = f"<!-- {name} benchmarks -->", f"<!-- /{name} benchmarks -->"
    if page.count(start) != 1 or page.count(end) != 1 or page.index(start) > page.index(end):
        raise ValueError(f"{path} should hold {start} and after it {end}, once each; put them in")
    before, rest = page.split(start)
    after = rest.split(end)[1]
    path.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
