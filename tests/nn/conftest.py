"""The fixtures of this room: a real browser, which the room of pictures has, and small shards."""

import pytest

from nn.training import shards
from tests.drawing.browser import browser, page

__all__ = ["browser", "page", "small_shards"]


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row or two are enough for a shard, so that small trainings have many."""
    monkeypatch.setattr(shards, "GRAIN", 100)
    monkeypatch.setattr(shards, "PER_TOTAL", 1)
