"""`python -m tests.benchmarks.doctor [kind ...]`: faults one by one, and what is said of them.

A kind is a name in the table of faults, or "healthy". Each line says in which training, its score,
what was named, and which lines are to blame.
"""

import argparse

from tests.benchmarks.doctor.faults import KINDS
from tests.benchmarks.doctor.measure import cases, lowest
from tests.benchmarks.doctor.run import run
from tests.benchmarks.doctor.table import Case, show
from tests.benchmarks.doctor.trainings import TRAININGS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.doctor", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="kind", help=", ".join(("healthy", *KINDS)))
    parser.add_argument("--most", type=int, default=3, help="cases of each kind (3)")
    parser.add_argument("--show", action="store_true", help="the scripts and the reports, too")
    options = parser.parse_args()
    kinds = options.kinds or KINDS
    if unknown := {*kinds} - {*KINDS, "healthy"}:
        parser.error(f"no fault is called {', '.join(unknown)}; there are {', '.join(KINDS)}")
    found = cases([kind for kind in kinds if kind != "healthy"], options.most)
    for case in found:
        _tell(case, options.show)
    if "healthy" in kinds:
        for name, training in TRAININGS.items():
            outcome = run(training.script(0))
            named = [cause.name for cause in outcome.causes] or outcome.failed or "nothing"
            print(f"healthy, {name}: {outcome.score:.3f} ({lowest(name):.3f}) {named}")
    print(show(found, [])[0])


def _tell(case: Case, script: bool) -> None:
    outcome, lines = case.outcome, [*sorted(case.lines)]
    verdict = "no harm" if not case.harm else "ok" if case.rank == 0 else f"rank {case.rank}"
    named = [cause.name or f"{cause.text:.90}" for cause in outcome.causes]
    said = named or f"{outcome.failed:.90}" or "nothing"
    print(f"{case.fault.name} in {case.where}: {outcome.score:.3f}, {verdict}, {said}, {lines}")
    if script:
        for i, line in enumerate(case.script.splitlines(), 1):
            print(f"{i:3} {'>' if i in case.lines else ' '} {line}")
        print(outcome.said or outcome.failed, end="\n\n")


if __name__ == "__main__":
    main()
