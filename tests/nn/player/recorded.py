"""Recordings that tests make up, without a training, and what is in a page of one."""

import base64
import json
import random
import re
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn import History, Module
from nn.training.history import Recording


def recording(model: Module, rows: Sequence[tuple[Any, Any]], epochs: int = 2) -> Recording:
    """Random parameters before so many epochs and after each."""
    made, rng = Recording(model, model.parameters(), [*rows]), random.Random(1)
    for _ in range(epochs + 1):
        made.snapshots.append(array("d", [rng.gauss(0, 1) for _ in made.parameters]))
    made.start = {"loss": 3.0}
    return made


def history(made: Recording, best: int | None = None) -> History:
    """A training of as many epochs as were recorded."""
    log = [{"loss": 1 / (i + 1)} for i in range(len(made.snapshots) - 1)]
    return History(log, best_epoch=best, recording=made)


def data(page: str) -> Any:
    found = re.search(r'id="run">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def singles(text: str) -> list[float]:
    """Floats of 32 bits, the lowest byte first."""
    return [float(x) for x in np.frombuffer(base64.b64decode(text), "<f4")]
