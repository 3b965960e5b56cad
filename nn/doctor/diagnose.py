"""diagnose: symptoms, suspicions, trials, a report."""

from dataclasses import replace
from time import perf_counter

from engine.explain.report import Cause, Report
from nn.doctor.causes import CAUSES, Remedy, Suspicion
from nn.doctor.facts import Facts
from nn.doctor.trials import FAILED, Training
from nn.training.history import History

TRIALS = 14  # at most
LEAST = 0.05  # by which a score has to rise
TIE = 0.03  # scores as close as this are equal


def diagnose(history: History) -> Report:
    """Why a training does not learn, or could learn better."""
    begin = perf_counter()
    if history.start is None:
        raise ValueError("this History was loaded, and its data are gone; diagnose one of a fit")
    facts = Facts(history, history.start)
    found = [(name, each) for name, row in CAUSES.items() for each in row(facts)]
    found.sort(key=lambda pair: -pair[1].cause.weight)
    trials = Trials(facts)
    causes = [*filter(None, [trials.tried(*pair) for pair in found])]
    causes.sort(key=lambda pair: -pair[0])
    looked = (f"the losses of {len(history.loss)} epochs, {len(facts.begun.xs)} rows",)
    return Report(tuple([cause for _, cause in causes]), looked, perf_counter() - begin)


class Trials:
    """The trials of one training.

    Attributes:
        base: the score of the unchanged copy, for each choice of rows held out.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts, self.base, self.left = facts, dict[int, float](), TRIALS

    def score(self, fold: int, remedy: Remedy | None = None) -> float:
        """The score of a copy, changed by a remedy."""
        training = Training.of(self.facts.start, fold)
        if remedy is not None:
            remedy.change(training)
        return training.score()

    def gain(self, fold: int, remedy: Remedy) -> float:
        """By how much a remedy raises the score."""
        if fold not in self.base:
            self.base[fold] = self.score(fold)
        return self.score(fold, remedy) - self.base[fold]

    def tried(self, name: str, suspicion: Suspicion) -> tuple[float, Cause] | None:
        """A cause and how it ranks; None where its remedies do not help."""
        cause = replace(suspicion.cause, name=name)
        best: tuple[float, Remedy] | None = None
        for remedy in suspicion.remedies:
            if self.left <= 0:
                break
            self.left -= 1
            try:
                gain = self.gain(0, remedy)
            except TypeError:
                continue
            if best is None or gain > best[0] + TIE:
                best = gain, remedy
        if best is None:
            return (1.0 + cause.weight, cause) if suspicion.certain else None
        gain, remedy = best
        if gain >= LEAST:
            gain = min(gain, self.gain(1, remedy))
        if gain < LEAST and not suspicion.certain:
            return None
        before, after = self.base[0], self.base[0] + gain
        kind = "the share of rows that are right" if self.facts.begun.classes else "R2"
        tried = f"{remedy.short} brings {kind} from {max(before, FAILED):.2f} to {after:.2f}"
        cause = replace(cause, do=remedy.do, tried=tried, gain=gain, verified=gain >= LEAST)
        rank = round(gain / TIE) * TIE + cause.weight * TIE
        return rank + suspicion.certain, cause
