"""Commands that inspect and control a running server, by its admin API."""
