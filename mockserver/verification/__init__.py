"""Checks of calls, explanations of replies, and lint of scenarios."""
