"""Recorded exchanges to a scenario that a person would have written. Pure: no file is written here."""
