"""The server of a test session, and what it says of failed tests: for pytest and for `mockserver sweep`."""
