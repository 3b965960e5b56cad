"""Look for cases that a door does not stand: `python -m tests.adversarial DOOR --minutes 5`.

A case that fails is shown, as small as it can be, with its traceback; `--keep` adds it to the
corpus. Without DOOR all doors are tried, each so long.
"""

import argparse
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.adversarial.doors import DOORS
from tests.adversarial.judge import Fault, judged
from tests.adversarial.test_doors import CORPUS

PHASES = [Phase.generate, Phase.target, Phase.shrink]


def _kind(fault: Fault) -> str:
    """What tells faults apart: the line of the library, or what is said of the answer."""
    return str(fault).partition(",")[0][:120]


def search(name: str, minutes: float, keep: bool) -> None:
    """Try cases until the time is over; each round has other cases."""
    door, end, rounds = DOORS[name], time.monotonic() + 60 * minutes, 0
    found: dict[str, str] = {}
    tried = [0]
    failed: list[object] = []
    while time.monotonic() < end:
        rounds += 1

        @seed(time.time_ns())
        @settings(
            max_examples=300,
            deadline=None,
            database=None,
            phases=PHASES,
            suppress_health_check=[*HealthCheck],
            report_multiple_bugs=False,
        )
        @given(door.cases)
        def trial(case: object) -> None:
            tried[0] += 1
            try:
                judged(door.enter, case)
            except Fault as fault:
                if _kind(fault) in found:
                    return
                failed[:] = [case]
                raise

        try:
            trial()
        except Fault as fault:
            found[_kind(fault)] = repr(failed[0])
            print(f"\n{name}: {failed[0]!r}\n  {str(fault)[:300]}", flush=True)
            for frame in traceback.extract_tb((fault.__cause__ or fault).__traceback__)[-2:]:
                print(f"    {frame.filename}:{frame.lineno}  {frame.line}", flush=True)
    print(f"{name}: {tried[0]} cases, {len(found)} kinds of faults", flush=True)
    if keep and found:
        with (CORPUS / f"{name}.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"{case}\n" for case in found.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", nargs="*", metavar="DOOR", help=", ".join(DOORS))
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--keep", action="store_true", help="add what fails to the corpus")
    options = parser.parse_args()
    for each in options.door or DOORS:
        search(each, options.minutes, options.keep)
