"""Which lists are taken for the rows of a loop, and what is known of them."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import engine
import nn
from engine import Value
from engine.explain.report import Cause
from nn import MLP
from nn.doctor import loop_rows
from nn.doctor.loop_rows import LEAST, LoopRows, rows_of
from nn.doctor.table import Suspicion
from nn.doctor.trials import chosen
from tests.nn.doctor.loop_edges import of
from tests.nn.doctor.loop_grids import Loop

XS = [[float(i), 0.5 * i] for i in range(20)]
YS = [float(i * i) for i in range(20)]
NET = MLP(2, [2, 1], "tanh", rng=1)


def loop(*places: int, ys: Any = YS, xs: Any = XS) -> Loop:
    """A loop whose last batch are the rows at these places."""
    return of(NET, nn.mse_loss([NET([*xs[i]]) for i in places], [float(ys[i]) for i in places]))


def found(graph: Any, **names: Any) -> Any:
    return rows_of(graph, names)


WHOLE = [tuple(x) for x in XS], YS


@pytest.mark.parametrize("places", [(3,), (0, 1), (19, 4, 7), range(20)])
def test_rows_are_the_lists_that_have_the_batch(places: Any) -> None:
    graph = loop(*places)
    others = {"few": XS[:11], "ones": [1.0] * 20, "long": [*YS, 1.0], "text": "x" * 20, "n": 20}
    assert found(graph, **others, xs=XS, ys=YS) == WHOLE
    assert found(graph, ys=YS, xs=XS, **others) == WHOLE
    assert found(graph, xs=tuple(map(tuple, XS)), ys=tuple(YS)) == WHOLE
    assert found(graph, xs=np.array(XS), ys=np.array(YS)) == WHOLE
    assert found(graph, xs=XS) is found(graph, ys=YS) is found(graph, **others) is None


def test_lists_that_have_other_rows_are_not_taken() -> None:
    graph = loop(3, 4)
    for ys in (YS[1:] + YS[:1], [*YS, 0.0], [[y] for y in YS], [0.0] * 20):
        assert found(graph, xs=XS, ys=ys) is None
        assert found(graph, xs=XS, wrong=ys, ys=YS) == WHOLE
    for xs in (XS[:4], [[*x, 0.0] for x in XS], [[x[0]] for x in XS], [x[::-1] for x in XS], YS):
        assert found(graph, xs=xs, ys=YS) is None
        assert found(graph, wrong=xs, xs=XS, ys=YS) == WHOLE


def test_what_stands_first_tells_what_a_list_is_of() -> None:
    graph = loop(3, 4)
    odd_xs: list[Any] = [*XS[:-1], 7.0]
    odd_ys: list[Any] = [*YS[:-1], [1.0, 2.0]]
    rows, ys = found(graph, xs=odd_xs, ys=odd_ys)
    assert rows == [*map(tuple, XS[:-1]), (7.0,)]
    assert ys[:-1] == YS[:-1]
    assert found(graph, xs=[7.0, *XS[1:]], ys=YS) is None
    assert found(graph, xs=[[7.0], *XS[1:]], ys=YS) is None
    assert found(graph, xs=XS, ys=[[1.0], *YS[1:]]) is None


def test_rows_that_stand_there_several_times_may_have_more_targets_than_the_batch() -> None:
    xs, ys = [*XS, *XS], [*YS, *YS]
    graph = loop(3, 4)
    assert found(graph, xs=xs, ys=ys) == ([tuple(x) for x in xs], ys)
    assert found(loop(3, 3, 4), xs=xs, ys=ys) is not None
    assert found(loop(3, 3, 3), xs=xs, ys=ys) is None
    assert found(loop(3, 3), xs=XS, ys=YS) is None
    ys[23] = 99.0  # the other time
    assert found(graph, xs=xs, ys=ys) is not None
    ys[3] = 99.0
    assert found(graph, xs=xs, ys=ys) is None


@pytest.mark.parametrize("many", [11, 12, 13])
def test_lists_of_a_dozen_are_looked_at(many: int) -> None:
    known = found(loop(3), xs=XS[:many], ys=YS[:many])
    assert known == (([*map(tuple, XS[:many])], YS[:many]) if many >= LEAST == 12 else None)


def test_only_lists_and_arrays_are_looked_at() -> None:
    graph = loop(3)
    assert found(graph, xs=dict(enumerate(XS)), ys=YS) is None
    assert found(graph, xs=iter(XS), ys=YS, number=np.array(3.0), none=None) is None
    assert found(graph, number=np.array(3.0), empty=np.zeros((0, 2)), xs=XS, ys=YS) == WHOLE


@pytest.mark.parametrize("many", [1500, 1501, 4000])
def test_of_many_rows_some_are_looked_at(many: int) -> None:
    xs, ys = [[float(i), 1.0] for i in range(many)], [float(-i) for i in range(many)]
    some = chosen(many, 1500)
    known = found(loop(3, 5, xs=xs, ys=ys), xs=xs, ys=ys)
    assert known == ([(float(i), 1.0) for i in some], [float(-i) for i in some])


def test_without_a_batch_or_targets_nothing_is_looked_at() -> None:
    assert found(of(NET, NET([1.0, 2.0])), xs=XS, ys=YS) is None
    bent = nn.mse_loss([NET([Value(1.0) * 2.0, Value(0.5)])], [1.0])
    assert found(of(NET, bent), xs=XS, ys=YS) is None


# --- what is known of them -----------------------------------------------------------------------
SCORES = MLP(2, [3], "linear", rng=1)


def known(loss: Any, ys: Any, net: Any = NET, **how: Any) -> LoopRows:
    return LoopRows(of(net, loss, **how), XS[: len(ys)], ys)


def test_a_loss_with_logarithms_is_one_of_classes() -> None:
    labels = [i % 3 for i in range(20)]
    several = known(nn.cross_entropy([SCORES(x) for x in XS], labels), labels, SCORES)
    logits = nn.binary_cross_entropy_with_logits([NET(x) for x in XS], [y % 2.0 for y in YS])
    two = known(logits, [y % 2.0 for y in YS])
    logs = known(engine.log(NET(XS[0]) ** 2 + 1.0), [0.5] * 20)
    numbers = known(nn.mse_loss([NET(x) for x in XS], labels), labels)
    assert [each.loss for each in (several, two, logs, numbers)] == ["cross_entropy", "", "", ""]
    assert several.classifies
    assert several.begun.classes == numbers.begun.classes == [0, 1, 2]
    assert not logs.classifies
    assert not numbers.classifies
    assert two.begun.classes == [0, 1]
    assert two.classifies == any("log" in str(node.op) for node in two.graph.nodes)
    assert several.every == several.layers == SCORES.layers
    assert several.counts == Counter(labels)
    assert several.task.data.classes is None
    assert [several.column_name(i) for i in (0, 1)] == ["column 0", "column 1"]


def test_few_rows_may_have_any_classes_where_the_loss_is_one_of_them() -> None:
    labels = [0, 1, 2]
    loss = nn.cross_entropy([SCORES(x) for x in XS[:3]], labels)
    assert known(loss, labels, SCORES).begun.classes == labels
    assert known(nn.mse_loss([NET(x) for x in XS[:3]], labels), labels).begun.classes == []


@pytest.mark.parametrize(
    ("fell", "hopeless"), [(0.89, True), (0.9, False), (-1.0, True), (1.0, False)]
)
def test_a_loop_is_hopeless_where_the_loss_has_not_fallen_far(fell: float, hopeless: bool) -> None:
    assert known(NET([1.0, 2.0]), [1.0], fell=fell).hopeless is hopeless


def test_the_line_is_that_of_the_loss_or_of_whoever_asks() -> None:
    loss = NET([1.0, 2.0])
    assert str(known(loss, [1.0]).start.place) == "loss:7"
    graph = of(NET, loss, loss_at=None)
    assert LoopRows(graph, [], []).start.place == graph.place


def test_what_is_certain_is_told_of_variables_the_inner_ones_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def row(facts: Any) -> Any:
        asked.append((facts.begun.xs, facts.begun.ys))
        for certain in (False, True):
            yield Suspicion(Cause("", f"{certain}", "", "", 0.5), (), certain)

    monkeypatch.setattr(loop_rows, "CAUSES", dict.fromkeys(loop_rows.NAMES.split(), row))
    graph: Any = loop(3, 4)
    inner, outer = {"xs": XS}, {"ys": YS, "xs": [[9.0, 9.0]] * 20}
    graph.frame = SimpleNamespace(f_locals=inner, f_globals=outer)
    causes = [*loop_rows.LOOPS["rows"](graph)]
    assert [cause.title for cause in causes] == ["True"] * 10
    assert " ".join(cause.name for cause in causes) == " ".join(loop_rows.NAMES.split())
    assert asked == [WHOLE] * 10
    graph.frame = SimpleNamespace(f_locals=outer, f_globals=inner)
    assert [*loop_rows.LOOPS["rows"](graph)] == []
