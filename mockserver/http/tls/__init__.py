"""TLS of the HTTP server: certificates, the handshake, client certificates."""
