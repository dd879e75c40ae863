"""The life of a call: begin, finish, verify, explain."""
