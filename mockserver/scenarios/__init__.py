"""Scenario files: finding, reading and watching them."""
