"""How the doctor tries remedies, chooses among them and orders what it found."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from engine.explain.report import Cause
from nn.doctor.examine import Trials
from nn.doctor.table import Remedy, Suspicion, remedy, suspect


def does(name: str) -> Remedy:
    return remedy(f"do {name}", lambda t: None, short=name)


class Scored(Trials):
    """Trials with known scores: for each remedy one for each choice of rows."""

    def __init__(self, base: Any, folds: int = 2, classes: Any = (), **scores: Any) -> None:
        begun = SimpleNamespace(classes=[*classes])
        self.facts: Any = SimpleNamespace(begun=begun)
        self.base, self.vain, self.alone, self.folds = {}, [], [], folds
        self.left, self.price = 100.0, 1.0
        self.scores, self.asked = {"": base} | scores, list[tuple[str, int]]()

    def score(self, fold: int, remedy: Remedy | None = None) -> float:
        """The known score."""
        name = remedy.short if remedy else ""
        self.asked.append((name, fold))
        self.left -= self.price
        found = self.scores[name]
        if found is None:
            raise TypeError(name)
        return float(found[fold])


# --- one remedy ----------------------------------------------------------------------------------
@pytest.mark.parametrize("folds", [2, 3, 6])
def test_a_remedy_is_tried_on_each_choice_of_rows(folds: int) -> None:
    base, better = [i / 8 for i in range(6)], [i / 4 + 0.5 for i in range(6)]
    trials = Scored(base, folds, better=better)
    expected = [b - a for a, b in zip(base, better, strict=True)][:folds]
    assert trials.gains(does("better")) == expected
    assert trials.base == dict(enumerate(base[:folds]))
    assert trials.asked == [(name, i) for i in range(folds) for name in ("", "better")]
    trials.gains(does("better"))
    assert trials.asked[2 * folds :] == [("better", i) for i in range(folds)]


@pytest.mark.parametrize(
    ("left", "price", "many"),
    [(100.0, 1.0, 5), (4.0, 1.0, 2), (4.5, 1.0, 3), (0.0, 1.0, 2), (-9.0, 0.0, 2), (0.0, 0.0, 2)],
)
def test_two_choices_are_tried_and_more_as_long_as_there_is_time(
    left: float, price: float, many: int
) -> None:
    trials = Scored([0.0] * 6, 5, better=[0.5] * 6)
    trials.left, trials.price = left, price
    assert trials.gains(does("better")) == [0.5] * many


@pytest.mark.parametrize(
    ("scores", "many"),
    [
        ([0.0, 0.0, 0.0, 1.0], 3),
        ([0.5, 0.0, -0.5, 1.0], 3),
        ([0.01, 0.01, 0.01, 1.0], 4),
        ([0.009, 0.009, 0.009, 1.0], 3),
        ([-0.5, -0.5, 2.0, 1.0], 4),
    ],
)
def test_a_remedy_that_does_not_help_is_given_up_after_three(
    scores: list[float], many: int
) -> None:
    assert Scored([0.0] * 4, 4, poor=scores).gains(does("poor")) == scores[:many]


# --- the best of some ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scores", "gain", "sure"),
    [
        ([0.25, 0.75], 0.5, True),  # exactly twice the error
        ([0.2, 0.8], 0.5, False),
        ([0.02, 0.02], 0.02, True),  # exactly the least
        ([0.019, 0.019], 0.019, False),
        ([1.0, 1.0], 1.0, True),
        ([-0.5, -0.5], -0.5, False),
    ],
)
def test_a_gain_is_sure_where_it_is_more_than_chance(
    scores: list[float], gain: float, sure: bool
) -> None:
    best = Scored([0.0, 0.0], some=scores).best([does("some")])
    assert best is not None
    assert best.gain == pytest.approx(gain)
    assert best.sure is sure


def test_the_error_of_a_mean_shrinks_with_the_choices() -> None:
    found = [0.1, 0.5, 0.1, 0.5]  # a deviation of 0.23, and so an error of 0.12
    for folds, sure in ((2, False), (4, True)):
        best = Scored([0.0] * 4, folds, some=found).best([does("some")])
        assert best is not None
        assert best.gain == pytest.approx(0.3)
        assert best.sure is sure


def test_a_later_remedy_has_to_be_better_by_more_than_the_least() -> None:
    many: dict[str, Any] = {
        "a": [0.25] * 2,
        "b": [0.25 + 0.02] * 2,
        "c": [0.28] * 2,
        "d": [0.1] * 2,
        "e": None,
    }
    trials = Scored([0.0] * 2, **many)

    def best(names: str) -> str | None:
        found = trials.best([does(name) for name in names])
        return found and found.remedy.short

    assert [best(names) for names in ("ab", "ac", "ba", "dc", "ea", "ae", "e", "", "eee")] == [
        "a", "c", "b", "c", "a", "a", None, None, None,
    ]  # fmt: skip
    assert best("da") == "a"
    trials.left = 0.0
    assert best("a") is None
    trials.left = 0.5
    assert best("ac") == "a"


@pytest.mark.parametrize(
    ("before", "classes", "text"),
    [
        (0.25, [0, 1], "with x, the share of rows that are right rises from 0.25 to 0.75"),
        (0.25, [], "with x, R2 rises from 0.25 to 0.75"),
        (-0.5, [], "with x, R2 rises from -0.50 to 0.00"),
        (-0.51, [], "with x, R2 is -0.01 (unchanged, it diverges)"),
        (
            -1.0,
            [0, 1],
            "with x, the share of rows that are right is -0.50 (unchanged, it diverges)",
        ),
    ],
)
def test_it_is_said_what_a_remedy_did(before: float, classes: list[int], text: str) -> None:
    after = [before + 0.5 - 0.125, before + 0.5 + 0.125]
    best = Scored([before, before], classes=classes, x=after).best([does("x")])
    assert best is not None
    assert best.text == text


# --- causes --------------------------------------------------------------------------------------
def suspicion(*names: str, certain: bool = False, weight: float = 0.5) -> Suspicion:
    remedies = map(does, names)
    return suspect("title", "seen", weight, None, *remedies, do="plain", certain=certain)


def test_a_cause_is_told_where_a_remedy_helped_or_it_is_certain() -> None:
    scores: dict[str, Any] = {"good": [0.5] * 2, "poor": [0.0] * 2, "worse": [-0.5] * 2}
    trials = Scored([0.25] * 2, **scores, no=None)
    plain = Cause("name", "title", "seen", "plain", 0.5)
    text = "with good, R2 rises from 0.25 to 0.50"
    mended = Cause("name", "title", "seen", "do good", 0.5, None, (), text, 0.25, True)
    assert trials.tried("name", suspicion("poor", "good")) == mended
    assert trials.tried("name", suspicion("good", certain=True)) == mended
    assert (trials.vain, trials.alone) == ([], [])
    assert trials.tried("name", suspicion("no")) is None
    assert trials.tried("name", suspicion()) is None
    assert trials.tried("name", suspicion("no", certain=True)) == plain
    assert trials.tried("name", suspicion(certain=True)) == plain
    assert (trials.vain, trials.alone) == ([], [])
    assert trials.tried("name", suspicion("worse", "poor", "no")) is None
    assert trials.vain == ["poor"]
    assert [(cause.name, last.short) for cause, last in trials.alone] == [("name", "no")]
    known = trials.tried("name", suspicion("worse", certain=True))
    assert known == Cause("name", "title", "seen", "do worse", 0.5)
    assert trials.vain == ["poor", "worse"]


@pytest.mark.parametrize(
    ("helps", "found"),
    [("ab", "ab"), ("ad", "ad"), ("cd", "cd"), ("bd", "bd"), ("ae", ""), ("de", ""), ("", "")],
)
def test_the_first_two_that_help_together_are_told(helps: str, found: str) -> None:
    names = "abcde"
    scores: dict[str, Any] = {
        f"{a} and {b}": [0.75 if a + b == helps else 0.25] * 2 for a in names for b in names
    }
    trials = Scored([0.25] * 2, **scores)
    trials.alone = [(Cause(name, "title", "seen", "", 0.5), does(name)) for name in names]
    causes = trials.together()
    assert "".join(cause.name for cause in causes) == found
    for cause in causes:
        a, b = [*found]
        assert cause.do == f"do {a}, and do {b}"
        assert cause.tried == f"with {a} and {b}, R2 rises from 0.25 to 0.75"
        assert (cause.gain, cause.verified) == (0.5, True)
    if not found:
        pairs = [name for name, fold in trials.asked if fold == 0 and name]
        assert pairs == ["a and b", "a and c", "a and d", "b and c", "b and d", "c and d"]


def test_two_remedies_are_both_made() -> None:
    done: list[str] = []

    class Made(Scored):
        """Trials that make the change, of nothing."""

        def score(self, fold: int, remedy: Any = None) -> float:
            if remedy:
                remedy.change(None)
            return super().score(fold, remedy)

    better: dict[str, Any] = {"a and b": [1.0] * 2}
    trials = Made([0.0] * 2, **better)
    for name in "ab":
        change = partial(lambda n, t: done.append(n), name)
        trials.alone.append((Cause(name, "", "", "", 0.5), Remedy(name, name, change)))
    assert len(trials.together()) == 2
    assert done == ["a", "b"] * 2
