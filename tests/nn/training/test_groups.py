"""Groups of parameters, frozen ones, and the weights of rows."""

import copy
import math
import random

import pytest

import nn
from nn import SGD, Adam, AdamW, RMSprop
from nn.evaluation.samples import pair_up
from nn.training.data import Data
from tests.nn.training.setup import BACKENDS, WEIGHTS, XS, YS, frozen, net, numbers, own, run

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")


# --- groups and frozen parameters


MAKERS = {
    "sgd": lambda ps, lr: SGD(ps, lr=lr, momentum=0.9, weight_decay=0.1),
    "adam": lambda ps, lr: Adam(ps, lr=lr),
    "adamw": lambda ps, lr: AdamW(ps, lr=lr),
    "rmsprop": lambda ps, lr: RMSprop(ps, lr=lr, centered=True),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_groups_step_as_optimizers_of_their_own(make):
    one, two = net(), net()
    groups = [
        {"params": one.layers[0].parameters(), "lr": 0.25},
        {"params": one.layers[1].parameters()},
    ]
    whole = make(groups, 0.125)
    apart = [make(two.layers[0].parameters(), 0.25), make(two.layers[1].parameters(), 0.125)]
    for x, y in zip(XS, YS, strict=True):
        for model, optimizers in ((one, [whole]), (two, apart)):
            model.zero_grad()
            nn.mse_loss(model(x), y).backward()
            for optimizer in optimizers:
                optimizer.step()
    assert numbers(one) == numbers(two)
    assert whole.lr == 0.125


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_group_of_rate_zero_stays(backend):
    model = net()
    first, second = [layer.parameters() for layer in model.layers]
    before = [p.data for p in first], [p.data for p in second]
    groups = [{"params": first, "lr": 0.0}, {"params": second}]
    run(model, optimizer=SGD(groups, lr=0.1), backend=backend)
    assert [p.data for p in first] == before[0]
    assert [p.data for p in second] != before[1]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            [{"params": net().parameters(), "weight_decay": 0.1}],
            r"got \['params', 'weight_decay'\] and lr=0.1",
        ),
        ([{"lr": 0.1}], r"groups as dictionaries of params and, .* lr, got \['lr'\] and"),
        ([*net().layers[0].parameters(), {"params": net().parameters()}], "got Value and"),
        ([{"params": net().parameters(), "lr": -1}], "SGD takes a finite lr >= 0, got -1"),
        ([{"params": []}], "SGD got no parameters"),
        ([{"params": net().parameters()[0]}], "takes a list of parameters, got Value"),
    ],
)
def test_groups_that_are_none_are_refused(groups, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SGD(groups, lr=0.1)


def test_rates_of_groups_are_multiples_of_one_that_is_not_zero():
    with pytest.raises(ValueError, match=r"got \['params', 'lr'\] and lr=0.0 for all; .* lr > 0"):
        SGD([{"params": net().parameters(), "lr": 0.1}], lr=0.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_parameters_stay_and_the_others_learn_as_if_alone(backend):
    found, _ = run(make=frozen, backend=backend)
    count = len(net().layers[0].parameters())
    assert found[:count] == numbers(net())[:count]
    alone, _ = run(make=lambda m: Adam(m.layers[1].parameters(), lr=0.01), backend=backend)
    assert found == alone


def test_what_is_frozen_can_learn_again():
    model = net().requires_grad_(False)
    assert model.trainable_parameters() == []
    with pytest.raises(
        ValueError, match="got no parameters; keep Values, not all frozen, in an attribute of a"
    ):
        run(model)
    model.layers[1].requires_grad_(True)
    assert model.trainable_parameters() == model.layers[1].parameters()
    assert model.requires_grad_(True).trainable_parameters() == model.parameters()


def test_to_set_requires_grad_freezes_what_is_inside_too():
    model = net()
    model.layers[0].requires_grad = False
    assert model.trainable_parameters() == model.layers[1].parameters()
    assert copy.deepcopy(model).layers[0].requires_grad is False
    model.requires_grad = True
    assert model.trainable_parameters() == model.parameters()


def test_an_optimizer_of_frozen_parameters_is_refused():
    model = net()
    model.layers[0].requires_grad_(False)
    with pytest.raises(ValueError, match="has parameters that are frozen, 9 of them; build it"):
        run(model, optimizer=Adam(model.parameters()))


# --- weights


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_a_weight_of_two_is_the_row_twice_and_one_of_zero_is_no_row(backend, loss):
    counts = [0, 2, 1, 3] * 6
    often = [i for i, count in enumerate(counts) for _ in range(count)]
    how = {"loss": loss, "batch_size": None, "backend": backend}
    weighed, one = run(**how, sample_weight=counts)
    repeated, two = run(None, [XS[i] for i in often], [YS[i] for i in often], **how)
    assert weighed == pytest.approx(repeated, rel=1e-10)
    assert one.loss == pytest.approx(two.loss, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_rows_and_classes_are_multiplied(backend):
    rows = [(1 + 2 * y) * w for y, w in zip(YS, WEIGHTS, strict=True)]
    both = run(backend=backend, sample_weight=iter(WEIGHTS), class_weights={0: 1, 1: 3})
    assert both == run(backend=backend, sample_weight=rows)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_batch_whose_rows_all_weigh_nothing_teaches_nothing(backend):
    how = {"backend": backend, "lr": 0.1, "optimizer": "sgd", "epochs": 1}
    found, history = run(**how, batch_size=1, sample_weight=[1] + [0] * 23)
    alone, _ = run(None, XS[:1], YS[:1], **how)
    assert found == pytest.approx(alone, rel=1e-12)
    assert math.isfinite(history.loss[0])


def test_rows_that_are_held_out_take_their_weights_along():
    data = Data(pair_up("test", range(24), YS), 0.5)
    data.weigh(nn.binary_cross_entropy, {0: 1.0, 1: 3.0}, WEIGHTS)
    data.split(random.Random(1))
    assert sorted([*data.rows.xs, *data.validation.xs]) == list(range(24))
    for rows in data.tables:
        weights = [rows.weights[i] for i in rows.numbers]
        assert weights == [WEIGHTS[i] * (1 + 2 * YS[i]) for i in rows.xs]


@pytest.mark.parametrize("backend", BACKENDS)
def test_losses_are_weighted_and_rows_of_a_pair_count_as_usual(backend):
    how = {"validation": (XS[:12], YS[:12]), "sample_weight": WEIGHTS, "lr": 0.0, "epochs": 1}
    _, history = run(backend=backend, **how)
    model = net()
    losses = [nn.binary_cross_entropy(model(x), y).data for x, y in zip(XS, YS, strict=True)]
    whole = math.fsum(w * loss for w, loss in zip(WEIGHTS, losses, strict=True))
    assert history.val_loss[0] == pytest.approx(math.fsum(losses[:12]) / 12, rel=1e-12)
    assert history.loss[0] == pytest.approx(whole / sum(WEIGHTS), rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0] * 23, "each of the 24 rows, not all of them 0, got 23 with the sum 23"),
        ([0.0] * 24, "not all of them 0, got 24 with the sum 0"),
        ([-1.0] + [1.0] * 23, "finite number >= 0 for each of the 24 rows, .* got -1.0"),
        ([1.0] * 9 + [math.nan] + [1.0] * 14, "got nan in row 9; give 1"),
        (["much"] + [1.0] * 23, "got nan"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        run(sample_weight=weights)


def test_weights_without_an_order_are_refused():
    with pytest.raises(TypeError, match="the weights are a set, which has no order"):
        run(sample_weight={*WEIGHTS})


def test_a_loss_of_ones_own_takes_no_weights():
    with pytest.raises(ValueError, match="is for losses by name, got own; leave it out, or weigh"):
        run(loss=own, sample_weight=WEIGHTS)
