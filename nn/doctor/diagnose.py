"""diagnose: symptoms, suspicions, trials, a report."""

import math
from dataclasses import replace
from statistics import fmean, stdev
from time import perf_counter

from engine.explain.report import Cause, Report
from nn.doctor import data_causes as _data  # noqa: F401 (its rows)
from nn.doctor import model_causes as _model  # noqa: F401
from nn.doctor import step_causes as _steps  # noqa: F401
from nn.doctor.facts import Facts
from nn.doctor.table import CAUSES, Remedy, Suspicion
from nn.doctor.trials import Training
from nn.training.history import History

SECONDS = 1.2  # that all trials take in all, by what is counted before they begin
FOLDS = 6  # choices of rows held out, at most
LEAST = 0.02  # by which a score has to rise in the mean
SURE = 2.0  # times the standard error of that mean


def diagnose(history: History) -> Report:
    """Why a training does not learn, or could learn better."""
    begin = perf_counter()
    if history.start is None:
        raise ValueError("this History was loaded, and its data are gone; diagnose one of a fit")
    facts = Facts(history, history.start)
    found = [(name, each) for name, row in CAUSES.items() for each in row(facts)]
    found.sort(key=lambda pair: -pair[1].cause.weight)
    trials = Trials(facts, sum(len(each.remedies) for _, each in found))
    causes = [*filter(None, [trials.tried(*pair) for pair in found])]
    most = max([cause.gain or 0.0 for cause in causes], default=0.0) or 1.0
    causes.sort(key=lambda cause: -(cause.gain if cause.gain else most) / most - cause.weight)
    looked = (f"the losses of {len(history.loss)} epochs, {len(facts.begun.xs)} rows",)
    return Report(tuple(causes), looked, perf_counter() - begin)


class Trials:
    """The trials of one training.

    Attributes:
        base: the score of the unchanged copy, for each choice of rows held out.
        folds: how many of these choices there are.
    """

    def __init__(self, facts: Facts, many: int) -> None:
        self.facts, self.base = facts, dict[int, float]()
        self.left, self.cost = SECONDS, facts.begun.cost()
        affordable = SECONDS / self.cost / max(many + 2, 4)
        self.folds = max(2, min(FOLDS, int(affordable)))

    def score(self, fold: int, remedy: Remedy | None = None) -> float:
        """The score of a copy, changed by a remedy."""
        training = Training.of(self.facts.start, fold)
        if remedy is not None:
            remedy.change(training)
        self.left -= training.cost()
        return training.score()

    def gains(self, remedy: Remedy) -> list[float]:
        """By how much a remedy raises the score, for each choice of rows as far as it does."""
        found: list[float] = []
        for fold in range(self.folds):
            if fold not in self.base:
                self.base[fold] = self.score(fold)
            found.append(self.score(fold, remedy) - self.base[fold])
            if fold and fmean(found) < LEAST / 2.0:
                break
        return found

    def tried(self, name: str, suspicion: Suspicion) -> Cause | None:
        """A cause with what its remedies did; None where they do not help."""
        cause = replace(suspicion.cause, name=name)
        best: tuple[float, list[float], Remedy] | None = None
        for remedy in suspicion.remedies:
            if self.left <= 0.0:
                break
            try:
                gains = self.gains(remedy)
            except TypeError:  # it does not suit this model
                continue
            mean = fmean(gains)
            if best is None or mean > best[0] + LEAST:
                best = mean, gains, remedy
        if best is None:
            return cause if suspicion.certain else None
        gain, gains, remedy = best
        error = stdev(gains) / math.sqrt(len(gains))
        sure = gain >= LEAST and gain >= SURE * error
        if not sure and not suspicion.certain:
            return None
        before = fmean([self.base[fold] for fold in range(len(gains))])
        kind = "the share of rows that are right" if self.facts.begun.classes else "R2"
        tried = f"{remedy.short} brings {kind} from {before:.2f} to {before + gain:.2f}"
        return replace(cause, do=remedy.do, tried=tried, gain=gain, verified=sure)
