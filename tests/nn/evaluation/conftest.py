"""The fixture of this room: the programs that are made."""

import pytest

from engine import Program


@pytest.fixture
def records(monkeypatch):
    """The programs that are made."""
    made = []
    real = Program.__init__

    def init(self, *args, **kwargs):
        made.append(self)
        real(self, *args, **kwargs)

    monkeypatch.setattr(Program, "__init__", init)
    return made
