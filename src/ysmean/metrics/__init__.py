"""Metrics of rankings and of probabilities, with intervals; NumPy only."""

from ysmean.metrics.bootstrap import Difference, bootstrap_interval, holm, paired_bootstrap
from ysmean.metrics.calibration import (
    Reliability,
    calibration_error_limit,
    expected_calibration_error,
    reliability,
)
from ysmean.metrics.ranking import (
    coverage,
    hit_rate,
    mean_nll,
    ndcg,
    percentiles,
    reciprocal_rank,
)

__all__ = [
    "Difference",
    "Reliability",
    "bootstrap_interval",
    "calibration_error_limit",
    "coverage",
    "expected_calibration_error",
    "hit_rate",
    "holm",
    "mean_nll",
    "ndcg",
    "paired_bootstrap",
    "percentiles",
    "reciprocal_rank",
    "reliability",
]
