"""YAML with positions: reading, hints and writing."""
