"""mockserver: a programmable mock server for external services."""

__version__ = "0.1.0"
