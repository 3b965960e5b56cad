"""jobs: real data through the estimators, beside scikit-learn's networks and a loop of PyTorch."""

from tests.benchmarks.jobs.measure import jobs_rows, measure_jobs

__all__ = ["jobs_rows", "measure_jobs"]
