"""
Exports of one server: a span for each call, and metrics, by OTLP over HTTP (the extra `otel`).

A span is made when its call is complete; batches are sent by threads of the SDK. What can't be sent is dropped, and logged
once. The providers are not the global ones, so an application in the same process keeps its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mockserver import __version__
from mockserver.engine.call_listeners import listen_everywhere
from mockserver.engine.engine import Engine
from mockserver.model.call import Call
from mockserver.telemetry.attributes import error_type, metric_attributes, span_attributes, span_name

log = logging.getLogger("mockserver")
FLUSH_S = 2.0
"""Time for the last batch when a server stops."""
_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bucket bounds that the semantic conventions recommend."""
_TRACE_HEADERS = ("traceparent", "tracestate")
Tally = Callable[[], Mapping[str, int]]
"""Number of events by kind, since the start of the server."""


class Telemetry:
    """Exports to the collector at `url`: traces and metrics, unless OTEL_TRACES_EXPORTER or OTEL_METRICS_EXPORTER is none."""

    def __init__(self, url: str, engine: Engine, faults: Tally, tries: Tally) -> None:
        self._engine = engine
        self._failures = _FirstFailure(url)
        logging.getLogger("opentelemetry").addHandler(self._failures)
        base, resource = url.rstrip("/"), _resource()
        self._propagator = TraceContextTextMapPropagator()
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if _is_exported("OTEL_TRACES_EXPORTER"):
            exporter = OTLPSpanExporter(f"{base}/v1/traces")
            self._traces.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._traces.get_tracer("mockserver", __version__)
        readers = []
        if _is_exported("OTEL_METRICS_EXPORTER"):
            readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics")))
        self._metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter("mockserver", __version__)
        self._durations = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Duration of HTTP server requests.",
            explicit_bucket_boundaries_advisory=_BOUNDS_S,
        )
        for name, tally, key in (
            ("mockserver.faults", faults, "mockserver.fault"),
            ("mockserver.webhook.attempts", tries, "mockserver.webhook.result"),
            ("mockserver.refused", lambda: dict(engine.shared.refused), "mockserver.limit"),
        ):
            meter.create_observable_counter(name, [_observed(tally, key)])
        meter.create_observable_gauge(
            "mockserver.namespaces", [lambda _: [Observation(len(engine.namespaces))]]
        )
        listen_everywhere(engine, self._closed)

    def _closed(self, call: Call) -> None:
        try:
            self._record(call)
        except Exception:  # a call must not fail with its telemetry
            log.exception("a call was not exported")

    def _record(self, call: Call) -> None:
        request, template = call.request, self._template(call)
        ended_at_s = call.ended_at_s
        duration_s = 0.0 if ended_at_s is None else max(0.0, ended_at_s - request.arrived_at_s)
        started_ns = int(request.arrived_s * 1e9)
        name = span_name(call, template)
        span = self._tracer.start_span(name, self._parent(call), SpanKind.SERVER, start_time=started_ns)
        if span.is_recording():  # attributes are most of the cost, and a sampler drops spans
            span.set_attributes(span_attributes(call, template))
            if error_type(call) is not None:
                span.set_status(Status(StatusCode.ERROR))
        span.end(started_ns + int(duration_s * 1e9))
        self._durations.record(duration_s, metric_attributes(call, template), Context())

    def _template(self, call: Call) -> str | None:
        """Return the path of the route, with parameters; None for an unmatched call, and if the route was removed."""
        ns = self._engine.namespaces.get(call.namespace)
        route = None if ns is None or call.route_id is None else ns.route(call.route_id)
        return None if route is None else route.pattern.text

    def _parent(self, call: Call) -> Context:
        headers = call.request.headers
        carrier = {name: headers[name] for name in _TRACE_HEADERS if name in headers}
        return self._propagator.extract(carrier, Context()) if carrier else Context()

    async def close(self) -> None:
        """Send what is left, and wait for that a moment."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut() -> None:
            self._traces.shutdown()
            self._metrics.shutdown(timeout_millis=FLUSH_S * 1000)
            logging.getLogger("opentelemetry").removeHandler(self._failures)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        # A daemon: a collector that does not answer must not keep the process.
        threading.Thread(target=shut, name="mockserver-telemetry", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), FLUSH_S)


class _FirstFailure(logging.Handler):
    """Logs the first failure of the SDK; a collector that is away would fail with each batch."""

    def __init__(self, url: str) -> None:
        super().__init__(logging.WARNING)
        self._url = url
        self._was_told = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._was_told:
            return
        self._was_told = True
        log.warning(
            "telemetry can't be exported to %s: %s. Calls are not affected; further failures are not logged",
            self._url,
            record.getMessage().rstrip("."),
        )


def _is_exported(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() != "none"


def _resource() -> Resource:
    """Return the resource of OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME; the default name is `mockserver`."""
    resource = Resource.create({"service.version": __version__})
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "mockserver"}))
    return resource


def _observed(tally: Tally, key: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda _: [Observation(count, {key: kind}) for kind, count in tally().items()]
