"""Masking of secrets in everything that is logged and shown."""
