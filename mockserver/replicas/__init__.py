"""Many replicas, one mock: namespaces that are shared through a store, each run by one replica at a time."""
