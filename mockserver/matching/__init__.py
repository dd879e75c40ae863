"""Conditions on requests, the index of routes, and explanations of mismatches."""
