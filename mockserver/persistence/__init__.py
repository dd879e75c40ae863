"""The state file: serialising namespaces, and restoring them."""
