"""Does a request fit a route, and if not, why not."""
