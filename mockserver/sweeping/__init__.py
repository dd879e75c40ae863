"""`mockserver sweep`: the resilience sweep of a suite in any language, which is a command with an exit code."""
