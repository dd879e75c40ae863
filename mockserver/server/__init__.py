"""A server in this process: `Server` runs one on a thread, `running` on the main thread."""

from mockserver.server.server import Running, Server

Server.__module__ = __name__  # its public path
__all__ = ["Running", "Server"]
