"""Sweeps the real clients of `clients/`, and writes docs/gallery.md: see scripts/gallery."""
