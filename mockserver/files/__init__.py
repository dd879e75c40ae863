"""Scenario files to specs and back, positions kept."""
