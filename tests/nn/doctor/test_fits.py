"""Faults in trainings by fit: each is named first, with its line, and a remedy that was tried."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.explain.report import Report
from nn import History
from tests.nn.doctor import planted
from tests.nn.doctor.planted import PLAIN, TRIED
from tests.nn.doctor.reports import compare


def here(fault: Callable[[], History]) -> tuple[str, int]:
    lines, start = inspect.getsourcelines(fault)
    (at,) = [i for i, line in enumerate(lines) if line.rstrip().endswith("# HERE")]
    return Path(planted.__file__).name, start + at


def first(fault: Callable[[], History], report: Report) -> Any:
    cause = report.causes[0]
    assert cause.name == fault.__name__, report
    assert cause.place is not None
    assert (Path(cause.place.file).name, cause.place.line) == here(fault)
    compare(f"fit: {fault.__name__}", report)
    return cause


@pytest.mark.parametrize("fault", TRIED)
def test_it_is_named_first_at_its_line_and_its_remedy_helped(fault: Callable[[], History]) -> None:
    cause = first(fault, fault().diagnose())
    assert cause.verified
    assert cause.gain > 0.0
    assert cause.tried.startswith("with ")


@pytest.mark.parametrize("fault", PLAIN)
def test_what_is_plain_to_see_is_named_first_at_its_line(fault: Callable[[], History]) -> None:
    first(fault, fault().diagnose())
