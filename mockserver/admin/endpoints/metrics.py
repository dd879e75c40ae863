"""
`/metrics` for Prometheus, by prometheus-client (the extra `metrics`).

Totals cover all namespaces: there may be 100,000 of them, each for one test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from mockserver import __version__
from mockserver.admin.api import AdminRequest, Answer, ProblemError, table
from mockserver.engine.engine import Engine
from mockserver.engine.latencies import BOUNDS_S, Latencies
from mockserver.engine.monitoring import MetricsReading, Watch
from mockserver.model.http import Response
from mockserver.schema.reply import FaultKind
from mockserver.store.bounds import KINDS
from mockserver.store.delivery import DeliveryState

if TYPE_CHECKING:
    from prometheus_client import Metric

RESULTS = ("delivered", "refused", "unanswered")
Tally = Callable[[], Mapping[str, int]]
"""Number of events by kind, since the start of the server."""


@table.get(
    "/metrics",
    "Metrics for Prometheus: text, or OpenMetrics by Accept. Totals of all namespaces.",
    content_type="text/plain",
    other_types=("application/openmetrics-text",),
    errors=(501,),
    namespaced=False,
)
async def get_metrics(request: AdminRequest[Any]) -> Answer:
    return await request.services.metrics(",".join(request.http.headers.all("accept")))


class Metrics:
    """
    The metrics of one server: `faults` by kind, `tries` of webhooks by result, `shared` of a shared store.

    Nothing is computed before the first request.
    """

    def __init__(
        self, engine: Engine, faults: Tally, tries: Tally, shared: Callable[[], Iterable[Family]] = tuple
    ) -> None:
        self._watch = Watch(engine)
        self._refused = engine.shared.refused
        self._faults = faults
        self._tries = tries
        self._shared = shared
        self._lock = asyncio.Lock()

    async def __call__(self, accept: str) -> Response:
        """Return the answer in an accepted format. Raises ProblemError(501) without the extra."""
        await asyncio.to_thread(_check_library)
        async with self._lock:  # of two that ask at once, the second would read while the first is halfway
            reading = await self._read()
            families = [*_calls(reading), *_happened(self._faults(), self._tries(), self._refused)]
            families += [*_latency(self._watch.latencies), *_standing(reading), *self._shared()]
        data, content_type = await asyncio.to_thread(_written, families, accept)
        return Response(200, [("Content-Type", content_type)], data)

    async def _read(self) -> MetricsReading:
        for reading in self._watch.read():
            if reading is not None:
                return reading
            await asyncio.sleep(0)
        raise AssertionError("a reading ends with what was read")


Family = tuple[str, str, str, Any]
"""Kind, name, help and samples. Created without the library, to keep the event loop free."""


LIMITS = (
    "body", "connections", "descriptors", "head", "headers", "http2_flood", "http2_streams", "namespaces", "read_timeout", "requests", "routes", "streams", "webhooks",
    *KINDS,
)  # fmt: skip


def _counter(name: str, said: str, value: object) -> Family:
    return "counter", f"mockserver_{name}", said, value


def _gauge(name: str, said: str, value: object) -> Family:
    return "gauge", f"mockserver_{name}", said, value


def _calls(reading: MetricsReading) -> Iterator[Family]:
    totals = reading.totals
    by_route = sorted(((route, str(status)), number) for (route, status), number in totals.calls.items())
    said = "Calls of routes, by route and status, or the fault that replaced it."
    yield _counter("calls", said, (("route", "status"), by_route))
    yield _counter("unmatched_calls", "Unmatched requests.", totals.unmatched)
    yield _counter("automatic_calls", "Automatic answers without a route, such as OPTIONS.", totals.automatic)
    yield _counter("incomplete_calls", "Requests whose body was not received completely.", totals.incomplete)
    yield _gauge("calls_in_flight", "Calls of routes in progress.", reading.in_flight)


def _happened(
    faults: Mapping[str, int], tries: Mapping[str, int], refused: Mapping[str, int]
) -> Iterator[Family]:
    yield _counter("refused", "How often a limit was reached.", _by("limit", refused, LIMITS))
    yield _counter("faults", "Injected faults by kind.", _by("kind", faults, FaultKind))
    said = "Attempts of webhooks by result: delivered is a 2xx."
    yield _counter("webhook_tries", said, _by("result", tries, RESULTS))


def _latency(latencies: Latencies) -> Iterator[Family]:
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    buckets = list(zip(bounds, accumulate(latencies.counts), strict=True))
    said = "Time from the request to the decision about the answer, without delays of scenarios and the transfer of bodies."
    yield "histogram", "mockserver_own_latency_seconds", said, (buckets, latencies.sum_s)
    said = "Calls missing in mockserver_own_latency_seconds: they were removed from the call log before they were read."
    yield _counter("own_latency_unobserved_calls", said, latencies.unobserved)


def _standing(reading: MetricsReading) -> Iterator[Family]:
    yield _gauge("record_calls", "Calls in the call log.", reading.kept_calls)
    yield _gauge("record_bytes", "Approximate size of the call log.", reading.kept_bytes)
    dropped = reading.totals.dropped
    yield _counter("record_dropped_calls", "Calls that were removed from the call log.", dropped)
    yield _gauge("namespaces", "Namespaces, including default.", reading.namespaces)
    yield _gauge("scenarios", "Scenarios of files.", reading.scenarios)
    yield _gauge("routes", "Their routes.", reading.routes)
    yield _gauge("webhooks", "Webhooks by state.", _by("state", reading.webhooks, DeliveryState))
    yield _gauge("build_info", "Always 1.", (("version",), [((__version__,), 1)]))


def _by(label: str, numbers: Mapping[str, int], known: Iterable[str]) -> object:
    """Return samples with one label. Kinds without events are 0, because a series that begins with 1 has no rate."""
    return (label,), [((str(kind),), numbers.get(kind, 0)) for kind in known]


def _check_library() -> None:
    """Raise ProblemError(501) if the extra is missing."""
    try:
        import_module("prometheus_client")
    except ImportError:
        hint = "Install the extra mockserver[metrics]"
        title = "GET /__admin/metrics needs a library that is not installed"
        raise ProblemError(501, "missing-extra", title, hint) from None


def _written(families: list[Family], accept: str) -> tuple[bytes, str]:
    """Return the text and its content type. Runs in a thread."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    ProcessCollector(registry=registry)
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # an invalid version
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


class _Families:
    """A collector of families that were read before."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return (_metric(*family) for family in self._families)


def _metric(kind: str, name: str, said: str, value: Any) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    if kind == "histogram":
        buckets, total = value
        return HistogramMetricFamily(name, said, buckets=buckets, sum_value=total)
    made = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
    if not isinstance(value, tuple):
        return made(name, said, value=value)
    labels, samples = value
    family = made(name, said, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
