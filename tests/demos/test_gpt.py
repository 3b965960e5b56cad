"""The GPT sees no character that comes later, and learns; its pictures show the name."""

import math
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import gpt, names

Tell = Callable[..., str]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that compiles in a second or two."""
    for name, number in {"WIDTH": 8, "HEADS": 2, "SIZE": 4, "CONTEXT": 4}.items():
        monkeypatch.setattr(gpt, name, number)


def test_the_gpt_beats_bigram_counts_and_shows_what_its_heads_look_at(
    small: None, tell: Tell, tmp_path: Path
) -> None:
    said = tell(gpt, epochs=3, eager=True)
    bigram, mlp, own = map(
        float, re.findall(r"^bits per character, .*: ([\d.]+)$", said, re.MULTILINE)
    )
    assert own < bigram - 0.1
    assert mlp < bigram < math.log2(len(names.ALPHABET))
    assert "training (native): 3 epochs in" in said
    found = "tokens (28 x 8)", "[query, key, value] (24 x 8)", "project (8 x 8)"
    assert all(part in said for part in found)
    assert float(re.findall(r"Values alone: .* s, ([\d,]+) times", said)[0].replace(",", "")) > 3
    known, invented = re.findall(r"invented \((\d+) of 20.*\): (.*)", said)[0]
    assert len(invented.split(", ")) == 20 - int(known)
    attention = (tmp_path / "story-attention.svg").read_text("utf-8")
    word = re.findall(r"look at in (\w+): a row", attention)[0]
    assert len(re.findall(r">(.)</text>", attention)) == 2 * 2 * len(f".{word}")
    head = (tmp_path / "story-head.svg").read_text("utf-8")
    assert all(f">{name}</text>" in head for name in ("tokens", "query", "key", "value"))


def test_attention_is_causal_and_its_shares_sum_to_one(small: None) -> None:
    model = gpt.GPT(random.Random(1))
    for leaf in model.parameters():
        leaf.data = random.Random(leaf.label).gauss(0, 0.5)
    short, long = (
        [[x.data for x in row] for row in model.read(model.embed(t))]
        for t in ([3, 1], [3, 1, 4, 1])
    )
    assert short == long[:2]
    shares = model.attention(model.embed([3, 1, 4, 1]))
    assert [[len(head) for head in token] for token in shares] == [[n, n] for n in (1, 2, 3, 4)]
    for token in shares:
        assert [sum(p.data for p in head) for head in token] == pytest.approx([1.0, 1.0])
    assert model([3, 1, 4])[0].data != model([1, 3, 4])[0].data  # it knows where a token stands


def test_names_become_their_beginnings_and_what_follows() -> None:
    xs, ys = gpt.samples(["ab"])
    assert (xs, ys) == ([[0], [0, 1], [0, 1, 2]], [1, 2, 0])
    xs, ys = gpt.samples(["abcdefghijk"])
    assert max(map(len, xs)) == gpt.CONTEXT
    assert xs[-1] == [*range(12 - gpt.CONTEXT, 12)]
    assert ys[-1] == 0
