"""Losses of classification by probability: how unlikely the right classes are, in nats."""

from collections.abc import Sequence
from dataclasses import replace
from math import isclose
from typing import Any

import engine
from engine import Value
from engine.core.node import as_float
from nn.checks import alone, as_list, as_number, whole
from nn.pairs import Nested, Takes, check_lengths, check_scores, mean, pairs

SHARES = Takes(lambda t: 0 <= t <= 1, "targets from 0 to 1", "write the two classes as 0 and 1")
LOGITS = replace(SHARES, scores="logits and applies sigmoid itself")
CLASSES_OF_LOGITS = Takes(scores="logits and applies softmax itself")


def binary_cross_entropy(outputs: Nested, targets: Nested) -> Value:
    """The mean of `-t log(p) - (1 - t) log(1 - p)` over probabilities p and targets t.

    Both are in [0, 1]. For a model that gives logits, without a sigmoid at its end, there is
    `binary_cross_entropy_with_logits`, which keeps its digits where p rounds to 0 or 1.

    >>> round(binary_cross_entropy(Value(0.8), 1).data, 6)
    0.223144
    """
    who = "binary_cross_entropy"
    found = pairs(who, outputs, targets, SHARES)
    for output, _ in found:
        if output.data < 0 or output.data > 1:
            got = f"{who} takes probabilities from 0 to 1, got {output.data!r}"
            remedy = "end the model in a sigmoid, or use binary_cross_entropy_with_logits"
            raise ValueError(f"{got}; {remedy}")
    return mean([engine.binary_cross_entropy(p, t) for p, t in found])


def binary_cross_entropy_with_logits(outputs: Nested, targets: Nested) -> Value:
    """`binary_cross_entropy(sigmoid(x), t)` of logits x, exact at any size of x.

    >>> binary_cross_entropy_with_logits(Value(-800.0), 1).data
    800.0
    """
    logits = pairs("binary_cross_entropy_with_logits", outputs, targets, LOGITS)
    return mean([engine.binary_cross_entropy_with_logits(x, t) for x, t in logits])


def cross_entropy(
    logits: Nested, target: Nested, label_smoothing: float = 0.0, ignore_index: int | None = None
) -> Value:
    """The mean of `-log(softmax(logits)[target])`: how unlikely the right class is, in nats.

    Arguments:
        logits: a list of Values, one for each class; or a batch of such lists, or of sequences of
            such lists, which may have several lengths: the mean is over all of them.
        target: the class, counted from 0, or a list of class probabilities; or a list of either,
            one for each row of the batch, or of lists with one for each place.
        label_smoothing: the share of each target that is given to all classes alike.
        ignore_index: rows with this target, such as -100, have no part in the mean. Where no other
            row is left the loss is 0, without a gradient (PyTorch gives nan).

    To train with them, give `fit` the loss `functools.partial(cross_entropy, label_smoothing=0.1)`.

    >>> loss = cross_entropy([Value(40.0), Value(0.0), Value(0.0)], 0)
    >>> loss.data
    8.496708510583178e-18
    >>> batch = cross_entropy([[Value(1.0), Value(2.0)], [Value(0.0), Value(0.0)]], [1, 0])
    >>> round(batch.data, 6)
    0.503204
    """
    if not 0 <= as_number(label_smoothing) <= 1:
        got = f"cross_entropy takes label_smoothing from 0 to 1, got {label_smoothing!r:.60}"
        raise ValueError(f"{got}; give a number, such as 0.1")
    if ignore_index is not None and whole(ignore_index) is None:
        got = f"cross_entropy takes ignore_index as a whole number, got {ignore_index!r:.60}"
        raise ValueError(f"{got}; give one, such as -100")
    if alone(logits):
        got = "cross_entropy takes a list of logits, one for each class, got a single one"
        raise ValueError(f"{got}; for a model with one output use binary_cross_entropy_with_logits")
    rows = as_list(logits)
    if rows and alone(rows[0]):
        rows, targets = [rows], [target]
    elif alone(target):
        fault = f"cross_entropy got a batch of {len(rows)} rows of logits"
        remedy = "give a list with one target for each row"
        raise ValueError(f"{fault} and the single target {target!r}; {remedy}")
    else:
        targets = as_list(target)
    check_lengths("cross_entropy", "rows of logits", len(rows), len(targets))
    if rows and not alone(next(iter(rows[0]), 0.0)):
        for row, places in zip(rows, targets, strict=True):
            check_lengths("cross_entropy", "places", len(row), len(as_list(places)))
        rows, targets = ([x for one in many for x in as_list(one)] for many in (rows, targets))
    for i, row in enumerate(rows):
        if alone(row):
            got = f"{type(row).__name__} {row!r:.60}"
            raise ValueError(f"cross_entropy: row {i} is {got}; give a list of logits for each row")
    counted = [(tuple(row), t) for row, t in zip(rows, targets, strict=True)]
    if ignore_index is not None:
        counted = [(row, t) for row, t in counted if as_number(t) != ignore_index]
    if not counted:
        return Value(0.0)
    terms = [_log_likelihood(row, t, label_smoothing, ignore_index) for row, t in counted]
    varying = [t for _, t in counted if isinstance(t, Value)]
    if ignore_index is None or not varying or len(terms) == 1:
        return -mean(terms)
    many = len(terms) - engine.sum([engine.equal(t, ignore_index) for t in varying])
    return -engine.sum(terms) / engine.maximum(many, 1.0)


def _log_likelihood(logits: Sequence[Any], target: Any, share: float, ignored: int | None) -> Value:
    """The logarithm of the probability that softmax gives to the target; 0 for one to ignore."""
    if len(logits) < 2:
        got = f"cross_entropy takes two or more logits, one for each class, got {len(logits)}"
        raise ValueError(f"{got}; for one output use binary_cross_entropy_with_logits")
    check_scores("cross_entropy", CLASSES_OF_LOGITS, logits)
    skip = None
    if isinstance(target, Value) and ignored is not None:
        skip = engine.equal(target, ignored)
        target = engine.where(skip, 0.0, target)
    found = _expected(logits, target)
    if share:
        uniform = engine.sum(engine.log_softmax(logits)) / len(logits)
        found = (1.0 - share) * found + share * uniform
    return found if skip is None else engine.where(skip, 0.0, found)


def _expected(logits: Sequence[Any], target: Any) -> Value:
    """The mean of the classes' log-probabilities by the probabilities of the target."""
    if isinstance(target, Value):
        return engine.log_softmax(logits, target)
    if alone(target):
        number = whole(target)
        if number is None or not 0 <= number < len(logits):
            expected = f"a class from 0 to {len(logits) - 1} for {len(logits)} logits"
            remedy = "classes are counted from 0"
            raise ValueError(f"cross_entropy takes {expected}, got {target!r:.60}; {remedy}")
        return engine.log_softmax(logits, index=number)
    logs = engine.log_softmax(logits)
    if any(isinstance(share, Value) for share in target):
        terms = [(s, lambda s=s, x=x: s * x) for s, x in zip(target, logs, strict=True)]
        return engine.sum([engine.where(engine.equal(s, 0.0), 0.0, term) for s, term in terms])
    shares = [as_float(share, "a class probability is") for share in target]
    if len(shares) != len(logits):
        got = f"cross_entropy got {len(logits)} logits and {len(shares)} class probabilities"
        raise ValueError(f"{got}; give one for each class")
    if min(shares) < 0 or not isclose(sum(shares), 1, rel_tol=1e-6):
        got = f"cross_entropy takes class probabilities >= 0 that sum to 1, got {shares}"
        raise ValueError(f"{got}; for a batch give a list of logits for every row")
    # A class of probability 0 is left out: its logarithm may be -inf, and 0 * -inf is nan.
    asked = [k for k, share in enumerate(shares) if share]
    return engine.dot([logs[k] for k in asked], [shares[k] for k in asked])
