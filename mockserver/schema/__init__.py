"""What authors write, as pydantic models."""
