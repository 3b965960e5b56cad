"""Losses at each place of a sequence, of sequences of several lengths: all places count alike."""

import math
import random
from functools import partial

import numpy as np
import pytest

import nn
from engine import Value, choose, log_softmax
from nn import Dropout, Layer, Module, accuracy, confusion_matrix, fit, predict, r2_score

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

_draw = random.Random(8)
XS = [[_draw.randrange(5) for _ in range(_draw.randint(1, 4))] for _ in range(60)]
CLASSES = [[(2 * x + i) % 3 for i, x in enumerate(xs)] for xs in XS]
ANSWERS = [[(x + i) % 2 for i, x in enumerate(xs)] for xs in XS]


class Tagger(Module):
    """A recurrent network with an answer at each place of a sequence of tokens."""

    def __init__(self, outputs=3, drop=0.0):
        draw = random.Random(3)
        self.table = [[Value(draw.gauss(0, 0.5)) for _ in range(3)] for _ in range(5)]
        self.step, self.head = Layer(7, 4, "tanh", 1), Layer(4, outputs, "linear", 2)
        self.drop = Dropout(drop)

    def __call__(self, xs):
        h, found = [0.0] * 4, []
        for x in xs:
            row = choose(x, self.table) if isinstance(x, Value) else self.table[int(x)]
            h = self.drop(self.step([*row, *h]))
            found.append(self.head(h))
        return found


def train(loss, ys, xs=XS, outputs=3, drop=0.0, **how):
    model = Tagger(outputs, drop)
    how = {"epochs": 3, "seed": 1, "batch_size": 8, "progress": False, **how}
    return model, fit(model, xs, ys, loss=loss, **how)


def numbers(model):
    return [p.data for p in model.parameters()]


def places(xs, ys):
    """The pairs of all places of all rows."""
    rows = zip(xs, ys, strict=True)
    return [pair for row in rows for pair in zip(*row, strict=True)]


def means(outputs, targets):
    """The mean over all places."""
    terms = [-choose(y, log_softmax(x)) for x, y in places(outputs, targets)]
    return sum(terms) / len(terms)


def of_a_row(xs, ys):
    """The mean over the places of one row."""
    return sum(-choose(y, log_softmax(x)) for x, y in zip(xs, ys, strict=True)) / len(ys)


def squares(outputs, targets):
    terms = [(x - y) ** 2 for x, y in places(outputs, targets)]
    return sum(terms) / len(terms)


LOSSES = {
    "cross_entropy": ("cross_entropy", CLASSES, 3),
    "smoothed": (partial(nn.cross_entropy, label_smoothing=0.1), CLASSES, 3),
    "ignoring": (partial(nn.cross_entropy, ignore_index=1), CLASSES, 3),
    "answers": ("binary_cross_entropy_with_logits", ANSWERS, 1),
    "mse": ("mse", ANSWERS, 1),
    "huber": ("huber", ANSWERS, 1),
    "own": (means, CLASSES, 3),
    "own, of single outputs": (squares, ANSWERS, 1),
    "own, of a row": (of_a_row, CLASSES, 3),
}
HOW = {
    "plain": {},
    "validation": {"validation": 0.3},
    "all at once, adam, metrics": {"batch_size": None, "metrics": ["accuracy", "confusion"]},
    "dropout, other validation": {
        "drop": 0.3,
        "validation": ([[1, 2], [4] * 6], [[0, 1], [1] * 6]),
    },
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
@pytest.mark.parametrize("case", LOSSES)
def test_native_and_eager_trainings_agree(case, how):
    loss, ys, outputs = LOSSES[case]
    (eager, one), (native, two) = [
        train(loss, ys, outputs=outputs, backend=backend, **how) for backend in ("eager", "auto")
    ]
    assert (one.backend, two.backend) == ("eager", "native")
    np.testing.assert_allclose(numbers(eager), numbers(native), rtol=1e-10, atol=1e-14)
    for a, b in zip(one.log, two.log, strict=True):
        assert a == pytest.approx(b, rel=1e-11)
    assert one.confusion == two.confusion


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_all_places_count_alike(backend):
    model, history = train("cross_entropy", CLASSES, metrics="confusion", backend=backend)
    pairs = places(map(model, XS), CLASSES)
    best = history.log[history.best_epoch]
    assert best["loss"] == pytest.approx(
        nn.cross_entropy(*zip(*pairs, strict=True)).data, rel=1e-12
    )
    right = sum(max(range(3), key=lambda k: x[k].data) == y for x, y in pairs)
    assert best["accuracy"] == accuracy(model, XS, CLASSES) == right / len(pairs)
    matrix = confusion_matrix(model, XS, CLASSES)
    assert matrix == history.confusion
    assert sum(map(sum, matrix)) == len(pairs)
    assert sum(matrix[k][k] for k in range(3)) == right


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_sequences_train_as_padded_ones_whose_rest_is_ignored(backend):
    """The meaning that PyTorch gives to a padded batch."""
    loss = partial(nn.cross_entropy, ignore_index=-100)
    padded = [x + [0] * (4 - len(x)) for x in XS], [y + [-100] * (4 - len(y)) for y in CLASSES]
    for how in ({}, {"sample_weight": [1 + i % 3 for i in range(len(XS))]}):
        wanted, one = train(loss, padded[1], padded[0], backend=backend, **how)
        found, two = train("cross_entropy", CLASSES, backend=backend, **how)
        np.testing.assert_allclose(numbers(found), numbers(wanted), rtol=1e-10, atol=1e-14)
        assert one.log[-1] == pytest.approx(two.log[-1], rel=1e-11)


def test_sequences_of_one_length_need_no_weights():
    xs, ys = [x for x in XS if len(x) == 3], [y for y in CLASSES if len(y) == 3]
    results = [train("cross_entropy", ys, xs, backend=b) for b in ("eager", "native")]
    assert results[0][1].log[-1] == pytest.approx(results[1][1].log[-1], rel=1e-11)
    pairs = places(map(results[0][0], xs), ys)
    wanted = nn.cross_entropy(*zip(*pairs, strict=True)).data
    assert results[0][1].loss[results[0][1].best_epoch] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("times", [1, 12])
def test_predictions_are_lists_as_the_model_gives_them(outputs, times):
    model = Tagger(outputs)
    wanted = [[y.data if outputs == 1 else [z.data for z in y] for y in model(x)] for x in XS]
    for got, row in zip(predict(model, XS * times), wanted * times, strict=True):
        np.testing.assert_allclose(got, row, rtol=1e-12)


def test_accuracy_and_r2_of_single_outputs_are_of_places():
    model = train("mse", ANSWERS, outputs=1)[0]
    found = [y for row in predict(model, XS) for y in row]
    wanted = [y for row in ANSWERS for y in row]
    right = [(x > 0) == y for x, y in zip(found, wanted, strict=True)]
    assert accuracy(model, XS, ANSWERS) == sum(right) / len(right)
    mean = math.fsum(wanted) / len(wanted)
    missed = math.fsum((x - y) ** 2 for x, y in zip(found, wanted, strict=True))
    spread = math.fsum((y - mean) ** 2 for y in wanted)
    assert r2_score(model, XS, ANSWERS) == pytest.approx(1 - missed / spread, rel=1e-12)


def _with(i, target):
    return [*CLASSES[:i], target, *CLASSES[i + 1 :]]


@pytest.mark.parametrize("backend", ["eager", "native"])
@pytest.mark.parametrize(
    ("ys", "message"),
    [
        (_with(7, [0] * 9), r"row 7: .* \d \w+ and 9 targets; give one"),
        (_with(7, [3] * len(XS[7])), "row 7.*cross_entropy takes a class from 0 to 2 for 3 logits"),
        (_with(7, ["a"] * len(XS[7])), "row 7: the target's column 0 is str 'a'; write it as a"),
        (_with(7, 1), "row 7: the target has length none"),
    ],
)
def test_an_error_names_the_row(backend, ys, message):
    before = numbers(Tagger())
    model = Tagger()
    with pytest.raises((ValueError, TypeError), match=message):
        fit(model, XS, ys, loss="cross_entropy", seed=1, progress=False, backend=backend)
    assert numbers(model) == before


def test_class_weights_are_refused():
    with pytest.raises(ValueError, match="class_weights needs targets that are numbers of classes"):
        train("cross_entropy", CLASSES, class_weights="balanced")


def test_a_training_goes_on_to_the_same_bits(tmp_path):
    wanted = numbers(train(means, CLASSES)[0])
    how = {"checkpoint": tmp_path / "a", "resume": True}
    train(means, CLASSES, epochs=1, **how)
    assert numbers(train(means, CLASSES, **how)[0]) == wanted
