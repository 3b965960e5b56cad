"""Float functions that always answer: stable in the middle, defined at the edges.

Python floats disagree with themselves (`math.log(0)` raises, `1e200*1e200` is inf). Here every
function is total, as IEEE 754 and C99 have it: a pole and an overflow give inf, an undefined point
gives nan, and nothing raises. Whether that is an error is for the numeric mode to say (modes.py).
Each formula keeps its digits in the tails; where it is not the textbook one, a comment says why.
"""

import math
from math import inf, nan


def log(x: float) -> float:
    return math.log(x) if x > 0.0 else -inf if x == 0.0 else x + nan


def divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return math.copysign(inf, a) * math.copysign(1.0, b) if a == a and a else nan


def greater(x: float, y: float) -> float:
    return float(x > y)


def greater_equal(x: float, y: float) -> float:
    return float(x >= y)
