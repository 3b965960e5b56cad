"""`python -m tests.mutation core --sample 60 --seed 1`: how many small faults do the tests notice?

cosmic-ray finds the places and makes the mutants. A seed chooses places, and at each of them one
mutant. Each is tried in a copy of the checkout against the tests of its area. What survives is
printed as a diff. Places where no test can tell a mutant apart are left out: see `sites`.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.places import Mutant, sites
from tests.project.sources import ROOT


@dataclass(frozen=True)
class Area:
    """What is mutated, and the tests that have to notice, quick ones first."""

    code: tuple[str, ...]
    tests: tuple[str, ...]
    least: float  # the share of mutants that has to be noticed


AREAS = {
    "core": Area(("engine/core",), ("tests/core", "tests/operations", "tests/wording"), 0.95),
    "native": Area(("engine/native",), ("tests/native",), 0.9),
    "nn": Area(("nn",), ("tests/nn",), 0.9),
    "stepping": Area(("engine/stepping",), ("tests/stepping",), 0.9),
    "drawing": Area(("engine/drawing",), ("tests/drawing", "tests/nn/drawing"), 0.9),
}
PYTEST = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-profile=dev"]


def main() -> None:
    """Print the survivors, and what share of the mutants was noticed; fail if it is too small."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("areas", nargs="*", default=[*AREAS], choices=AREAS, metavar="area")
    parser.add_argument("--sample", type=int, default=60, help="mutants of each area")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once")
    parser.add_argument("--seconds", type=float, default=900.0, help="a mutant that hangs is dead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for i in range(options.jobs):
            copies.put(_copy(Path(folder, str(i))))
        short = [name for name in options.areas if not _measure(name, copies, options)]
    sys.exit(f"too few mutants of {', '.join(short)} were noticed" if short else 0)


def _measure(name: str, copies: SimpleQueue[Path], options: argparse.Namespace) -> bool:
    area = AREAS[name]
    chosen = list(sample(area, options.sample, random.Random(options.seed)))
    attempt = partial(_survives, copies=copies, tests=area.tests, seconds=options.seconds)
    with ThreadPoolExecutor(options.jobs) as pool:
        alive = [m for m, lives in zip(chosen, pool.map(attempt, chosen), strict=True) if lives]
    for mutant in alive:
        print(mutant.diff())
    share = 1.0 - len(alive) / len(chosen)
    noticed = f"{len(chosen) - len(alive)} of {len(chosen)}"
    print(f"{name}: {noticed} mutants were noticed, {share:.0%} (asked: {area.least:.0%})")
    return share >= area.least


def sample(area: Area, many: int, rng: random.Random) -> Iterator[Mutant]:
    """So many places of an area, and a mutant of each."""
    files = [path for part in area.code for path in sorted((ROOT / part).rglob("*.py"))]
    found = [mutants for path in files for mutants in sites(path.relative_to(ROOT), ROOT)]
    for mutants in rng.sample(found, min(many, len(found))):
        yield rng.choice(mutants)


def _copy(folder: Path) -> Path:
    """All files that git knows, as they are now."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in names.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def _survives(
    mutant: Mutant, copies: SimpleQueue[Path], tests: tuple[str, ...], seconds: float
) -> bool:
    copy = copies.get()
    path = copy / mutant.path
    path.write_text(mutant.after, encoding="utf-8")
    try:
        run = [sys.executable, "-m", "pytest", *PYTEST, *tests]
        done = subprocess.run(run, cwd=copy, capture_output=True, timeout=seconds)
        lives = done.returncode == 0
    except subprocess.TimeoutExpired:
        lives = False
    finally:
        path.write_text(mutant.before, encoding="utf-8")
        copies.put(copy)
    print("survived" if lives else "noticed ", mutant, file=sys.stderr)
    return lives


if __name__ == "__main__":
    main()
