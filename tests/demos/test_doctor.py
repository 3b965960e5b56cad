"""The story of the doctor: each mistake is named first, at its line, and what it says helps."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import doctor

# What is said first of each, and the line that is wrong.
SAID = {
    "the learning rate is too high: lr=5": "optimizer=lambda parameters: nn.SGD(",
    "the samples are not scaled": "history = nn.fit(",
    "dead ReLUs in layers.0": "neuron.b.data = -50.0",
    "the hidden layers have no activation": "activation=",
    "gradients are never set to 0": "loss.backward()",
}


def test_each_is_named_at_its_line_and_mended(tell: Callable[..., str], tmp_path: Path) -> None:
    source = Path(doctor.__file__).read_text(encoding="utf-8").splitlines()
    said = tell(doctor).split("\n\n")
    first = re.findall(r"^1\. (.*) at doctor\.py:(\d+)", "\n".join(said), re.M)
    for (title, line), (words, code) in zip(first, SAID.items(), strict=True):
        assert title.startswith(words)
        assert code in source[int(line) - 1]
    rights = [float(x) for x in re.findall(r"test accuracy, .*: ([\d.]+)%", "\n".join(said))]
    assert len(rights) == 2 * len(SAID)
    assert all(after > before for before, after in zip(rights[::2], rights[1::2], strict=True))
    slides = sorted(tmp_path.glob("*.svg"))
    assert len(slides) == len(SAID)
    words = [ET.tostring(ET.parse(slide).getroot(), "unicode", "text") for slide in slides]
    assert all("mended as it says: " in text and "seen" in text for text in words)
    assert not any("mathdefault" in text for text in words)


def test_it_can_be_told_in_one_epoch(tell: Callable[..., str]) -> None:
    assert tell(doctor, epochs=1).count("test accuracy, as it was") == len(SAID)
