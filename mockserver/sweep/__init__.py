"""The resilience sweep: what is tried, what became of it, and the report. Pure but for writing the report."""
