"""Faults of the data: samples and targets. What NumPy did has no line that could be seen."""

from typing import Any

from tests.benchmarks.doctor.fault import Edit, Fault, before_model, mlp, several, swap
from tests.benchmarks.doctor.trainings import Training

__all__ = ["DATA"]


def _numbers(training: Training) -> bool:
    return training.data.regression


def _classes(training: Training) -> bool:
    return not training.data.regression


def _raw(training: Training) -> bool:
    return training.data.load.startswith(("load_wine", "load_breast", "load_digits"))


def _data(name: str, *lines: str, **how: Any) -> Fault:
    return Fault(name, before_model(*lines), at="", **how)


DRAW = "draw = np.random.default_rng(SEED)"
SCALING: tuple[Edit, ...] = (
    *swap(r"^scaler = .*\n", ""),
    *swap(r"^xs, x_test = scaler.*\n", ""),
)
NAN = "nan|not finite"
DATA = [
    Fault("inputs_not_scaled", SCALING, at="", on=_raw, says="scale the samples|not scaled"),
    _data(
        "inputs_not_scaled",
        "xs[:, 0] *= 1e4",
        "x_test[:, 0] *= 1e4",
        says="scale the samples|not scaled",
    ),
    Fault(
        "targets_not_scaled",
        swap(r"^ys, y_test = \(ys.*\n", ""),
        says="scale the .*targets|not scaled",
        at="",
        on=_numbers,
    ),
    Fault(
        "labels_off_by_one",
        (
            *before_model("ys = ys + 1"),
            *swap(r", {n_out}\](?=, activation)", ", {more_out}]"),
        ),
        at="",
        on=(mlp, several),
    ),
    _data("labels_off_by_one", "ys = ys + 1", on=_classes, says="class|targets"),
    _data(
        "noisy_labels",
        DRAW,
        "wrong = draw.random(len(ys)) < 0.7",
        "ys[wrong] = draw.permutation(ys[wrong])",
    ),
    _data("shuffled_labels", DRAW, "ys = draw.permutation(ys)"),
    _data("constant_labels", "ys = np.full_like(ys, ys[0])"),
    _data(
        "class_missing", "keep = ys != ys.max()", "xs, ys = xs[keep], ys[keep]", on=(mlp, several)
    ),
    _data(
        "imbalanced",
        "few = np.flatnonzero(ys == 0)[2:]",
        "xs, ys = np.delete(xs, few, axis=0), np.delete(ys, few)",
        on=_classes,
    ),
    Fault(
        "leaking_column",
        (
            *before_model(
                "xs = np.column_stack([xs, ys])",
                "x_test = np.column_stack([x_test, np.zeros(len(x_test))])",
            ),
            *swap(r"MLP\({n_in},", "MLP({more_in},"),
        ),
        at="",
        on=mlp,
    ),
    _data("nan_inputs", "xs[3, 0] = np.nan", says=NAN),
    _data("nan_inputs", "xs[:, 0] = np.log(xs[:, 0])", says=NAN),
    _data("inf_inputs", "xs[3, 0] = np.inf", says="inf|not finite"),
    _data("nan_targets", "ys = ys.astype(float)", "ys[3] = np.nan", says=NAN),
    _data("constant_columns", "xs[:, 1:] = xs[0, 1:]"),
    _data("duplicated_rows", "xs, ys = np.repeat(xs[:6], 15, axis=0), np.repeat(ys[:6], 15)"),
    _data("duplicated_columns", "xs[:] = xs[:, :1]", "x_test[:] = x_test[:, :1]"),
]
