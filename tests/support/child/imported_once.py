"""
A plugin of the pytest that tests start: the server is imported at once, out of reach of the garbage collector.

Collections during the imports and at the end of pytest look through all that was imported, and take a quarter of its time.
"""

import gc
import sys

if "mockserver.sessions.servers" not in sys.modules:
    gc.disable()
    import mockserver.sessions.servers  # noqa: F401

    gc.freeze()
    gc.enable()
