"""Every test here keeps what the doctor tried, for its report."""

import pytest

from nn.doctor.trials import Training
from tests.nn.doctor import reports


@pytest.fixture(autouse=True)
def tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """List the epochs of each trial, and its rows to learn from and to judge by.

    Not its score: trials that nearly diverge end elsewhere where vectors have another length.
    """
    score = Training.score
    reports.tried.clear()

    def noted(training: Training) -> float:
        rows = f"{len(training.learned)} + {len(training.held)} rows"
        reports.tried.append(f"x {training.epochs} epochs, {rows}")
        return score(training)

    monkeypatch.setattr(Training, "score", noted)
