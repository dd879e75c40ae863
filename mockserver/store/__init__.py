"""The stored data of a namespace, changed atomically."""
