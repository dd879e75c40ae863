"""The HTTP server: bytes to requests, plans to bytes."""
