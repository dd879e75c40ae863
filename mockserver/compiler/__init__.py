"""Compiles what authors write (`schema/`) to routes (`engine/routes.py`)."""
