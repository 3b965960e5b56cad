"""Compiled programs do the work that they did, counted. Where more or less is meant,
`python -m tests.native.work` writes the counts anew.
"""

import pytest

from tests.native.work import FILE, GRAPHS, lines_of

KEPT = FILE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", GRAPHS)
def test_it_does_the_work_that_it_did(name: str) -> None:
    assert [*lines_of(name)] == [line for line in KEPT if line.startswith(f"{name}, ")]
