"""`python -m tests.benchmarks [workload ...]`: measure, print the table, or write it.

`native` stands for all the workloads of the compiler, `engine` for those of Values, `house` for
what there is to read. Each of the three is a table, which `--write` puts between its marks on the
page of the documentation, and five of its rows into the README. `jobs` trains on real data,
`graphs` is a map of scalar code: networks, filters, solvers, formulas. `bounds` counts what all
these programs have to do, and says what share of the machine's peak that is. `doctor` plants faults
in trainings, and asks what is wrong. `pictures` puts ours beside those of two others, and
`first_hour` counts what somebody new meets.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.chain import measure_chain
from tests.benchmarks.doctor import measure_doctor
from tests.benchmarks.drawing import measure_drawing
from tests.benchmarks.expressions import measure_readme, measure_tiny
from tests.benchmarks.files import measure_files
from tests.benchmarks.first_hour import measure_first_hour
from tests.benchmarks.gpt import measure_gpt
from tests.benchmarks.graphs import measure_graphs
from tests.benchmarks.harness import Effort
from tests.benchmarks.jobs import measure_jobs
from tests.benchmarks.memory import measure_memory
from tests.benchmarks.moons import measure_moons
from tests.benchmarks.native import NATIVE
from tests.benchmarks.native.bounds import measure_bounds
from tests.benchmarks.native.plot import draw, measure_sizes
from tests.benchmarks.pictures import measure_pictures
from tests.benchmarks.report import Row, digest, table, write_into
from tests.benchmarks.size import measure_size
from tests.benchmarks.startup import measure_startup
from tests.benchmarks.systems import versions

WORKLOADS: dict[str, Callable[[Effort], list[Row]]] = {
    "readme": measure_readme,
    "tiny": measure_tiny,
    "gpt": measure_gpt,
    "moons": measure_moons,
    "chain": measure_chain,
    "memory": measure_memory,
    "startup": measure_startup,
    "files": measure_files,
    "size": measure_size,
    "drawing": measure_drawing,
    "pictures": measure_pictures,
    "jobs": measure_jobs,
    "graphs": measure_graphs,
    "bounds": measure_bounds,
    "doctor": measure_doctor,
    "first_hour": measure_first_hour,
    **NATIVE,
}
# in no table of the page, since their peers are others; they are asked for by name
APART = {"drawing", "pictures", "first_hour", "jobs", "graphs", "bounds", "doctor"}
HOUSE = ("files", "size")
GROUPS = {
    "engine": tuple(name for name in WORKLOADS if name not in {*APART, *NATIVE, *HOUSE}),
    "native": tuple(NATIVE),
    "house": HOUSE,
}
README = Path(__file__).parents[2] / "README.md"
PAGE = README.parent / "demos" / "docs" / "benchmarks.md"


def main() -> None:
    """Nothing is written unless every workload asked for has been measured."""
    options = _options()
    effort = Effort(rounds=9, fewest=3, budget=2.0) if options.quick else Effort()
    found: dict[str, list[Row]] = {}
    for name in options.workloads:
        print(f"{name} ...", file=sys.stderr)
        found[name] = WORKLOADS[name](effort)
    note = f"Medians of {effort.fewest} to {effort.rounds} rounds, measured in turn; {versions()}."
    print(table([row for rows in found.values() for row in rows], note))
    if options.plot:
        print("plot ...", file=sys.stderr)
        draw(measure_sizes(effort), options.plot)
    if options.write:
        for group, names in GROUPS.items():
            rows = [row for name in names for row in found.get(name, [])]
            if group == "native":  # the long one: what was promised
                rows = [row for row in rows if row.target]
            if rows:
                said = "" if group == "house" else note  # which is counted, not measured
                write_into(PAGE, table(rows, said, targets=False), group)
        write_into(README, digest(PAGE.read_text(encoding="utf-8")), "five")


def _options() -> argparse.Namespace:
    names = ", ".join([*WORKLOADS, *GROUPS])
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="workload", help=names)
    parser.add_argument("--quick", action="store_true", help="a few rounds, for a first look")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into demos/docs/benchmarks.md"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw ratio against size, moons, as SVG"
    )
    options = parser.parse_args()
    asked = options.workloads or GROUPS
    options.workloads = [w for name in asked for w in GROUPS.get(name, (name,))]
    asked_for = set(options.workloads)
    if unknown := [name for name in options.workloads if name not in WORKLOADS]:
        parser.error(f"no workload is called {', '.join(unknown)}; there are {names}")
    groups = [set(names) for names in GROUPS.values() if not set(names).isdisjoint(asked_for)]
    if options.write and (options.quick or set().union(*groups) != asked_for):
        parser.error("--write replaces whole tables: it needs all of a group, at full length")
    return options


if __name__ == "__main__":
    main()
