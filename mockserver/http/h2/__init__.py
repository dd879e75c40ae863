"""HTTP/2: frames, header blocks, streams (RFC 9113, RFC 7541)."""
