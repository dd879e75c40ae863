"""The admin API: one resource a file."""
