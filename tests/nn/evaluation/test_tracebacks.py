"""What an error shows: the lines of its user and none of the library."""

import re
import traceback
from typing import Any

import pytest

import nn
from engine import NumericError
from nn import MLP, SGD, fit
from tests.nn.evaluation.rows_trained import BACKENDS, HOW, XS, YS, Scaled, net

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


def train(xs: Any, ys: Any, backend: str = "native", model: Any = None, **how: Any) -> None:
    """Here, because the line that an error shows is to be one of this file."""
    fit(model or net(), xs, ys, backend=backend, **{**HOW, **how})


@BACKENDS
def test_a_training_that_diverges_says_so_in_one_traceback(backend: str) -> None:
    with pytest.raises(NumericError) as error:
        train(XS, YS * 100, backend, optimizer=lambda ps: SGD(ps, lr=20.0), epochs=200)
    message = str(error.value)
    assert message.count("row ") == 1
    assert "steps: lower the learning rate (20), clip the gradients, or scale" in message
    text = "".join(traceback.format_exception(error.value))
    assert text.count("Traceback") == 1
    assert mentioned(text) == {__file__}


def mentioned(text: str) -> set[str]:
    """The files that a traceback and the message below it name."""
    return {*re.findall(r'File "([^"]+)"', text), *re.findall(r"(?:at|into) (\S+\.py):\d+", text)}


OTHERS = [[0.0, 1.0]] * 200
WRONG = {
    "fit": lambda m: nn.fit(m, OTHERS, [1.0] * 200, loss="mse", progress=False),
    "fit, arguments": lambda m: nn.fit(m, XS, YS, loss="msee"),
    "fit, metric": lambda m: nn.fit(m, XS, YS, loss="mse", metrics="recall"),
    "fit, a folder that is not there": lambda m: nn.fit(
        m, XS, YS, loss="mse", progress=False, checkpoint="/nowhere/at/all"
    ),
    "predict": lambda m: nn.predict(m, OTHERS[:3]),
    "predict, many": lambda m: nn.predict(m, OTHERS),
    "accuracy": lambda m: nn.accuracy(m, XS, [7.5] * len(XS)),
    "confusion_matrix": lambda m: nn.confusion_matrix(m, XS, YS[:3]),
    "r2_score": lambda m: nn.r2_score(m, XS, [[1.0, 2.0]] * len(XS)),
    "no model": lambda m: nn.predict(nn.Module(), XS),
    "classifier": lambda m: nn.ScalarMLPClassifier(alpha=-1.0).fit(XS, YS > 0),
    "partial_fit": lambda m: nn.ScalarMLPRegressor(early_stopping=True).partial_fit(XS, YS),
    "regressor": lambda m: nn.ScalarMLPRegressor(optimizer="adem").fit(XS, YS),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_error_shows_no_line_of_the_library(wrong: str) -> None:
    model = MLP(3, [1], output="sigmoid", rng=1)
    with pytest.raises((TypeError, ValueError, NotImplementedError, OSError)) as error:
        WRONG[wrong](model)
    text = "".join(traceback.format_exception(error.value))
    assert text.count("Traceback") == 1
    assert mentioned(text) == {__file__}
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "<lambda>"


def test_an_error_of_an_estimator_that_was_not_fitted_shows_no_line_of_the_library() -> None:
    classifier, regressor = nn.ScalarMLPClassifier(), nn.ScalarMLPRegressor()
    methods = [classifier.predict, classifier.predict_proba, classifier.predict_log_proba]
    for method in (*methods, classifier.decision_function, regressor.predict):
        with pytest.raises(ValueError, match="not fitted") as error:
            method(XS)
        files = mentioned("".join(traceback.format_exception(error.value)))
        assert {file for file in files if "/sklearn/" not in file} == {__file__}


@BACKENDS
def test_a_model_that_fails_shows_its_own_line_and_none_of_the_library(backend: str) -> None:
    class Wrong(Scaled):
        def __call__(self, x: Any) -> Any:
            return [self.w * v for v in x][7]

    for call in (
        lambda: train(XS, YS, backend, model=Wrong()),
        lambda: nn.predict(Wrong(), XS),
        lambda: nn.accuracy(Wrong(), XS, YS),
    ):
        with pytest.raises(IndexError) as error:
            call()
        text = "".join(traceback.format_exception(error.value))
        assert text.count("Traceback") == 1
        assert mentioned(text) == {__file__}
        assert traceback.extract_tb(error.value.__traceback__)[-1].name == "__call__"


@BACKENDS
def test_what_an_error_of_the_user_s_was_raised_from_stays_and_is_shown_once(backend: str) -> None:
    class Wrong(Scaled):
        def __call__(self, x: Any) -> Any:
            try:
                return {}[x]
            except TypeError as error:
                raise ValueError("no such row") from error

    with pytest.raises(ValueError, match=r"^no such row$") as caught:
        train(XS.tolist(), YS, backend, model=Wrong())
    text = "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value.__cause__, TypeError)
    assert text.count("Traceback") == 2
    assert mentioned(text) == {__file__}


def test_a_fault_of_the_library_keeps_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(nn.training.data.Data, "weigh")
    with pytest.raises(AttributeError) as error:
        train(XS, YS)
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "fit"


@BACKENDS
def test_a_loss_that_overflows_names_the_line_of_its_user(backend: str) -> None:
    model = MLP(3, [1], rng=3)
    for parameter in model.parameters():
        parameter.data = 1e160
    with pytest.raises(NumericError, match="row 0: ") as error:
        train([[1.0, 1.0, 1.0]], [[0.0]], backend, model=model)
    assert mentioned(str(error.value)) == {__file__}


def test_the_traceback_of_a_users_own_code_stays() -> None:
    def meddle(history: Any) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough") as error:
        train(XS, YS, callbacks=meddle)
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "meddle"
