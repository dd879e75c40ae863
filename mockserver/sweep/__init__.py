"""The resilience sweep: plan, verdicts and report. Only `writing` does I/O."""
