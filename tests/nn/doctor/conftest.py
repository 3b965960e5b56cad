"""Every test here keeps what the doctor tried, for its report."""

import pytest

from nn.doctor.trials import Training
from tests.nn.doctor import reports


@pytest.fixture(autouse=True)
def tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """List the epochs of each trial, its rows to learn from and to judge by, and its score."""
    score = Training.score
    reports.tried.clear()

    def noted(training: Training) -> float:
        size = f"{training.epochs} epochs, {len(training.learned)} + {len(training.held)} rows"
        found = score(training)
        reports.tried.append(f"trial of {size}: {found:.3f}")
        return found

    monkeypatch.setattr(Training, "score", noted)
