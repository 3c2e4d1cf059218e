"""Publish what a deployed function measures as metrics in CloudWatch, AWS' monitoring."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

_METRICS = Metrics(namespace="ParkinsonEyeTracking", service="eye-tracking")


def publish(measured: dict[str, float]) -> None:
    """Publish measured values in CloudWatch.

    `measured` holds them by name, such as ``AnalysisSeconds`` and ``FramesProcessed``. The unit of
    a name that ends in ``Seconds`` is the second; all others get the unit "Count".
    """
    for name, value in measured.items():
        unit = MetricUnit.Seconds if name.endswith("Seconds") else MetricUnit.Count
        _METRICS.add_metric(name=name, unit=unit, value=value)
    _METRICS.flush_metrics()
