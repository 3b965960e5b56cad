"""Containers of numbers of other libraries: frames, tensors, sparse matrices, masked arrays."""

import sys
from collections.abc import Mapping
from typing import Any

PLAIN = list, tuple, float, int  # rows and numbers of Python's own


def table(what: str, given: Any) -> Any:
    """Rows, of which those of other libraries are arrays of NumPy.

    Arguments:
        what: what the rows are, for the messages, like "rows" or "samples".
        given: an array, a data frame, a tensor, a sparse matrix, a list or anything else.

    Raises TypeError for a set and for a mapping, and ValueError for what is masked.
    """
    if isinstance(given, (set, frozenset, Mapping)):
        why = "is read as its keys" if isinstance(given, Mapping) else "has no order"
        got = f"the {what} are a {type(given).__name__}, which {why}"
        raise TypeError(f"{got}; give a list of rows, or a frame")
    if isinstance(given, (list, tuple)):
        rows = enumerate(given)
        return [x if isinstance(x, PLAIN) else _row(f"row {i} of the {what}", x) for i, x in rows]
    return _plain(f"the {what}", given)


def _plain(who: str, given: Any) -> Any:
    """What another library holds as an array of NumPy; everything else as it is."""
    if hasattr(given, "toarray"):  # a sparse matrix
        given = given.toarray()
    elif hasattr(given, "to_numpy"):  # a frame, or one of its columns
        given = given.to_numpy()
    elif hasattr(given, "detach") and hasattr(given, "cpu"):  # a tensor of PyTorch
        given = given.detach().cpu()
        given = given.to_dense() if hasattr(given, "to_dense") else given
    if not (hasattr(given, "__array__") and hasattr(given, "__len__")):
        return given
    numpy = sys.modules["numpy"]  # whoever has an array has imported it
    if numpy.ma.is_masked(given):
        place = numpy.argwhere(numpy.ma.getmaskarray(given))[0].tolist()
        fault = f"{who}: {place} of the {type(given).__name__} is masked"
        raise ValueError(f"{fault}; fill it by .filled(number), or leave its row out")
    try:
        return numpy.asarray(given)
    except (TypeError, RuntimeError) as error:
        got = f"{who}: NumPy cannot read this {type(given).__name__} ({error})"
        raise TypeError(f"{got}; make it one of ordinary floats") from None


def _row(who: str, x: Any) -> Any:
    """A row as an array, a number, or as it is; an iterator, which can be read once, as a tuple."""
    if hasattr(x, "__next__"):
        return tuple(x)
    found = _plain(who, x)
    if hasattr(x, "toarray") and found.ndim == 2:  # a matrix of one row
        return found[0]
    alone = hasattr(found, "__len__") and getattr(found, "shape", None) == ()
    return found.item() if alone else found
