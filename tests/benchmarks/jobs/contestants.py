"""Who does the jobs: each takes rows and targets, and gives a function that predicts.

Architecture and epochs are those of the job. All else is what a user gets who sets nothing; of the
PyTorch loop, what its tutorials write: Adam with its own rate, batches of 32.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.jobs.data import Job
from tests.benchmarks.systems import GRADWALK, TORCH, load

__all__ = ["CONTESTANTS", "SKLEARN"]

SKLEARN = "scikit-learn"
Predict = Callable[[Any], Any]


def _ours(job: Job, xs: Any, ys: Any, seed: int) -> Predict:
    from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

    kind = ScalarMLPRegressor if job.regression else ScalarMLPClassifier
    model = kind(job.hidden, max_epochs=job.epochs, random_state=seed)
    predict: Predict = model.fit(xs, ys).predict
    return predict


def _sklearn(job: Job, xs: Any, ys: Any, seed: int) -> Predict:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if job.regression else MLPClassifier
    model = kind(hidden_layer_sizes=job.hidden, max_iter=job.epochs, random_state=seed)
    predict: Predict = model.fit(xs, ys).predict
    return predict


def _torch(job: Job, xs: Any, ys: Any, seed: int) -> Predict:
    torch = load("torch")
    torch.manual_seed(seed)
    outputs = (1 if ys.ndim == 1 else ys.shape[1]) if job.regression else int(ys.max()) + 1
    layers: list[Any] = []
    width = xs.shape[1]
    for units in job.hidden:
        layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
        width = units
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, outputs))
    inputs = torch.tensor(xs, dtype=torch.float32)
    targets = torch.tensor(ys, dtype=torch.float32 if job.regression else torch.int64)
    if job.regression:
        targets = targets.reshape(len(xs), outputs)
    loss = torch.nn.MSELoss() if job.regression else torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(job.epochs):
        for batch in torch.randperm(len(xs)).split(32):
            optimizer.zero_grad()
            loss(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()

    def predict(rows: Any) -> Any:
        with torch.no_grad():
            found = model(torch.tensor(rows, dtype=torch.float32)).numpy()
        if job.regression:
            return found[:, 0] if ys.ndim == 1 else found
        return np.argmax(found, axis=1)

    return predict


def quietly(contestant: Callable[..., Predict]) -> Callable[..., Predict]:
    """Without the warning that epochs ran out, which is part of the job."""

    def run(*args: Any) -> Predict:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return contestant(*args)

    return run


CONTESTANTS: dict[str, Callable[[Job, Any, Any, int], Predict]] = {
    GRADWALK: quietly(_ours),
    SKLEARN: quietly(_sklearn),
    TORCH: quietly(_torch),
}
