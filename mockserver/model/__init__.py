"""Values shared by all packages."""
