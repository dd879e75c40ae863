"""`mockserver diff`: whether a scenario still answers what the real service does, in shape and types."""
