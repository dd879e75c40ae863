"""Processing of calls: begin, finish, verify, explain."""
