"""How fit ends: in time, with the best parameters, or with a reason before anything changes."""

import math

import pytest

from engine import NumericError, Value, numeric_mode
from nn import MLP, SGD, Adam, Module, Neuron, fit, mse_loss, predict
from tests.nn.training.setup import QUIET, line, numbers


class Script(Module):
    """A parameter that moves by 1 a step, and losses that say where it was: a run by the book."""

    def __init__(self, losses, interrupt_at=None):
        self.p = Value(0.0, "p")
        self.losses, self.interrupt_at, self.calls = losses, interrupt_at, 0

    def __call__(self, x):
        if self.training:
            self.calls += 1
            if self.calls == self.interrupt_at:
                raise KeyboardInterrupt
        return self.p

    def loss(self, outputs, targets):
        """Gradient -1 everywhere; the value as scripted for that p."""
        (p,) = outputs
        return self.losses[round(p.data)] - (p - p.data)

    def fit(self, **how):
        how = {"loss": self.loss, "epochs": len(self.losses) - 1, **QUIET, **how}
        make = how.pop("optimizer", lambda ps: SGD(ps, lr=1.0))
        return fit(self, [0], [0], optimizer=make, **how)


def test_clipping():
    model = Script([0.0] * 4)
    model.fit(clip=0.25, patience=None, loss=lambda outputs, targets: -1.0 * outputs[0])
    assert model.p.data == 0.75


# --- it stops in time and keeps the best


def test_the_best_epoch_is_kept_though_later_ones_were_worse():
    model = Script([9, 5, 3, 1, 4, 2])
    history = model.fit()
    assert history.loss == [5, 3, 1, 4, 2]
    assert (history.best_epoch, history.best_loss, history.stopped) == (2, 1, "epochs")
    assert model.p.data == 3.0


def test_patience():
    model = Script([9, 5, 3, 4, 3, 2.5, 3, 3, 3, 0])
    history = model.fit(patience=3)
    assert history.loss == [5, 3, 4, 3, 2.5, 3, 3, 3]
    assert (history.best_epoch, history.stopped) == (4, "patience")
    assert model.p.data == 5.0


def test_of_equals_the_first_is_kept():
    assert Script([9, 5, 3, 3, 3]).fit().best_epoch == 1


def test_min_delta():
    model = Script([9, 5, 4.9, 4.8, 4.7, 4.6])
    history = model.fit(patience=2, min_delta=0.5)
    assert history.loss == [5, 4.9, 4.8]
    assert history.best_epoch == 2  # still the lowest, if not by enough to go on
    assert model.p.data == 3.0


def test_small_steps_add_up_against_min_delta():
    model = Script([9, 5, 4.7, 4.4, 4.1, 3.8])
    assert model.fit(patience=2, min_delta=0.5).epochs == 5


def test_patience_watches_the_validation():
    falling, rising = iter([5, 4, 3, 2, 1]), iter([2, 1, 3, 4, 5])

    def loss(outputs, targets):
        if model.training:
            return -outputs[0]
        return Value(next(rising if targets == ["held out"] else falling))

    model = Script([0])
    history = model.fit(loss=loss, epochs=5, validation=([0], ["held out"]), patience=2)
    assert history.val_loss == history.watched == [2, 1, 3, 4]
    assert history.loss == [5, 4, 3, 2]
    assert (history.best_epoch, history.stopped) == (1, "patience")
    assert model.p.data == 2.0


@pytest.mark.parametrize(("at", "epochs", "kept"), [(1, 0, None), (2, 1, 0), (4, 3, 1)])
def test_ctrl_c_keeps_the_best(at, epochs, kept):
    model = Script([9, 5, 3, 4, 1], interrupt_at=at)
    history = model.fit()
    assert history.stopped == "interrupt"
    assert (history.epochs, history.best_epoch) == (epochs, kept)
    assert model.p.data == (0.0 if kept is None else kept + 1.0)
    assert model.training


def test_the_losses_are_those_of_the_parameters_that_are_kept():
    model = MLP(1, [3, 1], activation="tanh", rng=5)
    xs, ys = line()
    history = fit(
        model, xs, ys, loss="mse", epochs=9, batch_size=4, validation=(xs[:5], ys[:5]), **QUIET
    )
    assert mse_loss(predict(model, xs), ys).data == pytest.approx(
        history.loss[history.best_epoch], rel=1e-12
    )
    assert mse_loss(predict(model, xs[:5]), ys[:5]).data == pytest.approx(
        history.best_loss, rel=1e-12
    )
    assert history.best_loss == min(history.val_loss)


def test_an_error_on_the_way_gives_the_best_back():
    model = Script([9, 5, 3])
    with pytest.raises(IndexError):
        model.fit(epochs=9)
    assert model.p.data == 2.0


def test_a_run_that_explodes_says_so_and_gives_the_best_back():
    model = Neuron(1, "linear", rng=3)
    with pytest.raises(NumericError):
        fit(model, *line(), loss="mse", optimizer=lambda ps: SGD(ps, lr=1e9), **QUIET)
    assert all(abs(x) < 1e12 for x in numbers(model))


def test_a_loss_of_nan_is_never_the_best():
    with numeric_mode("ieee"):
        model = Script([9, math.nan, 5, math.nan])
        history = model.fit()
    assert (history.best_epoch, model.p.data) == (1, 2.0)


# --- refusals

HOLD = "validation holds out a share between 0 and 1 of at least 2 rows, got"
REFUSED = {
    "lengths": (
        {"xs": [[1]] * 3, "ys": [1, 2]},
        "fit got 3 samples and 2 targets; give one target for each",
    ),
    "empty": ({"xs": [], "ys": []}, "fit got no samples; give at least one and its target"),
    "epochs": ({"epochs": 0}, "fit takes epochs as a whole number >= 1, got 0"),
    "no epochs": ({"epochs": None}, "fit takes epochs as a whole number >= 1, got None"),
    "batch_size": (
        {"batch_size": 2.5},
        "fit takes batch_size as a whole number >= 1, got 2.5",
    ),
    "patience": ({"patience": 0}, "fit takes patience as a whole number >= 1, got 0"),
    "min_delta": ({"min_delta": -1}, "fit takes a finite min_delta >= 0, got -1"),
    "clip": ({"clip": -1}, "fit takes a finite clip >= 0, got -1"),
    "schedule": (
        {"schedule": "cosine"},
        (
            "schedule is a function from the epoch to a factor, got str; give one like "
            "nn.cosine(epochs)"
        ),
    ),
    "factor": (
        {"schedule": lambda epoch: math.nan},
        (
            "a schedule gives a finite factor >= 0 for every epoch, got nan for epoch 0; return "
            "one like 1 / (1 + epoch)"
        ),
    ),
    "no factor": (
        {"schedule": lambda epoch: None},
        "a schedule gives a finite factor >= 0 for every epoch, got None for epoch 0; return one",
    ),
    "seed": (
        {"seed": 1.5},
        (
            "randomness comes from a random.Random, an int seed or None, got float; pass "
            "random.Random(7) or 7"
        ),
    ),
    "loss": (
        {"loss": "mes"},
        (
            "unknown loss 'mes', did you mean 'mse'? Known: mse, binary_cross_entropy, "
            "binary_cross_entropy_with_logits, cross_entropy, hinge"
        ),
    ),
    "optimizer": (
        {"optimizer": "Adam"},
        "unknown optimizer 'Adam', did you mean 'adam'? Known: sgd, adam, adamw, rmsprop",
    ),
    "no optimizer": (
        {"optimizer": lambda parameters: 3},
        (
            "the function given as optimizer made int, not an Optimizer; give one like lambda "
            "parameters: Adam(parameters, lr=3e-3)"
        ),
    ),
    "another model's": (
        {"optimizer": Adam(Neuron(1).parameters())},
        (
            "the optimizer has none of the model's parameters, so nothing would learn; build it "
            "from this model's parameters()"
        ),
    ),
    "share": (
        {"validation": 1.5},
        f"{HOLD} 1.5 of 20; give a share like 0.2, or (xs, ys)",
    ),
    "share of one": (
        {"validation": 0.5, "xs": [[1]], "ys": [1]},
        f"{HOLD} 0.5 of 1; give a share like 0.2, or (xs, ys)",
    ),
    "validation": (
        {"validation": "some"},
        "validation is a share like 0.2 or the pair (xs, ys), got str",
    ),
    "lengths of the validation": (
        {"validation": ([[1]], [])},
        "validation got 1 samples and 0 targets; give one target for each",
    ),
    "a function": ({"model": abs}, "fit takes a Module, got builtin_function_or_method; derive "),
    "loss of a float": (
        {"loss": lambda outputs, targets: 1.0},
        (
            "the loss has to give one Value, got float; compute it from the model's outputs with "
            "operators and the functions of engine"
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason_before_anything_changes(case):
    how, text = REFUSED[case]
    model = Neuron(1, rng=3)
    before = numbers(model)
    xs, ys = line()
    call = {"model": model, "xs": xs, "ys": ys, "loss": "mse", **QUIET, **how}
    with pytest.raises((ValueError, TypeError)) as caught:
        fit(call.pop("model"), call.pop("xs"), call.pop("ys"), **call)
    assert str(caught.value).startswith(text)
    assert numbers(model) == before
