"""The jobs: rows to learn from and rows to be judged on, in standard scores."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

__all__ = ["JOBS", "Job", "split"]


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        load: the samples and the targets, from a seed where they are drawn.
        regression: whether targets are numbers and not classes.
        hidden: the units of the hidden layers. epochs: at most so many, for everybody.
        seeds: how many times it is done, each with another split and another start.
    """

    load: Callable[[int], tuple[Any, Any]]
    regression: bool = False
    hidden: tuple[int, ...] = (16,)
    epochs: int = 200
    seeds: int = 5


def _stored(name: str) -> Callable[[int], tuple[Any, Any]]:
    return lambda seed: getattr(datasets, f"load_{name}")(return_X_y=True)


def _drawn(make: Callable[..., Any], **how: Any) -> Callable[[int], tuple[Any, Any]]:
    return lambda seed: partial(make, random_state=seed, **how)()


def _classes(rows: int, **how: Any) -> Callable[[int], tuple[Any, Any]]:
    return _drawn(datasets.make_classification, n_samples=rows, **how)


_WIDE = {"n_features": 20, "n_informative": 10, "n_classes": 3}
JOBS: dict[str, Job] = {
    "iris": Job(_stored("iris")),
    "wine": Job(_stored("wine")),
    "breast_cancer": Job(_stored("breast_cancer")),
    "moons": Job(_drawn(datasets.make_moons, n_samples=1000, noise=0.25)),
    "digits": Job(_stored("digits"), hidden=(64,)),
    "imbalanced": Job(_classes(3000, weights=[0.95], n_informative=5, flip_y=0.01)),
    "500 features": Job(_classes(600, n_features=500, n_informative=30)),
    "diabetes": Job(_stored("diabetes"), regression=True),
    "linnerud": Job(_stored("linnerud"), regression=True),
    "friedman1": Job(_drawn(datasets.make_friedman1, n_samples=1000, noise=1.0), regression=True),
    "75,000 rows": Job(_classes(75_000, **_WIDE), epochs=20, seeds=3),
    "750,000 rows": Job(_classes(750_000, **_WIDE), epochs=4, seeds=3),
}


def split(job: Job, seed: int) -> tuple[Any, Any, Any, Any]:
    """Samples to learn from and to be judged on, then their targets.

    The scores of columns are those of the rows to learn from; so are those of numbers as targets.
    """
    xs, ys = job.load(seed)
    train, test, y_train, y_test = train_test_split(
        xs, ys, test_size=0.3, random_state=seed, stratify=None if job.regression else ys
    )
    train, test = _scores(train, test)
    if job.regression:
        y_train, y_test = _scores(y_train, y_test)
    return train, test, y_train, y_test


def _scores(train: Any, test: Any) -> tuple[Any, Any]:
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread == 0.0, 1.0, spread)
    return (train - mean) / spread, (test - mean) / spread
