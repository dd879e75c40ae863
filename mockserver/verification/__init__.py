"""Judging calls: checks, explanations, lint."""
