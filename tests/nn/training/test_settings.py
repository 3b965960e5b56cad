"""Every setting of fit does the same on Values, natively, with workers, and after a break."""

import math
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nn
from nn import MLP, SGD, Adam, AdamW, RMSprop, fit
from nn.checkpoint.model import unpack
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


plateau = nn.ReduceLROnPlateau(factor=0.5, patience=2)
SETTINGS = {
    "lr": lambda: {"lr": 0.003},
    "frozen": lambda: {"make": frozen},
    "grouped": lambda: {"make": grouped, "schedule": nn.cosine(8)},
    "halved": halved,
    "moved": moved,
    "weighed": lambda: {"sample_weight": WEIGHTS, "validation": 0.25},
    "stratified": lambda: {"validation": 0.25, "loss": "binary_cross_entropy"},
    "monitor": lambda: {"monitor": "val_accuracy", "validation": 0.25, "patience": 3, "lr": 0.2},
    "plateau": lambda: {"schedule": plateau, "min_delta": 0.05, "lr": 0.05},
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
        ValueError, match="got no parameters; keep Values, not all frozen, in an attribute of a"
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


# --- which epoch is the best


def spread(outputs, targets):
    """A metric of one's own."""
    return max(outputs) - min(outputs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("monitor", "mode", "best"),
    [
        ("val_accuracy", None, max),
        ("accuracy", None, max),
        ("r2", None, max),
        ("val_r2", "max", max),
        ("loss", None, min),
        ("val_loss", None, min),
        ("val_spread", "max", max),
        ("spread", "min", min),
        ("objective", None, min),
    ],
)
def test_the_first_best_epoch_by_what_is_monitored_is_kept(backend, monitor, mode, best):
    model, after = net(), []
    how = {"metrics": ["r2", spread], "validation": (XS[:8], YS[:8]), "lr": 0.3, "patience": None}
    how |= {"callbacks": lambda h: after.append(numbers(model)), "backend": backend, "epochs": 12}
    found, history = run(model, monitor=monitor, mode=mode, **how)
    column = history.column(monitor)
    assert history.watched == column
    assert history.best_epoch == column.index(best(column))
    assert history.best_loss == history.val_loss[history.best_epoch]
    assert found == after[history.best_epoch]
    assert len(set(column)) > 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_objective_is_the_loss_with_what_weight_decay_adds(backend):
    decayed = {"make": lambda model: Adam(model.parameters(), weight_decay=0.1)}
    found, history = run(monitor="objective", epochs=1, backend=backend, **decayed)
    added = 0.05 * sum(x * x for x in found)
    assert history.watched == [pytest.approx(history.loss[0] + added)]


def test_patience_counts_by_what_is_monitored():
    shares = iter([0.3, 0.5, 0.5, 0.4, 0.6, 0.6, 0.6, 0.6, 0.9])

    def share(outputs, targets):
        return next(shares)

    _, history = run(metrics=share, monitor="share", mode="max", patience=3, epochs=20)
    assert (history.epochs, history.best_epoch, history.stopped) == (8, 4, "patience")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"monitor": "val_acuracy"}, "unknown monitor 'val_acuracy', did you mean 'accuracy'"),
        ({"monitor": "val_loss"}, "unknown monitor 'val_loss', did you mean 'loss'"),
        ({"monitor": 3}, "unknown monitor 3; known: loss, accuracy"),
        (
            {"monitor": "spread", "metrics": spread},
            "unknown mode for the monitor 'spread', None; known: min, max",
        ),
        ({"mode": "lower"}, "unknown mode for the monitor 'loss', 'lower'; known: min, max"),
    ],
)
def test_what_cannot_be_monitored_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        run(**how)


# --- by how much a loss has to fall


def own(outputs, targets):
    """The loss of somebody who writes it as a function of a batch."""
    return nn.mse_loss(outputs, targets)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(("loss", "backend"), [("mse", "eager"), ("mse", "native"), (own, "eager")])
def test_small_targets_are_learnt_as_if_there_were_no_patience(loss, backend, outputs):
    xs = [[x / 20] for x in range(-20, 21)]
    ys = [0.01 * x - 0.0015 for (x,) in xs]
    ys = ys if outputs == 1 else [[y, -y] for y in ys]
    model, patient = [MLP(1, [8, outputs], activation="tanh", rng=1) for _ in range(2)]
    how = {"loss": loss, "lr": 0.01, "epochs": 400, "progress": False, "backend": backend}
    history = fit(model, xs, ys, seed=1, **how)
    assert history.stopped == "epochs"
    assert fit(patient, xs, ys, seed=1, patience=None, **how).loss == history.loss
    assert nn.r2_score(model, xs, ys) > 0.8


@pytest.mark.parametrize("scale", [0.01, 0.3])
def test_min_delta_is_a_share_of_a_variance_below_one(scale):
    ys = [scale * a for a, _ in XS]
    variance = math.fsum(y * y for y in ys) / 24 - (math.fsum(ys) / 24) ** 2
    how = {"loss": "mse", "optimizer": "sgd", "lr": 1e-3, "epochs": 30}
    falls = run(net(), XS, ys, **how, patience=None)[1].loss
    share = (falls[0] - falls[1]) / variance
    assert run(net(), XS, ys, **how, patience=1, min_delta=share * 1.001)[1].epochs == 2
    assert run(net(), XS, ys, **how, patience=1, min_delta=share * 0.999)[1].epochs > 2


def test_min_delta_stays_for_large_targets_and_for_classes():
    how = {"optimizer": "sgd", "lr": 1e-3, "epochs": 30, "batch_size": None}
    for ys, loss in (([9.0 * a for a, _ in XS], "mse"), (YS, "binary_cross_entropy")):
        falls = run(net(), XS, ys, **how, loss=loss, patience=None)[1].loss
        change = falls[0] - falls[1]
        for share, wanted in ((1.001, {2}), (0.999, range(3, 31))):
            how_long = run(net(), XS, ys, **how, loss=loss, patience=1, min_delta=share * change)
            assert how_long[1].epochs in wanted


# --- rows held out


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_held_out_by_its_share(share, seed):
    rng = random.Random(seed)
    ys = [0] * 100 + [1] * 20 + [2] * 10 + [3]
    rng.shuffle(ys)
    data = Data(pair_up("test", range(131), ys), share)
    data.split(rng, stratified=True)
    assert len(data.validation) == round(131 * share)
    for kind in range(4):
        count = ys.count(kind)
        assert abs(data.validation.ys.count(kind) - share * count) <= 1
        assert data.rows.ys.count(kind) >= (share < 0.5)


def test_classification_is_stratified_and_regression_is_not():
    counts = {}
    for loss in ("binary_cross_entropy", "mse"):
        for seed in range(20):
            seen = []

            def look(outputs, targets, seen=seen):
                seen.append(sum(targets))
                return 0.0

            run(loss=loss, metrics=look, validation=0.5, epochs=1, seed=seed)
            counts.setdefault(loss, set()).add(seen[-1])
    assert counts["binary_cross_entropy"] <= {sum(YS) // 2, (sum(YS) + 1) // 2}
    assert len(counts["mse"]) > 2


# --- a plateau


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_rate_falls_on_a_plateau(backend):
    rates = []
    values = iter([5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 1.0])

    def value(outputs, targets):
        return next(values)

    model = net()
    optimizer = SGD(model.parameters(), lr=1.0)
    how = {"metrics": value, "monitor": "value", "mode": "min", "epochs": 10, "patience": None}
    how |= {"schedule": plateau, "optimizer": optimizer, "backend": backend}
    run(model, callbacks=lambda h: rates.append(optimizer.lr), **how)
    assert rates == [1.0] * 4 + [0.5] * 2 + [0.25] * 3 + [0.125]
    assert optimizer.lr == 1.0


def test_a_plateau_of_other_settings_is_another_training(tmp_path):
    file = {"checkpoint": tmp_path / "a", "resume": True}
    run(schedule=plateau, **file, epochs=2)
    with pytest.raises(nn.CheckpointError, match=r"schedule='ReduceLROnPlateau\(factor=0.5.*None"):
        run(**file)
    with pytest.raises(ValueError, match="ReduceLROnPlateau takes patience as a whole number >= 1"):
        nn.ReduceLROnPlateau(patience=0)


# --- checkpoints


def epochs_in(path):
    tensors, _ = unpack(path.read_bytes(), path)
    return tensors["training.log"].shape[0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_checkpoints_after_every_third_epoch_and_the_last(backend, tmp_path):
    path, seen = tmp_path / "a", []
    how = {"checkpoint": path, "checkpoint_every": 3, "resume": True, "backend": backend}
    run(callbacks=lambda h: seen.append(epochs_in(path)), **how)
    assert seen == [0, 0, 3, 3, 3, 6, 6, 8]
    assert run(net(2), **how, epochs=11) == run(backend=backend, epochs=11)
    assert epochs_in(path) == 11

    stopped = {"checkpoint": tmp_path / "b", "checkpoint_every": 100, "backend": backend}
    found, _ = run(callbacks=lambda h: h.epochs == 4, **stopped)
    assert epochs_in(tmp_path / "b") == 4
    assert numbers(nn.load(tmp_path / "b")) == found


def test_what_is_changed_in_a_callback_is_lost_with_it_where_it_raises(tmp_path):
    def spoil(history):
        if history.epochs == 3:
            optimizer.lr = 9.0
            raise RuntimeError

    file = {"checkpoint": tmp_path / "a", "resume": True}
    model = net()
    optimizer = Adam(model.parameters(), lr=0.01)
    with pytest.raises(RuntimeError):
        run(model, optimizer=optimizer, callbacks=spoil, **file)
    assert run(net(2), **file) == run()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"checkpoint_every": 2}, "checkpoint_every is how often to write a file; say which with"),
        ({"checkpoint_every": 0}, "fit takes checkpoint_every as a whole number >= 1, got 0"),
        ({"checkpoint_every": None}, "fit takes checkpoint_every as a whole number >= 1, got None"),
    ],
)
def test_writing_at_no_time_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        run(**how)


@pytest.mark.parametrize("backend", BACKENDS)
def test_targets_whose_variance_is_no_float_are_trained_on(backend):
    ys = [1e200 * y for y in YS]
    _, history = run(ys=ys, loss="mae", backend=backend, epochs=2)
    assert all(math.isfinite(loss) for loss in history.loss)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rate_of_numpys_is_a_number_like_any(backend, tmp_path):
    def train(rate, **how):
        def change(history):
            optimizer.lr = rate(0.03 * history.epochs)

        optimizer = Adam((model := net()).parameters(), lr=rate(0.03))
        return run(
            model, make=lambda _: optimizer, backend=backend, callbacks=change, patience=None, **how
        )

    wanted = train(lambda x: float(np.float32(x)))
    assert train(np.float32, checkpoint=tmp_path / "a") == wanted
    assert train(np.float32, checkpoint=tmp_path / "a", resume=True, epochs=8)[0] == wanted[0]


def test_a_step_at_a_rate_of_numpys_rounds_as_any():
    def step(rate):
        parameter = nn.MLP(1, [1], rng=1).parameters()[0]
        parameter.grad = 0.7
        SGD([parameter], lr=rate).step()
        return parameter.data

    assert step(np.float32(0.1)) == step(float(np.float32(0.1)))
