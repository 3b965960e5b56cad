"""Programs of models, recorded once for each architecture, and the outputs that they compute."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from engine import Program, Value, inputs, no_grad
from engine.core.modes import recording
from engine.core.value import constant
from engine.forks import fork_safe_lock
from engine.native.decisions import recording_program
from engine.native.needs import available, numpy
from nn.evaluation.isolation import isolated
from nn.evaluation.measure import predict
from nn.models.activations import ACTIVATIONS, OURS
from nn.models.architecture import KINDS, Architecture, Outline, outline
from nn.models.layers import Neuron
from nn.models.module import Module, evaluating

MOST = 1_000_000  # instructions of the programs that are kept
EACH = 16_000  # and what one counts for beside its instructions
COMPARED = 8  # rows on which a program is held against a model that is not known

# A number alone has the form (), a list of 3 numbers (3,), a list of 4 such lists (4, 3).
Form: TypeAlias = tuple[int, ...]
Recorded: TypeAlias = tuple[list[Program], Form]  # and the form of an output
Known: TypeAlias = tuple[Any, Architecture, list[Value]]

_kept: OrderedDict[Any, Recorded] = OrderedDict()
_lock = fork_safe_lock()


def kept(key: Any, record: Callable[[], Recorded]) -> Recorded:
    """The programs of a key, recorded at its first use.

    They are shared by all models of an architecture, so they must be called with `parameters=`.
    """
    with _lock:  # so that threads with the same to do wait for one of them
        if key in _kept:
            _kept.move_to_end(key)
        else:
            _kept[key] = record()
            _make_room()
        return _kept[key]


def _make_room() -> None:
    while len(_kept) > 1 and sum(map(_size, _kept.values())) > MOST:
        _kept.popitem(last=False)


def _size(recorded: Recorded) -> int:
    return sum(EACH + program.stats.nodes for program in recorded[0])


def outputs(model: Module, rows: Sequence[Any]) -> Any:
    """The model's outputs in evaluation mode as an array, or None where only its calls can tell.

    The array has the shape (rows,), (rows, outputs) where the model gives a list, and so on. It
    agrees with the model's own answers but for the last digits.

    Arguments:
        rows: the samples: numbers, or rows of numbers of one length.
    """
    if not available():
        return None
    try:
        table = numpy().asanyarray(rows)
        if table.dtype.kind not in "fiub" or type(table) is not numpy().ndarray:
            return None  # such as arrays with a mask
        many, width = table.shape if table.ndim == 2 else (len(table), 0)
        table = table.reshape(many, width or 1)
        known = known_architecture(model)
        if known:
            key, card, parameters = known
            programs, form = kept((key, width), lambda: _record(card.build(), width, many))
        else:
            parameters = model.parameters()
            with isolated(model) as drew, evaluating(model):
                programs, form = _record(model, width, many)
                if _differs(model, programs[0], rows, table) or drew():
                    return None
        found = programs[0](table, [parameter._data for parameter in parameters])
    except Exception:  # noqa: BLE001 (whatever it is, the model's own call says it better)
        return None
    return found.reshape(many, *form)


def answers(model: Module, rows: Any) -> Any:
    """The model's outputs for rows of numbers, as an array of shape (rows, outputs).

    They agree with the model's own but for the last digits. A Program computes them where the extra
    `fast` is installed and the model's graph is the same for all rows.

    >>> from nn import MLP
    >>> answers(MLP(2, [3], rng=7), [[1.0, -1.0], [0.0, 0.5]]).shape
    (2, 3)
    """
    rows = numpy().asarray(rows, dtype="float64")
    found = outputs(model, rows)
    found = numpy().array(predict(model, rows.tolist())) if found is None else found
    return found.reshape(len(rows), -1)


def known_architecture(model: Module, found: Outline | None = None) -> Known | None:
    """What decides what a model computes, as a key; its Architecture; and its parameters.

    None where anything of the user's own could have a part in it.
    """
    found = found or outline(model)
    if not found:
        return None
    card, parameters = found
    if card.others:
        return None
    rows = tuple([ACTIVATIONS[name] for name in card.activations])
    if not OURS.issuperset(rows):
        return None
    formulas = Neuron.forward, *[kind.__call__ for kind in KINDS]  # which a user may replace
    return (card.model, card.n_in, *card.widths, *rows, *formulas), card, parameters


def _record(model: Module, width: int, rows: int) -> Recorded:
    """The program of a model's outputs."""
    xs = inputs(*[f"x{i}" for i in range(width or 1)])
    with recording, recording_program:
        found = model(xs if width else xs[0])
    values, form = spread(found)
    return [Program(xs, [*map(constant, values)], model.parameters(), rows=rows)], form


def spread(output: Any) -> tuple[list[Any], Form]:
    """The numbers of a model's output, and its form. TypeError where lists in it are not alike."""
    values, form = [output], list[int]()
    while any(isinstance(value, list | tuple) for value in values):
        sizes = {len(value) for value in values}
        if len(sizes) > 1:
            raise TypeError(f"an output has lists of {sorted(sizes)} items; let all have as many")
        values, form = [x for value in values for x in value], [*form, *sizes]
    return values, (*form,)


def _differs(model: Module, program: Program, rows: Sequence[Any], table: Any) -> bool:
    """Whether a program gives something else than the model on some of the rows."""
    some = range(0, len(rows), -(-len(rows) // COMPARED))
    with no_grad():
        answers = [model(rows[i]) for i in some]
    wanted = numpy().array(answers, dtype="float64").reshape(len(some), -1)
    return not numpy().allclose(program(table[some]), wanted, 1e-6, 1e-9, equal_nan=True)
