"""`mockserver record`: a real service recorded from the command line."""
