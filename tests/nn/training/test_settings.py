"""Every setting of fit does the same on Values, natively, with workers, and after a break."""

import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

import nn
from nn import MLP, SGD, Adam, AdamW, RMSprop, fit
from nn.evaluation.samples import pair_up
from nn.training.data import Data

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")

BACKENDS = ["eager", "native"]
_draw = random.Random(4).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(24)]
YS = [int(a + b / 2 > 0.3) for a, b in XS]
WEIGHTS = [0.0, 2.0, 0.5, 1.0] * 6
HOW = {"loss": "binary_cross_entropy", "batch_size": 5, "seed": 5, "epochs": 8, "progress": False}


def numbers(model):
    return [p.data for p in model.parameters()]


def net(seed=1):
    return MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=seed)


def run(model=None, xs=XS, ys=YS, make=None, **how):
    """A training: the last numbers and the history. `make` is given the model."""
    model = model or net()
    if make is not None:
        how["optimizer"] = make(model)
    history = fit(model, xs, ys, **{**HOW, **how})
    return numbers(model), history


def frozen(model):
    model.layers[0].requires_grad_(False)
    return "adam"


def grouped(model):
    first, second = model.layers
    groups = [
        {"params": first.parameters(), "lr": 0.001},
        {"params": second.parameters()},
    ]
    return Adam(groups, lr=0.05)


class Halving:
    """A callback that halves the rate after the third epoch."""

    def __init__(self, make):
        self.make, self.rates = make, []

    def __call__(self, model):
        self.optimizer = self.make(model)
        return self.optimizer

    def after(self, history):
        self.rates.append(self.optimizer.lr)
        if history.epochs == 3:
            self.optimizer.lr *= 0.5


def halved():
    halving = Halving(grouped)
    return {"make": halving, "callbacks": halving.after, "schedule": nn.exponential_decay(0.9)}


def moved():
    held = []

    def make(model):
        held[:] = [model]
        return Adam(model.parameters(), lr=0.02, amsgrad=True)

    def move(history):
        if history.epochs == 3:
            for parameter in held[0].parameters():
                parameter.data *= 0.5

    return {"make": make, "callbacks": move}


SETTINGS = {
    "lr": lambda: {"lr": 0.003},
    "frozen": lambda: {"make": frozen},
    "grouped": lambda: {"make": grouped, "schedule": nn.cosine(8)},
    "halved": halved,
    "moved": moved,
    "weighed": lambda: {"sample_weight": WEIGHTS, "validation": 0.25},
    "both-weights": lambda: {"sample_weight": WEIGHTS, "class_weights": [1, 3]},
}
every = pytest.mark.parametrize("name", SETTINGS)


@every
def test_it_changes_the_training_and_natively_to_the_last_digits(name):
    (eager, one), (native, two) = [run(**SETTINGS[name](), backend=b) for b in BACKENDS]
    assert native == pytest.approx(eager, rel=1e-9)
    assert two.loss == pytest.approx(one.loss, rel=1e-9)
    assert (one.best_epoch, one.stopped) == (two.best_epoch, two.stopped)
    assert eager != run(backend="eager")[0]


@every
def test_workers_give_the_same_bits(name, monkeypatch):
    monkeypatch.setattr("nn.training.shards.GRAIN", 1)  # so that there are shards
    monkeypatch.setattr("nn.training.shards.PER_TOTAL", 1)
    with ThreadPoolExecutor(2) as executor:
        assert run(**SETTINGS[name](), executor=executor) == run(**SETTINGS[name]())


@every
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("broken", [1, 3, 5])
def test_in_two_parts_it_is_the_same(name, backend, broken, tmp_path):
    file = {"backend": backend, "checkpoint": tmp_path / "a", "resume": True}
    run(**SETTINGS[name](), **file, epochs=broken)
    assert run(net(2), **SETTINGS[name](), **file) == run(**SETTINGS[name](), backend=backend)


# --- the rate


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rate_that_a_callback_assigns_holds(backend):
    halving = Halving(lambda model: SGD(model.parameters(), lr=0.5))
    run(make=halving, callbacks=halving.after, backend=backend)
    assert halving.rates == [0.5] * 3 + [0.25] * 5
    assert halving.optimizer.lr == 0.25


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_schedule_goes_on_from_a_rate_that_a_callback_assigns(backend):
    halving = Halving(lambda model: SGD(model.parameters(), lr=0.5))
    how = {"callbacks": halving.after, "schedule": nn.step_decay(2, 0.5), "backend": backend}
    run(make=halving, **how)
    assert halving.rates == [0.5, 0.5, 0.25, 0.125 / 1, 0.0625, 0.0625, 0.03125, 0.03125]
    assert halving.optimizer.lr == 0.25


def test_a_rate_after_one_of_zero():
    rates = []

    def restart(history):
        rates.append(optimizer.lr)
        optimizer.lr = 0.125

    model = net()
    optimizer = SGD(model.parameters(), lr=0.5)
    schedule = [1.0, 0.0, 0.5, 1.0].__getitem__
    run(model, optimizer=optimizer, callbacks=restart, schedule=schedule, epochs=4)
    assert rates == [0.5, 0.0, 0.0625, 0.25]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rate", [-0.1, math.nan, "fast"])
def test_a_rate_that_is_none_is_refused(backend, rate):
    model = net()
    optimizer = SGD(model.parameters(), lr=0.5)
    with pytest.raises(ValueError, match="SGD takes a finite lr >= 0, got"):
        run(
            model,
            optimizer=optimizer,
            callbacks=lambda h: setattr(optimizer, "lr", rate),
            backend=backend,
        )
    assert optimizer.lr == 0.5


def test_lr_is_that_of_the_optimizer():
    assert run(lr=0.003) == run(make=lambda model: Adam(model.parameters(), lr=0.003))
    model = net()
    optimizer = SGD(model.parameters(), lr=7.0)
    assert run(model, optimizer=optimizer, lr=0.1)[0] == run(optimizer="sgd")[0]
    assert optimizer.lr == 0.1
    with pytest.raises(ValueError, match=r"fit takes a finite lr >= 0, got -1"):
        run(lr=-1)


# --- what a callback changes


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_that_a_callback_changes_are_those_that_learn_on(backend):
    model, after = net(), []

    def reset(history):
        after.append(numbers(model))
        for parameter, number in zip(model.parameters(), numbers(net(3)), strict=True):
            parameter.data = number

    still = {"optimizer": "sgd", "lr": 0.0, "backend": backend, "callbacks": reset}
    found, history = run(model, **still, epochs=3)
    assert after == [numbers(net(1)), numbers(net(3)), numbers(net(3))]
    assert len(set(history.loss)) == 2
    assert found == after[history.best_epoch]  # of the best epoch, as it was measured


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
        ValueError, match=r"got no parameters; does the model hold Values, not all frozen\?"
    ):
        run(model)
    model.layers[1].requires_grad_(True)
    assert model.trainable_parameters() == model.layers[1].parameters()
    assert model.requires_grad_(True).trainable_parameters() == model.parameters()


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
    data.weigh({0: 1.0, 1: 3.0}, WEIGHTS)
    data.split(random.Random(1))
    assert sorted([*data.rows.xs, *data.validation.xs]) == list(range(24))
    for rows in data.tables:
        assert rows.weights == [WEIGHTS[i] * (1 + 2 * YS[i]) for i in rows.xs]


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
        ([math.nan] + [1.0] * 23, "got nan"),
        (["much"] + [1.0] * 23, "got nan"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        run(sample_weight=weights)


def test_a_loss_of_ones_own_takes_no_weights():
    def own(outputs, targets):
        return nn.mse_loss(outputs, targets)

    with pytest.raises(ValueError, match="is for losses by name, got own; leave it out, or weigh"):
        run(loss=own, sample_weight=WEIGHTS)
