"""Calls as source text, in which some arguments are good and others are anything at all.

A case that is a text can be kept in a file, read, and pasted.
"""

import decimal
import fractions
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import engine
import nn

__all__ = ["calls", "run", "words"]

WORDS = Path(__file__).with_name("words")


def words(name: str) -> list[str]:
    """What stands in a file of words, between blanks."""
    return (WORDS / f"{name}.txt").read_text(encoding="utf-8").split()


ODD = st.sampled_from(words("odd"))
NAMES: dict[str, Any] = {
    **{name: getattr(engine, name) for name in engine.__all__ if name != "Program"},
    **{name: getattr(nn, name) for name in nn.__all__},
    "np": np,
    "math": math,
    "random": random,
    "nan": math.nan,
    "inf": math.inf,
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "engine": engine,
    "nn": nn,
    "Program": engine.Program,
    "Value": engine.Value,
}


@st.composite
def calls(draw: Any, kind: str) -> str:
    """A call of the file `kind`, `f(|good|,name=|good|)`, in which some are anything instead."""
    parts = draw(st.sampled_from(words(kind))).split("|")
    for i in range(1, len(parts), 2):
        if draw(st.integers(0, 2)) == 0:
            parts[i] = draw(ODD)
    return "".join(parts)


def run(source: str, **more: Any) -> Any:
    """The value of a source text."""
    return eval(compile(source, "<case>", "eval"), {**NAMES, **more})
