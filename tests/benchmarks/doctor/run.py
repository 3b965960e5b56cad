"""A script is run from a real file, and the one obvious call is made: what does it say?"""

import re
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from math import inf, isnan
from pathlib import Path
from time import perf_counter
from typing import Any

from engine.core.operation import TABLE

__all__ = ["FILE", "Cause", "Outcome", "run"]

FILE = "train.py"


@dataclass(frozen=True)
class Cause:
    """What was named: a slug (None for the text of an error), lines of the script, the remedy.

    Attributes:
        verified: whether the remedy was tried and helps. None where it was not tried.
        do: the remedy, as "SGD(p, lr=0.005)".
    """

    name: str | None
    text: str
    lines: frozenset[int]
    verified: bool | None = None
    do: str = ""


@dataclass
class Outcome:
    """What came of a script.

    Attributes:
        score: on rows that were not learned from; -inf where the training ended in an error.
        causes: what the doctor named, the likeliest first.
        seconds: that the doctor took.
        failed: the error of the doctor's own, if it raised one.
    """

    score: float = -inf
    causes: list[Cause] = field(default_factory=list)
    seconds: float = 0.0
    failed: str = ""
    said: str = ""


def run(script: str, ask: Callable[[float], bool] = lambda score: True) -> Outcome:
    """Run the script, and then ask the doctor about it, if its score is one to ask about."""
    outcome, names = Outcome(), {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder, FILE)
        path.write_text(script, encoding="utf-8")
        try:
            exec(compile(script, str(path), "exec"), names)
        except Exception as error:  # noqa: BLE001 -- what it says is judged
            _hear(outcome, error)
        else:
            score = float(names["score"])
            outcome.score = -inf if isnan(score) else score
            if ask(outcome.score):
                _ask(outcome, names)
    return outcome


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is printed, and operations of the script's own are forgotten."""
    rows = dict(TABLE)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        TABLE.clear()
        TABLE.update(rows)


def _hear(outcome: Outcome, error: Exception) -> None:
    """The training raised. The doctor reads errors of `fit`; others speak for themselves."""
    outcome.said = text = f"{type(error).__name__}: {error}"
    if hasattr(error, "history"):
        _read(outcome, _diagnose()(error))
    if not outcome.causes:
        frames = traceback.extract_tb(error.__traceback__)
        seen = [frame.lineno for frame in frames if Path(frame.filename).name == FILE]
        lines = {*_lines(text), *(line for line in seen[-1:] if line)}
        outcome.causes = [Cause(None, text, frozenset(lines))]


def _ask(outcome: Outcome, names: dict[str, Any]) -> None:
    start = perf_counter()
    try:
        if "history" in names:
            report = names["history"].diagnose()
        else:
            names["diagnose"] = _diagnose()
            exec("report = diagnose(loss, model)", names)
            report = names["report"]
    except Exception as error:  # noqa: BLE001 -- counted as nothing named
        outcome.failed = f"{type(error).__name__}: {error}"
    else:
        _read(outcome, report)
    outcome.seconds = perf_counter() - start


def _diagnose() -> Any:
    import engine.stepping
    import nn

    return getattr(nn, "diagnose", engine.stepping.diagnose)


def _read(outcome: Outcome, report: Any) -> None:
    outcome.said = str(report)
    for cause in getattr(report, "causes", ()):
        lines = _lines(str(getattr(cause, "place", None) or ""))
        rest = getattr(cause, "verified", None), str(getattr(cause, "do", ""))
        outcome.causes.append(Cause(cause.name, str(cause), frozenset(lines), *rest))


def _lines(text: str) -> list[int]:
    return [int(line) for line in re.findall(rf"{re.escape(FILE)}:(\d+)", text)]
