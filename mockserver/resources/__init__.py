"""Resources: collections of items with CRUD operations."""
