"""All faults, in one table."""

from tests.benchmarks.doctor.data_faults import DATA
from tests.benchmarks.doctor.fault import Fault
from tests.benchmarks.doctor.loss_faults import LOSSES
from tests.benchmarks.doctor.network_faults import NETWORKS
from tests.benchmarks.doctor.number_faults import NUMBERS
from tests.benchmarks.doctor.step_faults import STEPS

__all__ = ["FAULTS", "KINDS"]

FAULTS: list[Fault] = [*STEPS, *NETWORKS, *LOSSES, *NUMBERS, *DATA]
KINDS = tuple(dict.fromkeys(fault.name for fault in FAULTS))
