"""What a namespace remembers, and the one atomic step that changes it."""
