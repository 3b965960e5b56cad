"""Pictures, steps, listings and reports mean what they meant in the versions that were released."""

import json
import math
from typing import Any

import pytest

from tests.meanings import FOLDER, meanings

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
KEPT = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.iterdir())
}


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return meanings()


def same(found: Any, kept: Any) -> bool:
    """The same but for rounding."""
    if isinstance(kept, float) and isinstance(found, float):
        return found == kept or math.isclose(found, kept, rel_tol=1e-12, abs_tol=1e-15)
    if isinstance(kept, list):
        return len(found) == len(kept) and all(map(same, found, kept))
    if isinstance(kept, dict):
        return found.keys() == kept.keys() and all(same(found[key], kept[key]) for key in kept)
    return bool(found == kept)


@pytest.mark.parametrize(
    ("version", "name"), [(version, name) for version, kept in KEPT.items() for name in kept]
)
def test_it_means_what_it_meant(version: str, name: str, now: dict[str, Any]) -> None:
    assert same(now[name], KEPT[version][name]), (now[name], KEPT[version][name])
