"""Responses: bodies, streams, delays, faults."""
