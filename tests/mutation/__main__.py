"""`python -m tests.mutation core --sample 60 --seed 1`: how many small faults do the tests notice?

cosmic-ray finds the places and makes the mutants. A seed chooses places, and at each of them one
mutant. Each is tried in a copy of the checkout against those tests of its area that run the line,
quick ones first. What survives is printed as a diff.

Left out are places where no test can tell a mutant apart (see `sites`), and the mutants that
survivors.txt lists with the reason why nothing can.
"""

import argparse
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.util import cache_from_source
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.mutation.lines import Lines, copy, measure, run_tests
from tests.mutation.places import Mutant, excused, sites
from tests.mutation.plugin import CHOSEN
from tests.project.sources import ROOT


@dataclass(frozen=True)
class Area:
    """What is mutated, and the tests that have to notice."""

    code: str
    tests: tuple[str, ...]
    least: float  # the share of mutants that has to be noticed


PAGE = ROOT / "demos" / "docs" / "trust.md"
ALL = ("tests/project/test_docstrings.py", "tests/project/test_signatures.py")
CORE = ("tests/core", "tests/operations", "tests/wording", "tests/explain", "tests/cli")
AREAS = {
    "core": Area("engine/core", (*CORE, *ALL), 0.95),
    "native": Area("engine/native", ("tests/native", *ALL), 0.9),
    "nn": Area("nn", ("tests/nn", "tests/project/test_extras.py", *ALL), 0.9),
    "stepping": Area("engine/stepping", ("tests/stepping", "tests/interactive", *ALL), 0.9),
    "drawing": Area(
        "engine/drawing", ("tests/drawing", "tests/nn/drawing", "tests/test_pages.py", *ALL), 0.9
    ),
}


def main() -> None:
    """Print the survivors, and what share of the mutants was noticed; fail if it is too small."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("areas", nargs="*", default=[*AREAS], choices=AREAS, metavar="area")
    parser.add_argument("--sample", type=int, default=60, help="mutants of each area")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir(), "gradwalk-mutation"),
        help="the folder that keeps which test runs which line",
    )
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for i in range(options.jobs):
            copies.put(copy(Path(folder, str(i))))
        short = [name for name in options.areas if not _try(name, copies, options)]
    sys.exit(f"too few mutants of {', '.join(short)} were noticed" if short else 0)


def _try(name: str, copies: SimpleQueue[Path], options: argparse.Namespace) -> bool:
    area = AREAS[name]
    lines = measure(area.tests, options.cache)
    chosen = list(sample(area, options.sample, random.Random(options.seed)))
    asked = [mutant for mutant in chosen if mutant.change() not in excused()]
    with ThreadPoolExecutor(options.jobs) as pool:
        lives = pool.map(partial(survives, copies=copies, lines=lines), asked)
        alive = [mutant for mutant, lived in zip(asked, lives, strict=True) if lived]
    for mutant in alive:
        print(mutant, *mutant.diff(), sep="\n")
    many, excuses = len(asked) - len(alive), len(chosen) - len(asked)
    share = many / len(asked)
    print(f"{name}: {many} of {len(asked)} mutants were noticed, {share:.0%}, {excuses} excused")
    if options.write:
        start = f"| `{area.code}`".ljust(19)
        row = f"{start} | {f'{many} of {len(asked)}':10} | {share:<5.0%} | {area.least:<5.0%} "
        row += f"| {excuses:<7} | {options.seed:<4} | {date.today():%d %B %Y} |"
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(re.sub(rf"^{re.escape(start)} .*$", row, page, flags=re.M), "utf-8")
    return share >= area.least


def sample(area: Area, many: int, rng: random.Random) -> Iterator[Mutant]:
    """So many places of an area, and a mutant of each."""
    files = [path.relative_to(ROOT) for path in sorted((ROOT / area.code).rglob("*.py"))]
    places = [mutants for path in files for mutants in sites(path, ROOT)]
    rng.shuffle(places)
    tried = ((m for m in rng.sample(found, len(found)) if m.runs) for found in places)
    return islice(filter(None, (next(mutants, None) for mutants in tried)), many)


def survives(mutant: Mutant, copies: SimpleQueue[Path], lines: Lines) -> bool:
    """Whether no test of those that may notice fails in one of the copies."""
    tree, tests = copies.get(), lines.tests(mutant)
    asked = [name for name, limit in tests.items() if limit]
    (tree / "chosen").write_text(json.dumps(tests))
    _put(tree / mutant.path, mutant.after)
    try:
        files = dict.fromkeys(name.partition("::")[0] for name in asked)
        code = run_tests(tree, "-x", *files, **{CHOSEN: str(tree / "chosen")})
        lives = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    finally:
        _put(tree / mutant.path, mutant.before)
        copies.put(tree)
    said = "survived" if lives else "noticed"
    print(f"{said:8} {mutant} ({len(asked)} tests)", file=sys.stderr, flush=True)
    return lives


def _put(path: Path, text: str) -> None:
    """Write a file, of which Python may know another text of that size and that second."""
    path.write_text(text, encoding="utf-8")
    Path(cache_from_source(path)).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
