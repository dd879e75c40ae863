"""Templates: compiling and rendering with a bounded budget."""
