"""The same training gives the same curve everywhere, whichever systems are here."""

import re
import sys
from collections.abc import Callable

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import compare
from engine.lazy import missing

Tell = Callable[..., str]

NEEDED = "pip install gradwalk[compare]"
OURS = [compare.NATIVE, "gradwalk, Values"]
PEERS = {name: module for name, (module, _) in compare.SYSTEMS.items() if name not in OURS}
XS = [[0.3, -1.2], [0.0, 0.5], [-2.5, 1.0], [1.5, 0.25], [0.7, 0.6]]
TASK = compare.Task(XS, [1.0, -1.0, -1.0, 1.0, -1.0], seed=3, epochs=6)


def rows(said: str) -> dict[str, list[float]]:
    """The table: for each system the two times, the ratio, and how far off its curve is."""
    found = re.findall(r"^(\S.*?)  +([\d.,]+) ms +([\d.,]+) ms +([\d.,]+)x +(\S+)$", said, re.M)
    return {name: [float(x.replace(",", "")) for x in numbers] for name, *numbers in found}


@pytest.mark.parametrize("system", [name for name in compare.SYSTEMS if name != compare.NATIVE])
def test_every_system_goes_down_the_same_curve(system: str) -> None:
    pytest.importorskip(compare.SYSTEMS[system][0], reason=NEEDED)
    ours, theirs = compare.train(TASK, compare.NATIVE), compare.train(TASK, system)
    assert len(ours.curve) == len(theirs.curve) == TASK.epochs
    assert compare.apart([ours.curve, theirs.curve]) < 1e-13
    assert (
        compare.apart([ours.curve[1:], ours.curve[:-1]]) > 0.1
    )  # so no epoch is taken for another
    assert min(theirs.first, theirs.epoch) > 0


def test_all_that_are_here_are_told_of(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in PEERS.values():
        pytest.importorskip(module, reason=NEEDED)
    monkeypatch.setattr(compare, "ROUNDS", 1)
    said = tell(compare, epochs=2)
    assert [*rows(said)] == [*compare.SYSTEMS]
    assert "pip install" not in said
    assert all(off < 1e-13 for *_, off in rows(said).values())
    assert float(re.findall(r"any two curves: (\S+)", said)[0]) < 1e-13


def test_those_that_are_missing_are_named_and_left_out(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in PEERS.values():
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(compare, "ROUNDS", 2)
    said = tell(compare, epochs=3)
    assert said.startswith(missing(f"without {', '.join(PEERS)}", "compare") + "\n")
    assert [*rows(said)] == OURS
    assert rows(said)[compare.NATIVE][2] == 1


def test_a_difference_is_told() -> None:
    assert compare.apart([[2.0, 4.0], [2.0, 5.0], [1.9, 4.0]]) == pytest.approx(0.2)
    assert compare.apart([[0.0], [0.0]]) == 0.0
