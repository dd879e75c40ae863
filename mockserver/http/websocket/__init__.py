"""WebSocket connections on the wire: the handshake, and the conversation after it."""
