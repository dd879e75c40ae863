"""Requests that the server sends: to real services, and webhooks."""
