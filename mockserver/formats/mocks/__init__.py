"""What the importers of other mock servers have in common."""
