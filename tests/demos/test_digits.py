"""Most digits are told apart, and the others are counted and shown."""

import re
from collections.abc import Callable

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import digits

Tell = Callable[..., str]


@pytest.mark.parametrize("seed", [1, 7])
def test_digits_are_told_apart_and_the_errors_are_counted(tell: Tell, seed: int) -> None:
    said = tell(digits, seed=seed)
    (right, tested), *_ = re.findall(r"test accuracy.*\((\d+) of (\d+)\)", said)
    assert int(right) / int(tested) >= 0.96
    rows = [line.split()[1:] for line in said.splitlines() if re.match(r" {3}\d +[\d.]", line)]
    table = [[int(x.replace(".", "0")) for x in row] for row in rows[-10:]]
    assert sum(map(sum, table)) == int(tested)
    assert sum(table[k][k] for k in range(10)) == int(right)


def test_confusions_are_counted_by_what_it_was_and_what_was_said() -> None:
    assert digits.confusion([0, 1, 1], [0, 1, 7])[1] == [0, 1, 0, 0, 0, 0, 0, 1, 0, 0]
