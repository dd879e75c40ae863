"""What the pytest plugin is made of; `mockserver.pytest_plugin` holds the hooks and fixtures."""
