"""Sets the OpenTelemetry SDK up when the standard environment asks for it.

Without ``OTEL_EXPORTER_OTLP_ENDPOINT`` nothing is set up, and the spans and measurements of the interceptors
cost next to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVICE_NAME = "muniment"


@contextmanager
def set_up_telemetry() -> Iterator[None]:
    """Export spans and metrics over OTLP/gRPC while the context lasts, if the environment names where to."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        yield
        return
    # The SDK is imported only when it is wanted: it costs start-up time and memory.
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", SERVICE_NAME)})
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    measurements = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
    metrics.set_meter_provider(measurements)
    try:
        yield
    finally:
        spans.shutdown()
        measurements.shutdown()
