"""`python -m tests.benchmarks.scaling [--quick] [--plot FILE]`: what workers gain, and would."""

import argparse
from pathlib import Path
from statistics import median

from tests.benchmarks.harness import Effort
from tests.benchmarks.report import duration, write_into
from tests.benchmarks.scaling.measure import (
    KINDS,
    Point,
    crew,
    empty_steps,
    jobs,
    shared_step,
    slowdown,
)
from tests.benchmarks.scaling.model import Costs, fitted
from tests.benchmarks.scaling.plot import draw

AHEAD = (10, 100, 1_000)
CORES = 2  # to compute on; more workers than that only hand parameters back
NETWORK = 1.25e9  # bytes a second: 10 Gbit/s
PAGE = Path(__file__).parents[3] / "demos" / "docs" / "benchmarks.md"


def main() -> None:
    """Measure, print, and draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds, for a first look")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it, as SVG")
    parser.add_argument(
        "--write", action="store_true", help="put the table into demos/docs/benchmarks.md"
    )
    options = parser.parse_args()
    effort = Effort(rounds=5, fewest=3, budget=1.0) if options.quick else Effort(budget=3.0)
    every = jobs()
    slower = slowdown(every, effort)
    text = ", ".join(f"{times:.2f} ({network})" for network, times in slower.items())
    print(f"While both cores compute, each takes s times as long: {text}.\n")
    costs: dict[str, Costs] = {}
    points: list[Point] = []
    for kind in KINDS:
        empty: list[tuple[int, int, float]] = []
        for workers in (1, 2, 4):
            with crew(kind, workers) as executor:
                empty += empty_steps(executor, workers, effort)
                if workers <= CORES:
                    points += [shared_step(job, kind, executor, workers, effort) for job in every]
        costs[kind] = fitted(empty)
        _print_kind(kind, costs[kind], [p for p in points if p.kind == kind], slower)
    _print_ahead(points, costs["Dask"].over(NETWORK))
    table = _table(points, costs, slower)
    print(f"\n{table}")
    if options.write:
        write_into(PAGE, table, "scaling")
    if options.plot:
        draw(points, costs, NETWORK, options.plot)


def _print_kind(kind: str, cost: Costs, points: list[Point], slower: dict[str, float]) -> None:
    """The costs, each measured point beside the model, and from where two workers pay."""
    print(
        f"{kind}: a = {duration(cost.step)} a step, b = {duration(cost.task)} a task, "
        f"B = {cost.bandwidth / 1e9:.2g} GB/s, from steps without work"
    )
    print("  network            rows  workers     alone    shared     model  off by  speed-up")
    for p in sorted(points, key=lambda p: (p.network, p.rows, p.workers)):
        model = _model(p, cost, slower)
        columns = "".join(f"{duration(t):>10}" for t in (p.alone, p.shared, model))
        gain, off = f"{p.alone / p.shared:9.2f}x", model / p.shared - 1
        print(f"  {p.network:13}{p.rows:10,}{p.workers:9}{columns}{off:8.0%}{gain}")
    off = sorted(_misses(points, cost, slower))
    print(f"  The model is off by {median(off):.0%} in the median, {off[-1]:.0%} at most.")
    for network in dict.fromkeys(p.network for p in points):
        mine = sorted([p for p in points if (p.network, p.workers) == (network, 2)], key=_rows)
        even = cost.break_even(mine[0].parameters, 2, slower[network])
        rows = even * mine[-1].rows / mine[-1].alone
        print(
            f"  {network}: two workers break even at {duration(even)} alone, some {rows:,.0f} rows "
            f"on paper; measured {_crossing(mine)}."
        )
    print(flush=True)


def _model(point: Point, cost: Costs, slower: dict[str, float]) -> float:
    """What the model says of a point."""
    times = slower[point.network] if point.workers > 1 else 1.0
    return cost.seconds(point.alone, point.parameters, point.workers, times)


def _misses(points: list[Point], cost: Costs, slower: dict[str, float]) -> list[float]:
    return [abs(_model(p, cost, slower) / p.shared - 1) for p in points]


def _table(points: list[Point], costs: dict[str, Costs], slower: dict[str, float]) -> str:
    """The summary for the page of the documentation."""
    head = (
        "two workers",
        "a step costs",
        "worth it from (64-64-10)",
        "most gained",
        "model off by",
    )
    lines = [f"| {' | '.join(head)} |", "| --- | --- | --- | --- | --- |"]
    for kind, cost in costs.items():
        mine = [p for p in points if p.kind == kind]
        best = max(mine, key=lambda p: p.alone / p.shared)
        digits = max((p for p in mine if p.network == "64-64-10"), key=_rows)
        even = cost.break_even(digits.parameters, 2, slower["64-64-10"])
        rows = float(f"{even * digits.rows / digits.alone:.2g}")
        lines.append(
            f"| {kind} | {duration(cost.seconds(0.0, digits.parameters, 2))} | {duration(even)} "
            f"alone, {rows:,.0f} rows | {best.alone / best.shared:.2f}x ({best.network}, "
            f"{best.rows:,} rows) | {median(_misses(mine, cost, slower)):.0%} |"
        )
    return "\n".join(lines)


def _rows(point: Point) -> int:
    return point.rows


def _crossing(points: list[Point]) -> str:
    """Between which measured sizes two workers begin to be faster."""
    slower = [p.rows for p in points if p.alone < p.shared]
    faster = [p.rows for p in points if p.alone >= p.shared]
    if not slower or not faster:
        return f"{'slower' if slower else 'faster'} at all sizes"
    if max(slower) > min(faster):
        return f"not clear from {min(faster):,} to {max(slower):,}"
    return f"between {max(slower):,} and {min(faster):,}"


def _print_ahead(points: list[Point], across: Costs) -> None:
    print("On paper, Dask on machines of their own across 10 Gbit/s: speed-up with so many workers")
    head = "".join(f"{w:>9,}" for w in AHEAD)
    print(f"  network      rows a step     alone{head}   at most")
    for network in dict.fromkeys(p.network for p in points):
        last = max((p for p in points if p.network == network), key=_rows)
        for rows in (100_000, 1_000_000, 10_000_000, 100_000_000):
            alone = rows * last.alone / last.rows
            best = max(across.best_workers(alone, last.parameters), 1.0)
            gains = [alone / across.seconds(alone, last.parameters, w) for w in (*AHEAD, best)]
            cells = "".join(f"{gain:8.3g}x" for gain in gains[:-1])
            most = f"{gains[-1]:.3g}x with {best:,.0f}"
            print(f"  {network:13}{rows:11,}{duration(alone):>10}{cells}   {most}")


if __name__ == "__main__":
    main()
