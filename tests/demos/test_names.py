"""A model of characters beats counting, and its rows are what they should be."""

import math
import re
from collections.abc import Callable

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import names

Tell = Callable[..., str]


def test_the_names_model_beats_bigram_counts_and_invents(tell: Tell) -> None:
    said = tell(names, epochs=3)
    counts, network = (
        float(re.findall(rf"{who}.*: ([\d.]+)$", said, re.MULTILINE)[0])
        for who in (r"\(bigram\)", "the network")
    )
    assert network < counts - 0.3
    assert counts < math.log2(len(names.ALPHABET))
    known, invented = re.findall(r"invented \((\d+) of 16.*\): (.*)", said)[0]
    assert len(invented.split(", ")) == 16 - int(known)


def test_names_become_rows_of_the_characters_before_and_the_next() -> None:
    rows = names.table(["ab"]).astype(int)[:, -3:].tolist()
    assert rows == [[0, 0, 1], [0, 1, 2], [1, 2, 0]]
    found = names.identifiers()
    assert {"dataclass", "namedtuple", "join"} <= set(found)
    assert len(found) == len(set(found)) > 1000


def test_counted_bits_are_those_of_counting_by_hand() -> None:
    seen = names.table(["ab", "ac"])  # after a: b and c, once each
    unseen = names.table(["ab"])
    size = len(names.ALPHABET)
    best = min(
        -sum(math.log2((one + start) / (of + start * size)) for one, of in ((2, 2), (1, 2), (1, 1)))
        / 3
        for start in (1.0, 0.3, 0.1, 0.03)
    )
    assert names.counted_bits(seen, unseen, 1) == pytest.approx(best)
