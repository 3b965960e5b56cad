"""The rows of engine/operations beyond those that the core's own tests know."""

from engine.core.operation import TABLE
from tests.core.oracles import ORACLES

MORE = {name for name, row in TABLE.items() if not row.own} - ORACLES.keys() - {"constant"}
