"""What the user's source calls the result of an instruction: a variable, or its expression."""

import builtins
from functools import lru_cache
from types import CodeType
from typing import Any

from engine.source.origin import Code, origin_of
from engine.source.text import enclosed

ARITHMETIC = ("+", "-", "×", "/", "**", "%", "//")
ONE = {"abs", "divmod", "pow", "round"}  # builtins that call one method of ours
MANY = {*dir(builtins), "accumulate", "deque", "prod", "reduce", "starmap"} - ONE
MANY |= {"softmax", "log_softmax"}


def written(code: CodeType, at: int, item: int | None, op: Any) -> tuple[str | None, str]:
    """The variable and the expression of a node that the user's instruction with number `at` made.

    They are None and "" where that may have made other nodes as well. Functions of Python's own and
    of NumPy do, as in sum(map(tanh, xs)): all would get the name of the result, since the last
    cannot be told from the others. softmax makes some that are no item of its list.
    """
    return _written(Code(code), at, item, op)


@lru_cache(maxsize=4096)
def _written(key: Code, at: int, item: int | None, op: Any) -> tuple[str | None, str]:
    origin = origin_of(key.code, at, item)
    by = origin.called
    alone = by is None or by in ONE or item is not None or (op and by == op.name)
    within = by in MANY or (op is not None and op.symbol in ARITHMETIC)
    if origin.library or (within and not alone):
        return None, ""
    text = enclosed(origin.code)
    return origin.name, text if item is None or not text else f"{text}[{item}]"
