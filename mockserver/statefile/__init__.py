"""The file that keeps what a server remembers over its end: one document, written whole or not at all."""
