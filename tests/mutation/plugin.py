"""A plugin of pytest: it notes what each test runs, or runs chosen tests in order.

coverage.py is started in every process by its own .pth file, see `tests.mutation.lines`. Here it
is told which test is running.
"""

import faulthandler
import json
import os
from collections.abc import Generator
from pathlib import Path
from time import perf_counter

import pytest
from coverage import Coverage

CHOSEN = "PYTEST_MUTATION_CHOSEN"  # a file: tests in order, and the most seconds of each, or 0
SECONDS = "PYTEST_MUTATION_SECONDS"  # a file to write: how long each test took; 0 if it failed
BETWEEN = 300.0  # seconds, at most, to import what is tested

chosen: dict[str, float] = {}
took: dict[str, float] = {}
failed: set[str] = set()


def _watch(seconds: float) -> None:
    """What hangs ends the process."""
    if chosen:
        faulthandler.dump_traceback_later(seconds, exit=True)


def _context(name: str) -> None:
    if coverage := Coverage.current():
        coverage.switch_context(name)


def pytest_configure() -> None:
    if path := os.environ.get(CHOSEN):
        chosen.update(json.loads(Path(path).read_text()))
    _watch(BETWEEN)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The chosen ones in order, and then those that only the mutant makes."""
    place = {name: i for i, name in enumerate(chosen)}
    wanted = [item for item in items if chosen.get(item.nodeid, BETWEEN)]
    if chosen:
        items[:] = sorted(wanted, key=lambda item: place.get(item.nodeid, len(place)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    _watch(chosen.get(item.nodeid, BETWEEN))
    _context(item.nodeid)
    began = perf_counter()
    try:
        return (yield)
    finally:
        took[item.nodeid] = perf_counter() - began
        _context("")
        _watch(BETWEEN)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if not report.passed:
        failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    if path := os.environ.get(SECONDS):
        Path(path).write_text(json.dumps(took | dict.fromkeys(failed, 0.0)))


def pytest_unconfigure() -> None:
    faulthandler.cancel_dump_traceback_later()
