"""Masking secrets in what is logged and shown."""
