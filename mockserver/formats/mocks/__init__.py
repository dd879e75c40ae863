"""Shared parts of the importers and exporters of mock servers."""
