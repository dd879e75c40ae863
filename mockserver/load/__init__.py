"""The calls of many operations together: rules on a client under load, and its calls over time."""
