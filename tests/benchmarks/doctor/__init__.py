"""doctor: faults are planted in healthy trainings, and the doctor is asked what is wrong.

`python -m tests.benchmarks.doctor KIND ...` shows single ones: the script, and what was said of it.
"""

from tests.benchmarks.doctor.measure import measure_doctor

__all__ = ["measure_doctor"]
