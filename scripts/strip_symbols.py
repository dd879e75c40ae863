"""
Removes from compiled modules what is not loaded: symbols for debuggers, which are most of some wheels.

    python scripts/strip_symbols.py FOLDER

Everything after the last segment of an ELF file goes, and with it the section headers, which no loader reads. The
Dockerfile uses it, since slim images have no `strip`.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

ELF_64_LITTLE = b"\x7fELF\x02\x01"
_PROGRAM_HEADERS_AT, _SECTION_HEADERS_AT = 0x20, 0x28
_PROGRAM_HEADER_SIZE_AT, _SECTION_COUNT_AT = 0x36, 0x3C


def strip(path: Path) -> int:
    """Strip one file in place; any other kind of file stays as it is. Return the number of bytes removed."""
    data = path.read_bytes()
    if not data.startswith(ELF_64_LITTLE):
        return 0
    (start,) = struct.unpack_from("<Q", data, _PROGRAM_HEADERS_AT)
    size, count = struct.unpack_from("<HH", data, _PROGRAM_HEADER_SIZE_AT)
    end = start + size * count
    for number in range(count):
        offset, _, _, in_file = struct.unpack_from("<4Q", data, start + size * number + 8)
        end = max(end, offset + in_file)
    stripped = bytearray(data[:end])
    struct.pack_into("<Q", stripped, _SECTION_HEADERS_AT, 0)
    struct.pack_into("<HH", stripped, _SECTION_COUNT_AT, 0, 0)
    path.write_bytes(stripped)
    return len(data) - int(end)


if __name__ == "__main__":
    removed = sum(strip(path) for path in Path(sys.argv[1]).rglob("*.so*") if path.is_file())
    print(f"{removed / 1e6:.1f} MB of symbols removed")
