"""What is public takes what it took. Where more is meant, `python -m tests.project.signatures`
writes it anew.
"""

import pytest

from tests.project.signatures import FILE, signatures

pytest.importorskip("matplotlib", reason="pip install gradwalk[plots]")


def test_public_functions_take_what_they_took() -> None:
    assert [*signatures()] == FILE.read_text(encoding="utf-8").splitlines()
