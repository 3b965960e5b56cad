"""Which metrics are asked for, by which names, and what they are of all rows that count."""

import re
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nn
from nn import MLP, hinge_loss, mse_loss
from nn.evaluation.metrics import Metrics, threshold_of
from tests.nn.evaluation.test_right_answers import rows, spaced

judges = pytest.importorskip("sklearn.metrics", reason="pip install gradwalk[sklearn]")


def test_the_usual_line_is_that_of_the_loss_or_of_the_model() -> None:
    for output, wanted in (("sigmoid", 0.5), ("linear", 0.0), ("softmax", 0.0)):
        model = SimpleNamespace(output=output)
        assert threshold_of(model) == threshold_of(model, mse_loss) == wanted
        assert threshold_of(model, nn.binary_cross_entropy) == 0.5
        assert threshold_of(model, nn.binary_cross_entropy_with_logits) == 0.0
        assert threshold_of(model, hinge_loss) == threshold_of(model, nn.cross_entropy) == 0.0
    assert threshold_of(3) == 0.0


def worst(outputs: Any, targets: Any) -> float:
    return max(abs(x - y) for x, y in zip(outputs, targets, strict=True))


def test_metrics_are_asked_by_name_and_by_function() -> None:
    model = MLP(2, [1], rng=1)

    class Mine:
        def __call__(self, outputs: Any, targets: Any) -> float:
            return 3.0

    for asked, names in (
        (None, []), ([], []), ("r2", ["r2"]), (["r2"], ["r2"]), (worst, ["worst"]),
        ([worst, "r2"], ["worst", "r2"]), ("accuracy", ["accuracy"]),
        (("confusion",), ["confusion"]),
        (["confusion", "r2", "accuracy"], ["r2", "accuracy", "confusion"]), (Mine(), ["Mine"]),
    ):  # fmt: skip
        made = Metrics(asked, mse_loss, model)
        assert made.names == names
        assert made.confusion == ("confusion" in names)
        usual = Metrics(asked, hinge_loss, model) if "r2" not in names else None
        if usual:
            assert usual.names == [*dict.fromkeys(["accuracy", *names])]
    assert Metrics("r2", nn.binary_cross_entropy, model).names == ["accuracy", "r2"]


def named(name: str) -> Any:
    def metric(outputs: Any, targets: Any) -> float:
        return 0.0

    metric.__name__ = name
    return metric


@pytest.mark.parametrize(
    "name", ["loss", "accuracy", "r2", "confusion", "val_x", "<lambda>", "mine"]
)
def test_a_name_that_is_taken_is_no_name_of_a_metric(name: str) -> None:
    asked = [named("mine"), named(name)]
    text = (
        f"a metric is listed by the name of its function, and {name!r} is taken or no name; "
        "def it with one of its own"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Metrics(asked, mse_loss, None)
    for free in ("losses", "value", "Val_x", "x_val_", "r"):
        assert Metrics(named(free), mse_loss, None).names == [free]


def test_metrics_that_do_not_fit_are_refused() -> None:
    text = (
        'r2 is of numbers, got the classes of {}; for classes there are "accuracy" and "confusion"'
    )
    for loss, name in (
        (hinge_loss, "hinge_loss"),
        (nn.cross_entropy, "cross_entropy"),
        (partial(nn.cross_entropy, ignore_index=3), "cross_entropy(ignore_index=3)"),
        (nn.binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(text.format(name))}$"):
            Metrics("r2", loss, None)
    with pytest.raises(
        ValueError, match=r"^unknown metric 'recall'; known: accuracy, r2, confusion$"
    ):
        Metrics("recall", mse_loss, None)
    with pytest.raises(ValueError, match=r"^unknown metric 'roc'; known: accuracy, r2, confusion$"):
        Metrics(["accuracy", "roc"], hinge_loss, None)
    for wrong, got in (("3", "str"), (None, "NoneType"), (True, "bool"), ([1.0], "list")):
        made = Metrics(lambda_named(wrong), mse_loss, None)
        text = f"the metric 'own' gave {got}; return one number, computed from the lists of outputs"
        with pytest.raises(TypeError, match=f"^{text} and targets$"):
            made.of([1.0], rows([1.0]))


def lambda_named(answer: Any) -> Any:
    def own(outputs: Any, targets: Any) -> Any:
        return answer

    return own


@pytest.mark.parametrize("ignored", [None, 2, 0])
def test_what_is_measured(ignored: int | None) -> None:
    outputs, ys = spaced((20, 3)).tolist(), np.random.default_rng(1).integers(0, 3, 20).tolist()
    loss = nn.cross_entropy if ignored is None else partial(nn.cross_entropy, ignore_index=ignored)
    made = Metrics(["confusion", named("own")], loss, None)
    kept = [i for i, y in enumerate(ys) if y != ignored]
    said = [outputs[i].index(max(outputs[i])) for i in kept]
    wanted = [ys[i] for i in kept]
    share = pytest.approx(judges.accuracy_score(wanted, said))
    assert made.of(outputs, rows(ys)) == {"accuracy": share, "own": 0.0}
    known = {"accuracy": 0.25, "other": 7.0}
    assert made.of(outputs, rows(ys), known) == {**known, "own": 0.0}
    assert known == {"accuracy": 0.25, "other": 7.0}
    matrix = judges.confusion_matrix(wanted, said, labels=[0, 1, 2]).tolist()
    assert made.matrix(outputs, rows(ys)) == matrix
    places, line = made.counted(3, rows(ys))
    assert (places, line) == (slice(None) if ignored is None else kept, None)
    assert {type(x) for x in made.of(outputs, rows(ys)).values()} == {float}


@pytest.mark.parametrize("asked", ["accuracy", "confusion", "r2", None])
def test_a_training_and_its_validation_are_counted_by_one_rule(asked: Any) -> None:
    """Yes or no to each output in both, where the targets of either ask so."""
    shares, each = rows([[1.0, 0.0], [0.0, 1.0]]), rows([[1.0, 1.0], [0.0, 1.0]])
    model = SimpleNamespace(output="sigmoid")
    for tables, settled in (
        ([shares], None), ([each], 0.5), ([shares, each], 0.5), ([each, shares], 0.5), ([], None),
    ):  # fmt: skip
        made = Metrics(asked, mse_loss, model)
        made.settle(tables)
        line = settled if asked in ("accuracy", "confusion") else None
        assert made.counted(2, shares)[1] == line
        assert made.counted(2, each)[1] == 0.5
        for loss, line in ((nn.cross_entropy, None), (nn.binary_cross_entropy, settled)):
            if asked != "r2":
                made = Metrics(asked, loss, model)
                made.settle(tables)
                assert made.counted(2, shares)[1] == line
