"""What the stories share does what it says."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from demos._common import Data, hardest, inputs, last_layer, misses, probabilities, scaling
from demos.spiral import arms
from demos.xor import clouds


def data(sizes: list[int]) -> Data:
    ys = [kind for kind, size in enumerate(sizes) for _ in range(size)]
    xs = [[float(i), float(y)] for i, y in enumerate(ys)]
    return Data(xs, ys, ["number", "kind (cm)"], [f"class {kind}" for kind in range(len(sizes))])


@given(st.lists(st.integers(4, 30), min_size=1, max_size=4), st.integers())
def test_a_split_shares_out_every_sample_once_and_each_class_evenly(
    sizes: list[int], seed: int
) -> None:
    whole = data(sizes)
    train, test = whole.split(seed)
    assert sorted(train.xs + test.xs) == whole.xs
    assert all(x[1] == y for part in (train, test) for x, y in zip(part.xs, part.ys, strict=True))
    for kind, size in enumerate(sizes):
        assert test.ys.count(kind) == round(0.3 * size)
    assert whole.split(seed) == (train, test)


def test_scaling_gives_the_training_columns_mean_0_and_spread_1_and_keeps_constant_ones() -> None:
    rng = random.Random(1)
    train = Data([[rng.gauss(5, 3), 7.0] for _ in range(50)], [0] * 50, ["a", "b"], ["only"])
    columns = list(zip(*train.map(scaling(train)).xs, strict=True))
    assert sum(columns[0]) == pytest.approx(0, abs=1e-12)
    assert sum(x * x for x in columns[0]) == pytest.approx(50)
    assert set(columns[1]) == {0.0}


@pytest.mark.parametrize("outputs", [1, 3])
def test_probabilities_add_up_and_follow_the_scores(outputs: int) -> None:
    model = nn.MLP(2, [4, outputs], activation="tanh", rng=1)
    p = probabilities(model, [[0.3, -2.0]])[0].tolist()
    scores = nn.predict(model, [[0.3, -2.0]])[0]
    assert sum(p) == pytest.approx(1)
    if outputs == 1:
        assert (p[1] > 0.5) == (scores > 0)
    else:
        assert p.index(max(p)) == scores.index(max(scores))


def test_misses_and_the_hardest_sample_agree_with_the_accuracy() -> None:
    points = clouds(1)
    model = nn.MLP(2, [1], rng=1)
    wrong = misses(model, points)
    assert 1 - sum(wrong) / len(wrong) == pytest.approx(nn.accuracy(model, points.xs, points.ys))
    assert wrong[hardest(model, points)]


def test_the_last_layer_alone_gives_what_the_model_gives() -> None:
    model = nn.MLP(2, [4, 4, 3], activation="tanh", rng=1)
    scores = last_layer(model, [0.5, 1.0])
    assert isinstance(scores, list)
    assert [score.data for score in scores] == nn.predict(model, [[0.5, 1.0]])[0]
    assert {p.label for p in scores[0].parents} == {
        *(f"hidden {i}" for i in range(4)),
        *(p.label for p in model.layers[-1].neurons[0].parameters()),
    }


def test_inputs_carry_the_names_of_the_features_without_the_unit() -> None:
    assert [(x.data, x.label) for x in inputs(data([2]), 1)] == [(1.0, "number"), (0.0, "kind")]


@pytest.mark.parametrize("make", [clouds, arms])
def test_made_up_data_follow_their_seed_and_have_classes_of_one_size(
    make: Callable[[int], Data],
) -> None:
    points = make(5)
    assert points == make(5) != make(6)
    assert len({points.ys.count(kind) for kind in set(points.ys)}) == 1
    assert set(points.ys) == set(range(len(points.classes)))
