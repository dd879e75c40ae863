"""From what authors write (`schema/`) to routes that answer (`engine/routes.py`)."""
