"""
Other tools' formats, one module each: `read` makes scenarios of a file or folder,
`write` makes the other tool's files of scenarios.

A module is found by its format's name in `FORMATS` and imported when it is asked for.
"""

from __future__ import annotations
