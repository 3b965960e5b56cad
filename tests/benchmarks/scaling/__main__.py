"""`python -m tests.benchmarks.scaling [--quick] [--plot FILE]`: what workers gain, and would."""

import argparse
from pathlib import Path
from statistics import median

from tests.benchmarks.harness import Effort
from tests.benchmarks.report import duration
from tests.benchmarks.scaling.measure import Point, crews, empty_steps, shared_steps
from tests.benchmarks.scaling.model import Costs, fitted
from tests.benchmarks.scaling.plot import draw

AHEAD = (10, 100, 1_000)
NETWORK = 1.25e9  # bytes a second: 10 Gbit/s


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds, for a first look")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it, as SVG")
    options = parser.parse_args()
    effort = Effort(rounds=5, fewest=3, budget=2.0) if options.quick else Effort(budget=8.0)
    with crews() as crew:
        costs = {name: fitted(found) for name, found in empty_steps(crew, effort).items()}
        print("Steps without work: T = a + W (b + 16 P / B)")
        for name, cost in costs.items():
            bandwidth = f"{cost.bandwidth / 1e9:.2f} GB/s"
            print(
                f"  {name:10} a = {duration(cost.step)}, b = {duration(cost.task)}, B = {bandwidth}"
            )
        print("\nSteps, alone and shared by workers (all to the same bits), beside the model")
        points = []
        for point in shared_steps(crew, effort):
            points.append(point)
            _print_point(point, costs)
    _print_summary(points, costs)
    _print_ahead(points, costs)
    if options.plot:
        draw(points, costs, NETWORK, options.plot)


def _print_point(point: Point, costs: dict[str, Costs]) -> None:
    print(f"  {point.network}, {point.rows:,} rows, P = {point.parameters:,}", end="")
    print(f": {duration(point.alone)} alone")
    for (name, workers), seconds in point.shared.items():
        model = costs[name].seconds(point.alone, point.parameters, workers)
        gain, off = point.alone / seconds, model / seconds - 1
        print(f"    {name:10} W = {workers}: {duration(seconds):8} {gain:5.2f}x", end="")
        print(f", model {duration(model):8} ({off:+.0%})", flush=True)


def _print_summary(points: list[Point], costs: dict[str, Costs]) -> None:
    print("\nTwo workers: from where they pay, and the most that they gained")
    for name, cost in costs.items():
        off = [
            abs(cost.seconds(p.alone, p.parameters, w) / s - 1)
            for p in points
            for (kind, w), s in p.shared.items()
            if kind == name
        ]
        gain, best = max(((p.alone / p.shared[name, 2], p) for p in points), key=lambda g: g[0])
        worth = {p.network: cost.break_even(p.parameters, 2) for p in points}
        print(
            f"  {name:10} {gain:.2f}x ({best.network}, {best.rows:,} rows); the model is "
            f"off by {median(off):.0%} in the median, {max(off):.0%} at most"
        )
        for network, alone in worth.items():
            mine = [p for p in points if p.network == network]
            rows = alone * mine[-1].rows / mine[-1].alone
            print(
                f"    {network:13} breaks even at {duration(alone)}, some {rows:,.0f} rows "
                f"({_crossing(mine, name)})"
            )


def _crossing(points: list[Point], name: str) -> str:
    """Between which measured sizes two workers begin to be faster."""
    slower = [p.rows for p in points if p.alone < p.shared[name, 2]]
    faster = [p.rows for p in points if p.alone >= p.shared[name, 2]]
    if not slower or not faster:
        return f"measured: {'slower' if slower else 'faster'} at all sizes"
    if max(slower) > min(faster):
        return f"measured: not clear from {min(faster):,} to {max(slower):,}"
    return f"measured: between {max(slower):,} and {min(faster):,}"


def _print_ahead(points: list[Point], costs: dict[str, Costs]) -> None:
    print("\nOn paper, Dask across 10 Gbit/s: speed-up with so many workers")
    across = costs["Dask"].over(NETWORK)
    for network in dict.fromkeys(p.network for p in points):
        last = [p for p in points if p.network == network][-1]
        for rows in (100_000, 1_000_000, 10_000_000, 100_000_000):
            alone = rows * last.alone / last.rows
            gains = [alone / across.seconds(alone, last.parameters, w) for w in AHEAD]
            best = across.best_workers(alone, last.parameters)
            most = alone / across.seconds(alone, last.parameters, max(best, 1.0))
            text = ", ".join(f"{w:,}: {g:.3g}x" for w, g in zip(AHEAD, gains, strict=True))
            print(
                f"  {network:13} {rows:>11,} rows ({duration(alone)} alone): {text}"
                f"; at most {most:.3g}x, with {best:,.0f}"
            )


if __name__ == "__main__":
    main()
