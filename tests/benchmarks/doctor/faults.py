"""All faults, in one table."""

from tests.benchmarks.doctor.fault import Fault
from tests.benchmarks.doctor.step_faults import STEPS

__all__ = ["FAULTS", "KINDS"]

FAULTS: list[Fault] = [*STEPS]
KINDS = tuple(dict.fromkeys(fault.name for fault in FAULTS))
