"""The table: rows to Markdown, Markdown into the page of the documentation, and the five rows of it
that the README shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.harness import Race
from tests.benchmarks.systems import GRADWALK

__all__ = ["DIGEST", "Row", "bound", "digest", "duration", "rows_of", "table", "write_into"]

# What a reader of the README asks: the words there, and which row of the page has the figures.
DIGEST = {
    "2-16-16-1 in Values, 100 rows: a training step": (
        ("moons N=100: a training step", "micrograd"),
        ("moons N=100: a training step", "PyTorch eager"),
    ),
    "2-16-16-1 compiled, 100 rows: loss and gradients": (
        ("moons N=100: loss and gradients", "PyTorch eager"),
    ),
    "784-128-10 compiled, 64 rows: loss and gradients": (
        ("mnist-size N=64: loss and gradients", "JAX jit"),
    ),
    "a GPT in plain scalars compiled, 256 rows of 8 tokens": (
        ("gpt T=8 N=256: loss and gradients", "JAX jit"),
    ),
}


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


def table(rows: Sequence[Row], note: str, targets: bool = True) -> str:
    """Markdown, aligned so that it reads in a terminal too; for readers without what we aim at."""
    head = ("workload", "gradwalk", "against", "ratio (lowest to highest)", "target")
    cells = [head, *((r.workload, r.ours, r.theirs, r.figure, r.target) for r in rows)]
    text = _aligned([line if targets else line[:-1] for line in cells])
    return f"{text}\n\n{note}" if note else text


def _aligned(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        f"| {' | '.join(c.ljust(n) for c, n in zip(line, widths, strict=True))} |" for line in cells
    ]
    lines.insert(1, f"| {' | '.join('-' * width for width in widths)} |")
    return "\n".join(lines)


def digest(page: str) -> str:
    """The rows of `DIGEST` out of the tables of a page, in the README's words."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    cells = [("workload", "gradwalk", "against", "ratio")]
    for words, wanted in DIGEST.items():
        for name, peer in wanted:
            (found,) = [r for r in rows if len(r) == 4 and r[0] == name and r[2].startswith(peer)]
            cells.append((words, found[1], found[2], found[3].partition(" ")[0]))
    return _aligned(cells)


def write_into(path: Path, text: str, name: str) -> None:
    """Replace what stands between the two markers of a table in a file."""
    page = path.read_text(encoding="utf-8")
    start, end = f"<!-- {name} benchmarks -->", f"<!-- /{name} benchmarks -->"
    if page.count(start) != 1 or page.count(end) != 1 or page.index(start) > page.index(end):
        raise ValueError(f"{path} should hold {start} and after it {end}, once each; put them in")
    before, rest = page.split(start)
    after = rest.split(end)[1]
    path.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
