"""The state file: saving and restoring namespaces."""
