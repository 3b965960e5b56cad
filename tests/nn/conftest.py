"""The fixtures of this room: a real browser, which the room of pictures has, and small shards."""

from collections import OrderedDict

import pytest

from engine.native import threads
from nn.evaluation import programs
from tests.drawing.browser import browser, page

__all__ = ["browser", "page", "small_shards"]


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row or two are enough for a shard, so that small trainings have many."""
    monkeypatch.setattr(threads, "GRAIN", 100)
    monkeypatch.setattr(threads, "PER_TOTAL", 1)
    monkeypatch.setattr(threads, "BLOCKS", 0)
    monkeypatch.setattr(threads, "LARGE", 0)
    monkeypatch.setattr(programs, "_kept", OrderedDict())  # their shards are as they were
