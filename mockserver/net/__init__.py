"""The wire: bytes to requests, plans to bytes."""
