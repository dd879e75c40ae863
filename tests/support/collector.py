"""A collector on loopback: it decodes what is exported by OTLP over HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def plain(attributes):
    """The attributes of a message by their names."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


class Collector:
    """`traces` and `metrics` are the decoded requests; `status` is what it answers, once `gate` is set."""

    def __init__(self, status=200):
        self.traces, self.metrics, self.headers = [], [], []
        self.status = status
        self.gate = threading.Event()
        self.gate.set()
        self._more = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                collector._take(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _take(self, request):
        data = request.rfile.read(int(request.headers["content-length"]))
        kinds = {
            "/v1/traces": (ExportTraceServiceRequest, self.traces),
            "/v1/metrics": (ExportMetricsServiceRequest, self.metrics),
        }
        kind, kept = kinds[request.path]
        with self._more:
            self.headers.append(dict(request.headers))
            if self.status == 200:
                kept.append(kind.FromString(data))
            self._more.notify_all()
        self.gate.wait(60)
        request.send_response(self.status)
        request.send_header("Content-Type", "application/x-protobuf")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def until(self, holds):
        """Wait until it holds of the collector."""
        with self._more:
            assert self._more.wait_for(lambda: holds(self), 20)

    @property
    def spans(self):
        return [
            span
            for one in self.traces
            for resource in one.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resources(self):
        return [plain(resource.resource.attributes) for one in self.traces for resource in one.resource_spans]

    def points(self, name):
        """The points of a metric in the last export: their values by their attributes."""
        found = [
            metric for resource in self.metrics[-1].resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
            if metric.name == name
        ]  # fmt: skip
        return [point for metric in found for point in getattr(metric, metric.WhichOneof("data")).data_points]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
