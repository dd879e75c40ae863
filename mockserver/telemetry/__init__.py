"""OpenTelemetry: traces and metrics of the calls, exported by OTLP."""
