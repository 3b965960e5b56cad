"""diagnose: symptoms, suspicions, trials, a report."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import combinations, takewhile
from statistics import fmean, stdev
from time import perf_counter
from typing import Any, NamedTuple

from engine import NumericError, Value, numeric_mode
from engine.explain.causes import CAUSES as GRAPH
from engine.explain.causes import told
from engine.explain.diagnose import diagnose as of_graph
from engine.explain.facts import Facts as Graph
from engine.explain.report import Cause, Report
from nn.checks import caller
from nn.doctor import changes
from nn.doctor.fit_causes import CAUSES
from nn.doctor.symptoms import Symptoms
from nn.doctor.table import Remedy, Suspicion
from nn.doctor.trials import FAILED, Training, aside
from nn.losses import of_rows
from nn.models.module import Module, evaluating
from nn.training.fit import fit
from nn.training.history import LAST, History

TRIED = 0.6  # of the time is for trials, by what is counted before they begin
FOLDS = 6  # choices of rows held out, at most
LEAST = 0.02  # by which a score has to rise in the mean
SURE = 2.0  # times the standard error of that mean
PAIRS = 4  # causes of which each two are tried together


IN_GRAPH = "shared_weights", "wrong_partial", "term_twice", "unreached"
GRAPHS = 0.85  # the weight of what a graph tells, at most: first weights may be to blame
ROWS = 8  # of which the loss is recorded, to look for those


def diagnose(subject: Any = None, *data: Any, seconds: float = 2.0, **settings: Any) -> Report:
    """Look for the cause of a training that does not learn, and try remedies.

    Arguments:
        subject: what to look at:

            - a History, or an error of `fit`: that training; nothing: the last one;
            - the loss of a loop of your own, and the model or its parameters as the next argument,
              before or after a step;
            - a model, with xs, ys and the settings of `fit`, before it is trained: a copy is.

        seconds: about how long it may take. More of them try on more rows held out.

    Remedies are tried in copies; what is yours is not touched. Only what helps on rows held out is
    reported, and what is plain to see and wrong in any case. In a loop of your own nothing can be
    tried. The same training gets the same report.

    Raises TypeError and ValueError where there is nothing to look at.

    >>> from nn import MLP, SGD, fit
    >>> xs = [(i / 20.0, j / 20.0) for i in range(-9, 10, 3) for j in range(-9, 10, 3)]
    >>> ys = [float(x * y > 0) for x, y in xs]
    >>> how = {"loss": "binary_cross_entropy_with_logits", "epochs": 30, "seed": 1}
    >>> slow = lambda parameters: SGD(parameters, lr=1e-7)
    >>> report = diagnose(MLP(2, [8, 1], rng=1), xs, ys, optimizer=slow, **how)
    >>> report.causes[0].name
    'lr_too_low'
    """
    if isinstance(subject, Value):
        return of_graph(subject, *data)
    if isinstance(subject, Module):
        # together, since an optimizer holds the model's parameters
        model, its = deepcopy((subject, {k: settings[k] for k in settings if k == "optimizer"}))
        with aside():
            try:
                subject = fit(model, *data, **settings | its | {"progress": False})
            except NumericError as error:
                subject = error
    elif subject is None:
        subject = LAST[0]() if LAST else None
    history = getattr(subject, "history", subject)
    if not isinstance(history, History):
        fault = "diagnose takes a History, a loss and its model, a model with xs and ys"
        raise TypeError(f"{fault}, or an error of fit, got {type(history).__name__}")
    return of_history(history, seconds, subject if subject is not history else None)


def of_history(history: History, seconds: float = 2.0, error: object = None) -> Report:
    """Why a training does not learn, or could learn better, or ended in an error."""
    begin = perf_counter()
    if history.start is None:
        raise ValueError("this History was loaded, and its data are gone; diagnose that of a fit")
    facts = Symptoms(history, history.start)
    found = list[tuple[str, Suspicion]]()
    for name, row in CAUSES.items():
        with suppress(ArithmeticError, ValueError):  # numbers too far out to be compared
            found += [(name, each) for each in row(facts)]
    found.sort(key=lambda pair: -pair[1].cause.weight)
    many = sum(len(each.remedies) for _, each in found)
    trials = Trials(facts, many, TRIED * seconds)
    causes = [*_in_graph(facts, error), *filter(None, [trials.tried(*pair) for pair in found])]
    if not any(cause.verified for cause in causes):
        causes += trials.together()
    gains = [cause.gain for cause in causes if cause.gain]
    causes.sort(key=lambda x: -(x.gain / max(gains) if x.gain else 1.0) - x.weight)
    rows = f"{len(facts.begun.xs):,} rows"
    looked = [f"looked at {len(history.loss):,} losses and {rows}, for {len(CAUSES)} causes"]
    looked += [f"tried without gain: {', '.join(trials.vain)}"] * bool(trials.vain)
    return Report(tuple(causes), tuple(looked), perf_counter() - begin)


def _in_graph(facts: Symptoms, error: object) -> list[Cause]:
    """What the graph of the loss of some rows tells, or that of the row with which it ended."""
    task, given = facts.task, facts.task.data.given
    bad = re.match(r"row (\d+):", str(error))
    rows = [int(bad[1])] if bad else range(min(ROWS, len(given)))
    try:
        with evaluating(task.model), numeric_mode("ieee"):
            outputs = [task.model(given.samples[i]) for i in rows]
            loss = of_rows(task.loss, outputs, [given.targets[i] for i in rows])
            graph = Graph(loss, task.model, caller())
            table = {**GRAPH, **task.model._causes()}
            some = {name: table[name] for name in (*IN_GRAPH, "not_finite")}
            return [replace(x, weight=min(x.weight, GRAPHS)) for x in told(some, graph)]
    except (TypeError, ValueError):
        return []


class Outcome(NamedTuple):
    """What a remedy did: by how much the score rose, whether that is more than chance, in words."""

    remedy: Remedy
    gain: float
    sure: bool
    text: str


class Trials:
    """The trials of one training.

    Attributes:
        base: the score of the unchanged copy, for each choice of rows held out.
        folds: how many of these choices there are. vain: what was tried and did not help.
        alone: causes whose remedy does not help by itself.
    """

    def __init__(self, facts: Symptoms, many: int, seconds: float) -> None:
        self.facts: Symptoms = facts
        self.base: dict[int, float] = {}
        self.vain: list[str] = []
        self.alone: list[tuple[Cause, Remedy]] = []
        self.left: float = seconds
        affordable = seconds / facts.begun.cost() / max(many + 2, 4)
        self.folds: int = max(2, min(FOLDS, int(affordable)))

    def score(self, fold: int, remedy: Remedy | None = None) -> float:
        """The score of a copy, changed by a remedy."""
        training = Training.of(self.facts.history, fold)
        if remedy is not None:
            remedy.change(training)
        self.left -= training.cost()
        return training.score()

    def gains(self, remedy: Remedy) -> list[float]:
        """By how much a remedy raises the score, for each choice of rows as far as it does."""
        found: list[float] = []
        for fold in takewhile(lambda fold: fold < 2 or self.left > 0.0, range(self.folds)):
            if fold not in self.base:
                self.base[fold] = self.score(fold)
            found.append(self.score(fold, remedy) - self.base[fold])
            if fold > 1 and fmean(found) < LEAST / 2.0:
                break
        return found

    def best(self, remedies: Sequence[Remedy]) -> Outcome | None:
        """What the best of some remedies did; None where none could be tried."""
        best: Outcome | None = None
        for remedy in takewhile(lambda _: self.left > 0.0, remedies):
            try:
                gains = self.gains(remedy)
            except TypeError:  # it does not suit this model
                continue
            gain, error = fmean(gains), stdev(gains) / math.sqrt(len(gains))
            if best is None or gain > best.gain + LEAST:
                before = fmean([self.base[fold] for fold in range(len(gains))])
                kind = "the share of rows that are right" if self.facts.begun.classes else "R2"
                went = f"rises from {before:.2f} to {before + gain:.2f}"
                if before < FAILED / 2.0:
                    went = f"is {before + gain:.2f} (unchanged, it diverges)"
                text = f"with {remedy.short}, {kind} {went}"
                best = Outcome(remedy, gain, gain >= max(LEAST, SURE * error), text)
        return best

    def tried(self, name: str, suspicion: Suspicion) -> Cause | None:
        """A cause with what its remedies did; None where they do not help."""
        cause, best = replace(suspicion.cause, name=name), self.best(suspicion.remedies)
        if best is None:
            return cause if suspicion.certain else None
        if not best.sure:
            self.vain.append(best.remedy.short)
            self.alone.append((cause, suspicion.remedies[-1]))  # the farthest
            return replace(cause, do=best.remedy.do) if suspicion.certain else None
        return _mended(cause, best)

    def together(self) -> list[Cause]:
        """The first two causes whose remedies help together, where none of them does alone."""
        for (one, a), (other, b) in combinations(self.alone[:PAIRS], 2):
            do, short = f"{a.do}, and {b.do}", f"{a.short} and {b.short}"
            best = self.best([Remedy(do, short, partial(changes.both, a.change, b.change))])
            if best is not None and best.sure:
                return [_mended(one, best), _mended(other, best)]
        return []


def _mended(cause: Cause, best: Outcome) -> Cause:
    return replace(cause, do=best.remedy.do, tried=best.text, gain=best.gain, verified=True)
