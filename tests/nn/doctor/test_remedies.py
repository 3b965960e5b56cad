"""What remedies change, counted here in another way: scales, first weights, widths and classes."""

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nn import MLP, SGD, Adam, Dropout, Layer, Module, Sequential, losses
from nn.doctor import changes
from nn.doctor.table import remedy, suspect
from nn.doctor.trials import Training
from nn.models.activations import bound


def training(model: Any = None, **how: Any) -> Training:
    """A copy of a training with this model."""
    model = model or MLP(2, [3, 4, 1], "tanh", rng=9)
    for i, p in enumerate(model.parameters()):
        p.data += i / 64
    given: dict[str, Any] = {"xs": [], "ys": [], "loss": losses.mse_loss, "epochs": 3}
    given |= {"settings": {}, "learned": [0, 1], "held": [2], "native": False}
    return Training(model, **given | {"optimizer": Adam(model.parameters(), lr=0.5)} | how)


def weights(model: Any) -> list[float]:
    return [p.data for p in model.parameters()]


# --- scales --------------------------------------------------------------------------------------
@pytest.mark.parametrize("learned", [[0, 1, 2, 3], [1, 3], [0, 2, 5, 6], [4]])
def test_columns_are_scaled_by_the_rows_to_learn_from(learned: list[int]) -> None:
    rng = random.Random(11)
    xs = [[rng.gauss(5.0, 2.0), 7.0, i * i / 2] for i in range(7)]
    array = np.array(xs)
    mean, wide = array[learned].mean(axis=0), array[learned].std(axis=0)
    expected = (array - mean) / np.where(wide > 1e-9, wide, 1.0)
    for given in (xs, array, [tuple(x) for x in xs]):
        made = training(xs=given, ys=[0] * 7, learned=learned)
        changes.standard_inputs(made)
        assert np.array(made.xs) == pytest.approx(expected)
        assert isinstance(made.xs[0], list)
        assert made.ys == [0] * 7


def test_samples_of_one_number_become_rows_of_one() -> None:
    made = training(xs=[1.0, 3.0, 9.0])
    changes.standard_inputs(made)
    assert made.xs == [[-1.0], [1.0], [7.0]]


@pytest.mark.parametrize(
    ("ys", "scaled"),
    [
        ([1.0, 3.0, 9.0], [-1.0, 1.0, 7.0]),
        ([[1.0], [3.0], [9.0]], [[-1.0], [1.0], [7.0]]),
        ([(1.0, 5.0), (3.0, 5.0), (9.0, 6.0)], [[-1.0, 0.0], [1.0, 0.0], [7.0, 1.0]]),
        (np.array([1.0, 3.0, 9.0]), [-1.0, 1.0, 7.0]),
        ([4, 4, 5], [0.0, 0.0, 1.0]),
    ],
)
def test_targets_are_scaled_and_stay_numbers_or_lists(ys: Any, scaled: Any) -> None:
    made = training(ys=ys)
    changes.standard_targets(made)
    assert made.ys == scaled


# --- first weights -------------------------------------------------------------------------------
def redrawn(model: Any) -> list[float]:
    """The first weights that the library would draw, in the order of the parameters."""
    rng, found = random.Random(1), list[float]()
    for layer in model.layers:
        if isinstance(layer, Layer):
            width = bound(layer.activation, None, layer.n_in, len(layer.neurons))
            for _ in layer.neurons:
                found += [*[rng.uniform(-width, width) for _ in range(layer.n_in)], 0.0]
    return found


@pytest.mark.parametrize("kind", ["relu", "tanh", "linear"])
def test_new_weights_are_drawn_as_new_layers_draw_them(kind: Any) -> None:
    model = Sequential(Layer(5, 4, kind, 3), Dropout(0.5, 1), Layer(4, 7, "relu", 4), Layer(7, 1))
    made = training(model)
    assert weights(model) != redrawn(model)
    changes.fresh(made)
    assert weights(model) == redrawn(model)


@pytest.mark.parametrize(
    ("hidden", "kinds"),
    [(True, ["relu", "relu", "linear"]), (False, ["tanh", "tanh", "relu"])],
)
def test_activations_are_changed_of_hidden_layers_or_of_the_last(
    hidden: bool, kinds: list[str]
) -> None:
    made = training()
    before = weights(made.model)
    changes.activation("relu", hidden, made)
    layers: Any = made.model.modules()
    found = [layer for layer in layers if isinstance(layer, Layer)]
    assert [layer.activation for layer in found] == kinds
    for layer, kind in zip(found, kinds, strict=True):
        assert {neuron.activation for neuron in layer.neurons} == {kind}
    assert vars(made.model)["output"] == kinds[-1]
    assert weights(made.model) == (redrawn(made.model) if hidden else before)


def test_the_last_activation_is_changed_in_any_model() -> None:
    class Own(Module[Any]):
        """A model that is no row of layers."""

        def __init__(self) -> None:
            self.one, self.two = Layer(2, 2, "tanh", 1), Layer(2, 1, "tanh", 2)

    own = Own()
    changes.activation("linear", False, training(own))
    assert (own.one.activation, own.two.activation) == ("tanh", "linear")
    assert "output" not in vars(own)


# --- widths --------------------------------------------------------------------------------------
@pytest.mark.parametrize("least", [1, 3, 4, 16])
@pytest.mark.parametrize("widths", [[1], [2, 1], [3, 4, 2], [5, 3, 1]])
def test_hidden_layers_get_wider_and_the_last_one_does_not(least: int, widths: list[int]) -> None:
    layers: list[Any] = [*MLP(6, widths, "tanh", rng=4).layers]
    layers.insert(1, Dropout(0.5, 1))
    made = training(Sequential(*layers))
    changes.wider(least, made)
    rng, before = random.Random(1), 6
    wanted = [max(width, least) for width in widths[:-1]] + widths[-1:]
    for layer, width, old in zip(
        [x for x in vars(made.model)["layers"] if isinstance(x, Layer)],
        wanted,
        [x for x in layers if isinstance(x, Layer)],
        strict=True,
    ):
        expected = Layer(before, width, old.activation, rng)
        assert repr(layer) == repr(expected)
        assert weights(layer) == weights(expected)
        before = width
    assert vars(made.model)["layers"][1] is layers[1]
    assert made.optimizer.params == made.model.parameters()
    assert [*made.optimizer.memory] == [()] * len(made.model.parameters())


def test_a_layer_is_replaced_where_it_stands() -> None:
    made = training()
    layers = [*vars(made.model)["layers"]]
    changes.replaced(made, layers[1], 6)
    now = vars(made.model)["layers"]
    assert (now[0], now[2]) == (layers[0], layers[2])
    assert repr(now[1]) == "Layer(3, 6, activation='linear')"
    assert weights(now[1]) == weights(Layer(3, 6, "linear", 1))
    assert made.optimizer.params == made.model.parameters()


# --- losses --------------------------------------------------------------------------------------
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("classes", [[0, 1], [1.0, 3.0], [2.0, 5.0, 9.0], [0, 1, 2, 3]])
def test_classes_are_counted_from_0_with_an_output_for_each(
    outputs: int, classes: list[float]
) -> None:
    ys = [classes[-1 - i % len(classes)] for i in range(60)]
    made = training(MLP(2, [3, outputs], "tanh", output="tanh", rng=2), ys=ys)
    before = vars(made.model)["layers"][-1]
    changes.classify(made)
    last = vars(made.model)["layers"][-1]
    two = len(classes) == 2 and outputs == 1
    assert made.ys == [classes.index(y) for y in ys]
    assert made.classes == [*range(len(classes))]
    name = "binary_cross_entropy_with_logits" if two else "cross_entropy"
    assert made.loss is losses.LOSSES[name]
    assert len(last.neurons) == (1 if two else len(classes))
    assert (last is before) == (two or outputs == len(classes))
    assert last.activation == vars(made.model)["output"] == "linear"
    assert made.optimizer.params == made.model.parameters()


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_numbers_have_one_linear_output_and_scaled_targets(outputs: int) -> None:
    ys = [1.0, 3.0, 9.0]
    made = training(MLP(2, [3, outputs], "tanh", output="tanh", rng=2), ys=ys)
    before = vars(made.model)["layers"][-1]
    changes.regress(made)
    last = vars(made.model)["layers"][-1]
    assert repr(last) == "Layer(3, 1, activation='linear')"
    assert (last is before) == (outputs == 1)
    assert made.ys == [-1.0, 1.0, 7.0]
    assert made.loss is losses.mse_loss
    assert made.classes == []


def test_the_last_layer_is_that_of_the_whole_model() -> None:
    layers = Layer(2, 3, "tanh", 1), Dropout(0.5, 1), Layer(3, 3, "tanh", 1), Dropout(0.5, 1)
    made = training(Sequential(*layers), ys=[0, 1] * 9)
    changes.classify(made)
    first, _, last, _ = vars(made.model)["layers"]
    assert (len(first.neurons), len(last.neurons)) == (3, 2)
    assert (first.activation, last.activation) == ("tanh", "linear")


@pytest.mark.parametrize("many", [1, 2, 7])
def test_the_mean_of_rows_is_their_sum_divided_by_how_many_there_are(many: int) -> None:
    made = training(loss=lambda outputs, targets: sum(outputs) * 3.0 + sum(targets))
    changes.mean_of_rows(made)
    outputs, targets = [float(i) for i in range(many)], [0.5] * many
    assert made.loss(outputs, targets) == (sum(outputs) * 3.0 + sum(targets)) / many


# --- steps ---------------------------------------------------------------------------------------
def test_settings_are_changed_and_others_kept() -> None:
    made = training(settings={"clip": 1.0, "batch_size": 4})
    changes.setting("clip", None, made)
    changes.of_optimizer("weight_decay", 0.25, made)
    changes.more_epochs(10, made)
    changes.rate(0.5, made)
    assert made.settings == {"clip": None, "batch_size": 4}
    assert vars(made.optimizer)["weight_decay"] == 0.25
    assert (made.epochs, made.optimizer.lr) == (30, 0.25)


def test_two_changes_are_made_in_their_order() -> None:
    made = training()
    changes.both(lambda t: changes.rate(0.5, t), lambda t: changes.of_optimizer("lr", 7.0, t), made)
    assert made.optimizer.lr == 7.0


def test_all_parameters_learn_in_one_group() -> None:
    model = MLP(2, [3, 1], rng=1)
    groups = [{"params": layer.parameters(), "lr": 0.1} for layer in model.layers]
    made = training(model, optimizer=SGD(groups, lr=0.1))
    model.layers[0].requires_grad_(False)
    changes.learn(made)
    assert made.optimizer.groups == ()
    assert not model.layers[0].requires_grad
    made.optimizer.params = []
    changes.learn_all(made)
    assert made.optimizer.params == model.parameters()
    assert model.layers[0].requires_grad


def test_every_dropout_is_changed() -> None:
    model = Sequential(Dropout(0.9, 1), Layer(2, 1, "linear", 1), Dropout(0.8, 1))
    changes.dropout(0.25, training(model))
    drops = model.layers[::2]
    assert [vars(drop)["p"] for drop in drops] == [0.25, 0.25]


# --- the table -----------------------------------------------------------------------------------
def test_a_remedy_is_a_change_with_what_that_is_given() -> None:
    given: list[Any] = []
    made: Any = remedy("do it", lambda *args: given.append(args), 1, "two")
    made.change(SimpleNamespace(name="training"))
    assert given == [(1, "two", SimpleNamespace(name="training"))]
    assert (made.do, made.short) == ("do it", "do it")
    assert remedy("do it", print, short="it").short == "it"
    found = suspect("title", "seen", 0.25, None, made, do="do", certain=True)
    assert found.remedies == (made,)
    assert found.certain
    cause = found.cause
    assert (cause.name, cause.title, cause.seen, cause.do) == ("", "title", "seen", "do")
    assert (cause.weight, cause.place) == (0.25, None)
    assert not suspect("title", "seen", 0.25, None).certain
