"""A fault is an edit of a script: what is replaced by what, and which lines are to blame then."""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from tests.benchmarks.doctor.parts import OWN_MODULE
from tests.benchmarks.doctor.trainings import Training

__all__ = ["Edit", "Fault", "On", "after_model", "before_model", "changed", "statement", "swap"]
__all__ += ["batched", "by_fit", "in_loop", "logits", "made", "mlp", "own", "several", "sgd"]

On = Callable[[Training], bool]
Edit = tuple[str, str]  # a pattern, and what its first match is replaced by
EDITED = "edited"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: a short slug, that of the cause. Several faults may be of one kind.
        edits: all are made, in this order.
        also: other slugs that are right too.
        says: a pattern of what an error says that names the fault.
        at: a pattern of the lines to blame, where the edit is not there to be seen, as when a line
            was removed. Empty: the fault is in the data or in the whole, and has no line.
        on: a test, or several, that hold for the trainings that the fault applies to.
    """

    name: str
    edits: tuple[Edit, ...]
    also: frozenset[str] = frozenset()
    says: str = "^$"
    at: str = EDITED
    on: On | tuple[On, ...] = ()

    @property
    def right(self) -> frozenset[str]:
        return self.also | {self.name}

    def suits(self, training: Training) -> bool:
        tests = self.on if isinstance(self.on, tuple) else (self.on,)
        return all(test(training) for test in tests)

    def plant(self, training: Training, seed: int) -> str:
        """The script of the training, with the fault."""
        text = training.script(seed)
        for edit in self.edits:
            pattern, new = [_filled(part, training) for part in edit]
            text, found = re.subn(pattern, new, text, count=1, flags=re.M)
            if not found:
                raise ValueError(f"{self.name}: the script has no {pattern!r}:\n{text}")
        return text

    def lines(self, training: Training, seed: int) -> frozenset[int]:
        """The lines to blame, and those of the statements that they are part of."""
        text = self.plant(training, seed)
        if self.at == EDITED:
            to_blame = changed(training.script(seed), text)
        else:
            each = enumerate(text.splitlines(), 1) if self.at else ()
            to_blame = {i for i, line in each if re.search(self.at, line)}
        return frozenset(to_blame.union(*(statement(text, line) for line in to_blame)))


def _filled(text: str, training: Training) -> str:
    """Words of the training in place of their names: `{n_out}`."""
    return re.sub(r"\{([a-z_]+)\}", lambda found: str(training.words[found[1]]), text)


def changed(before: str, after: str) -> set[int]:
    """The lines of the second text that are not in the first, counted from 1."""
    match = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    spans = [(start, end) for tag, _, _, start, end in match.get_opcodes() if tag != "equal"]
    return {line for start, end in spans for line in range(start + 1, end + 1)}


def statement(text: str, line: int) -> range:
    """The lines of the statement on a line, if it has no block of its own."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            span = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if line in span:
                return span
    return range(line, line + 1)


def swap(old: str, new: str) -> tuple[Edit]:
    """One edit."""
    return ((old, new),)


def before_model(*lines: str) -> tuple[Edit]:
    """After all that was done to the data."""
    return _before(r"^(model = |class Net|squash = )", lines)


def after_model(*lines: str) -> tuple[Edit]:
    return _before(r"^(history = |xs, ys = xs.tolist)", lines)


def _before(anchor: str, lines: tuple[str, ...]) -> tuple[Edit]:
    return ((f"(?={anchor})", "".join(line + "\n" for line in lines)),)


def by_fit(training: Training) -> bool:
    return training.style in ("fit", "by name")


def in_loop(training: Training) -> bool:
    return not by_fit(training)


def batched(training: Training) -> bool:
    return training.style == "loop"


def made(training: Training) -> bool:
    """Whether the script makes the optimiser itself."""
    return training.style in ("fit", "loop")


def sgd(training: Training) -> bool:
    return training.optimizer == "SGD"


def mlp(training: Training) -> bool:
    return not training.model


def own(training: Training) -> bool:
    return training.model == OWN_MODULE


def several(training: Training) -> bool:
    """Whether there are more than two classes."""
    return training.data.n_out > 1


def logits(training: Training) -> bool:
    return training.data.loss == "binary_cross_entropy_with_logits"
