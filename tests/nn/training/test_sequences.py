"""Samples of different lengths, for models that loop over a sample."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine import NumericError, Program, Value, log
from nn import BatchNorm, Dropout, Layer, Module, accuracy, fit, predict
from nn.training import stages

_draw = random.Random(8)
XS = [[_draw.gauss(0, 1) for _ in range(_draw.randint(1, 6))] for _ in range(140)]
YS = [int(sum(x) > 0) for x in XS]


class Recurrent(Module):
    """A recurrent network by hand, with dropout at each step and a norm at the end."""

    def __init__(self, drop=0.0, norm=False):
        self.step, self.head = Layer(1 + 4, 4, "tanh", 1), Layer(4, 1, "linear", 2)
        self.drop, self.norm = Dropout(drop), BatchNorm(4) if norm else None

    def state(self, xs):
        h = [0.0] * 4
        for x in xs:
            h = self.drop(self.step([x, *h]))
        return h

    def __call__(self, xs):
        h = self.state(xs)
        return self.head(self.norm(h) if self.norm else h)


def train(model, xs=XS, ys=YS, **how):
    how = {"epochs": 3, "batch_size": 16, "optimizer": "sgd", "validation": 0.2, **how}
    how = {"loss": "binary_cross_entropy_with_logits", "seed": 1, "progress": False, **how}
    history = fit(model, xs, ys, **how)
    return [p.data for p in model.parameters(True)], history


@pytest.mark.parametrize("drop", [0.0, 0.3])
@pytest.mark.parametrize("how", [{}, {"class_weights": "balanced"}, {"batch_size": None}])
def test_native_and_eager_trainings_agree(drop, how):
    how = {**how, "metrics": "accuracy"}
    (eager, history), (found, other) = [
        train(Recurrent(drop), backend=backend, **how) for backend in ("eager", "auto")
    ]
    assert other.backend == "native"
    np.testing.assert_allclose(eager, found, rtol=1e-11)
    for one, two in zip(history.log, other.log, strict=True):
        assert one == pytest.approx(two, rel=1e-11)


def test_a_norm_takes_statistics_over_rows_of_all_lengths():
    class Whole(Recurrent):
        def forward_batch(self, rows):
            return [self.head(h) for h in self.norm.forward_batch([self.state(x) for x in rows])]

    eager, found = [
        train(Whole(norm=True), backend=backend, validation=None)[0]
        for backend in ("eager", "native")
    ]
    np.testing.assert_allclose(eager, found, rtol=1e-9, atol=1e-12)


def test_threads_find_the_same_bits(small_shards):
    how = {"batch_size": None, "backend": "native"}
    want, history = train(Recurrent(0.3), **how)
    for workers in (1, 2, 3):
        with ThreadPoolExecutor(workers) as pool:
            found, other = train(Recurrent(0.3), executor=pool, **how)
        assert (found, other.log) == (want, history.log)


def test_a_training_goes_on_to_the_same_bits(tmp_path):
    wanted = train(Recurrent(0.3))[0]
    how = {"checkpoint": tmp_path / "a", "resume": True}
    train(Recurrent(0.3), epochs=1, **how)
    assert train(Recurrent(0.3), **how)[0] == wanted


def test_predictions_are_those_of_its_calls():
    model = Recurrent(0.5)
    train(model)
    model.eval()
    assert predict(model, XS) == [model(x).data for x in XS]
    calls = []
    spy = type(
        "Spy", (Recurrent,), {"state": lambda self, xs: calls.append(1) or model.state(xs)}
    )()
    spy.head, spy.step, many = (
        model.head,
        model.step,
        [*[x[:1] for x in XS], *[[*x, 1.0] for x in XS]],
    )
    np.testing.assert_allclose(predict(spy, many), [model(x).data for x in many], rtol=1e-12)
    assert len(calls) < 160  # rows of length 1 were a program, the others too few for one
    right = [(model(x).data > 0) == y for x, y in zip(XS, YS, strict=True)]
    assert accuracy(model, XS, YS) == sum(right) / len(right)


def test_validation_rows_may_have_lengths_of_their_own():
    pair = [[0.5] * 9, [0.1] * 9], [1, 0]
    results = [train(Recurrent(), validation=pair, backend=b) for b in ("eager", "native")]
    assert results[0][1].log[-1] == pytest.approx(results[1][1].log[-1], rel=1e-11)


def test_lengths_of_few_samples_are_trained_eagerly_unless_asked(capsys):
    xs, ys = [[0.1] * n for n in range(1, 7)], [0, 1] * 3
    how = {"epochs": 1, "validation": None}
    eager, history = train(Recurrent(), xs, ys, progress=True, **how)
    assert history.backend == "eager"
    assert "6 samples have 6 lengths, and programs for each take" in capsys.readouterr().err
    found, history = train(Recurrent(), xs, ys, backend="native", **how)
    assert history.backend == "native"
    np.testing.assert_allclose(eager, found, rtol=1e-11)
    assert train(Recurrent(), xs * 2, ys * 2, **how)[1].backend == "native"


def test_each_length_has_code_for_as_many_samples_as_it_has(monkeypatch):
    made = []
    spy = lambda xs, *given: made.append((len(xs) - 1, given[-1])) or Program(xs, *given)  # noqa: E731
    monkeypatch.setattr(stages, "Program", spy)
    train(Recurrent(), [[0.5]] * 9 + [[0.1, 0.2]] * 4, YS[:13], epochs=7, validation=None)
    assert made == [(1, 63), (2, 28)]


def test_a_model_with_other_outputs_for_other_lengths_is_native():
    class Each(Module):
        def __init__(self):
            self.gain = Value(0.5)

        def __call__(self, xs):
            return [self.gain * x for x in xs]

    xs = [x for x in XS if len(x) > 1]
    ys = [x.index(max(x)) for x in xs]  # which of its numbers is the largest
    how = {"loss": "cross_entropy", "epochs": 3, "seed": 1, "progress": False}
    one, two = [fit(Each(), xs, ys, backend=b, **how) for b in ("eager", "native")]
    assert one.accuracy[-1] == two.accuracy[-1] == 1.0
    assert one.log[-1] == pytest.approx(two.log[-1], rel=1e-11)


def test_a_norm_at_each_place_is_not_native():
    class Normed(Recurrent):
        def state(self, xs):
            h = [0.0] * 4
            for x in xs:
                h = self.norm(self.step([x, *h]))
            return h

    with pytest.raises(ValueError, match="the model uses BatchNorm more often for other lengths"):
        train(Normed(norm=True), backend="native", validation=None)


def test_targets_of_different_lengths_are_an_error():
    with pytest.raises(ValueError, match=r"row 0: .*got one for an output and a list of 2 for its"):
        train(Recurrent(), XS[:2], [[0, 1], [0]], validation=None)


@pytest.mark.parametrize("bad", [[], ["a"], [[1.0]], [None]])
def test_other_samples_are_not_native(bad):
    with pytest.raises((ValueError, TypeError)):
        train(Recurrent(), [*XS, bad], [*YS, 0], backend="native")


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_an_error_names_the_row(backend):
    class Logarithm(Recurrent):
        def __call__(self, xs):
            return super().__call__(xs) + log(xs[-1] * xs[-1])

    xs = [list(x) for x in XS]
    xs[77][-1] = 0.0
    with pytest.raises(NumericError, match=r"^row 77: "):
        train(Logarithm(), xs, backend=backend, validation=None)


@pytest.mark.parametrize(
    "how", [{}, {"batch_size": None, "optimizer": "adam"}, {"validation": None}]
)
def test_a_loss_of_ones_own_is_native_for_rows_of_all_lengths(how):
    def squares(outputs, targets):
        return sum((x - y) ** 2 for x, y in zip(outputs, targets, strict=True)) / len(targets)

    for loss in (squares, lambda x, y: abs(x - y)):
        how = {"loss": loss, "metrics": "accuracy", **how}
        (eager, one), (found, two) = [
            train(Recurrent(), backend=b, **how) for b in ("eager", "auto")
        ]
        assert two.backend == "native"
        np.testing.assert_allclose(eager, found, rtol=1e-11)
        assert [*map(sorted, one.log)] == [*map(sorted, two.log)]
        for a, b in zip(one.log, two.log, strict=True):
            assert a == pytest.approx(b, rel=1e-11)


def test_a_loss_of_ones_own_that_is_no_mean_is_eager_for_rows_of_all_lengths():
    def total(outputs, targets):
        return sum((x - y) ** 2 for x, y in zip(outputs, targets, strict=True))

    assert train(Recurrent(), loss=total)[1].backend == "eager"

    def rare(outputs, targets):  # a decision that only shows in long sequences
        pairs = zip(outputs, targets, strict=True)
        return sum((x - y) ** 2 * (1.0 if y < 2 else 3.0) for x, y in pairs) / len(targets)

    ys = [2 * (len(x) == 5) for x in XS]
    assert train(Recurrent(), ys=ys, loss=rare)[1].backend == "eager"


@pytest.mark.parametrize(
    "table", [np.array([[0.1, 0.2], [0.3, -0.4]]), {0: [0.1, 0.2], 1: [0.3, -0.4]}]
)
def test_a_model_that_looks_tokens_up_in_numpy_or_a_dictionary_is_eager(table):
    class Lookup(Module):
        def __init__(self):
            self.head = Layer(2, 1, "linear", 1)

        def __call__(self, x):
            return self.head([*table[x]])

    rows = [0, 1] * 8, [1, 0] * 8
    assert train(Lookup(), *rows)[1].backend == "eager"
    with pytest.raises(ValueError, match="an input has no number yet, by which NumPy or a dict"):
        train(Lookup(), *rows, backend="native")
