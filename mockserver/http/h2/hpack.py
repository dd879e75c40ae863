"""
Header blocks of HTTP/2 (HPACK, RFC 7541).

Blocks of clients are decoded with all that the format has. Own blocks use only the static table and plain text: they
depend on no state, so that those of ready responses are encoded once.
"""

from __future__ import annotations

from functools import lru_cache

from mockserver.errors import MockServerError

Field = tuple[bytes, bytes]

TABLE_BYTES = 4096
"""Limit of the dynamic table; the default of the protocol."""
_FIELD_BYTES = 32
"""Added to the length of each field, by the RFC."""

_STATIC: tuple[Field, ...] = tuple(
    (name.encode(), value.encode())
    for name, _, value in (
        field.partition("=")
        for field in (  # noqa: SIM905  (a list takes a line for each)
            ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|"
            ":status=200|:status=204|:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|"
            "accept-encoding=gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age|"
            "allow|authorization|cache-control|content-disposition|content-encoding|content-language|"
            "content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|"
            "host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|"
            "location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|"
            "server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate"
        ).split("|")
    )
)
"""The static table (appendix A); its first index is 1."""

_INDEXES = {field: index for index, field in enumerate(_STATIC, 1)}
_INDEXES_OF_NAMES = {name: index for index, (name, _) in reversed(tuple(enumerate(_STATIC, 1)))}

_CODE_LENGTHS = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\0$@[]~",
    14: b"^}",
    15: b"<`{",
    19: b"\\\xc3\xd0",
    20: b"\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
    21: b"\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
    22: b"\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
    23: b"\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
    24: b"\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
    25: b"\xc7\xcf\xea\xeb",
    26: b"\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
    27: b"\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
    28: b"\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
    30: b"\n\r\x16",
}
"""The bytes by the length of their Huffman codes (appendix B). Codes of one length count up in the order of the bytes."""


class HeaderBlockError(MockServerError):
    """An invalid header block; the decoder can't be used any more."""


class TooManyFieldsError(MockServerError):
    """A header block with more than the allowed bytes; the decoder can't be used any more."""


class HeaderDecoder:
    """
    Decoder of the blocks of one connection. `changes` counts how often its table has changed: between two changes the
    same block means the same.
    """

    __slots__ = ("_entries", "_most_bytes", "_most_table_bytes", "_table_bytes", "changes")

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: list[Field] = []
        """The dynamic table, newest last."""
        self._table_bytes = 0
        self._most_table_bytes = TABLE_BYTES
        self.changes = 0

    def decode(self, block: bytes) -> list[Field]:
        """Return the fields. Raises HeaderBlockError, TooManyFieldsError."""
        fields: list[Field] = []
        at, end, left = 0, len(block), self._most_bytes
        try:
            while at < end:
                first = block[at]
                if first >= 0x80:
                    index, at = _integer(block, at, 0x7F)
                    field = self._field(index)
                elif first >= 0x40:
                    field, at = self._literal(block, at, 0x3F)
                    self._add(field)
                elif first >= 0x20:
                    size, at = _integer(block, at, 0x1F)
                    if fields or size > TABLE_BYTES:
                        raise HeaderBlockError("an update of the table's size is invalid")
                    self._most_table_bytes = size
                    self._evict()
                    continue
                else:
                    field, at = self._literal(block, at, 0x0F)
                left -= len(field[0]) + len(field[1]) + _FIELD_BYTES
                if left < 0:
                    raise TooManyFieldsError(f"more than {self._most_bytes} bytes of header fields")
                fields.append(field)
        except IndexError:
            raise HeaderBlockError("a header block is cut off, or names a missing field") from None
        return fields

    def _field(self, index: int) -> Field:
        """Raises IndexError, HeaderBlockError."""
        if index > len(_STATIC):
            return self._entries[len(_STATIC) - index]
        if not index:
            raise HeaderBlockError("a header block names the field 0")
        return _STATIC[index - 1]

    def _literal(self, block: bytes, at: int, mask: int) -> tuple[Field, int]:
        index, at = _integer(block, at, mask)
        if index:
            name = self._field(index)[0]
        else:
            name, at = _text(block, at)
        value, at = _text(block, at)
        return (name, value), at

    def _add(self, field: Field) -> None:
        self._entries.append(field)
        self._table_bytes += len(field[0]) + len(field[1]) + _FIELD_BYTES
        self._evict()

    def _evict(self) -> None:
        """Remove the oldest entries until the table has its size."""
        self.changes += 1
        entries, count = self._entries, 0
        while self._table_bytes > self._most_table_bytes:
            name, value = entries[count]
            self._table_bytes -= len(name) + len(value) + _FIELD_BYTES
            count += 1
        del entries[:count]


def _integer(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """Return a number (5.1), and the offset after it. Raises IndexError, HeaderBlockError."""
    value = block[at] & mask
    at += 1
    if value < mask:
        return value, at
    for shift in range(0, 28, 7):
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise HeaderBlockError("a number of a header block is too large")


def _text(block: bytes, at: int) -> tuple[bytes, int]:
    """Return a string (5.2), and the offset after it. Raises IndexError, HeaderBlockError."""
    is_coded = block[at] >= 0x80
    length, at = _integer(block, at, 0x7F)
    end = at + length
    if end > len(block):
        raise IndexError
    data = block[at:end]
    if is_coded:
        data = _decoded(data) if length <= _SHORT_BYTES else _huffman(data)
    return data, end


_SHORT_BYTES = 256


def _huffman(data: bytes) -> bytes:
    """Decode a Huffman code (5.2). Raises HeaderBlockError."""
    table, ends = _machine()
    state, out = 0, bytearray()
    for byte in data:
        state, symbol = table[state << 4 | byte >> 4]
        if symbol is not None:
            out.append(symbol)
        state, symbol = table[state << 4 | byte & 0xF]
        if symbol is not None:
            out.append(symbol)
    if not ends[state]:
        raise HeaderBlockError("a Huffman code is invalid")
    return bytes(out)


_decoded = lru_cache(1024)(_huffman)


@lru_cache(1)
def _machine() -> tuple[list[tuple[int, int | None]], list[bool]]:
    """
    Return the decoder as a state machine: for each state and four bits the next state and a byte, if one is complete;
    and for each state whether a code may end there. A state is a node of the code's tree.
    """
    children: list[list[int]] = [
        [0, 0]
    ]  # a positive number is a node, a negative one ~byte, 0 the code of EOS
    code = length = 0
    for size, symbols in _CODE_LENGTHS.items():
        for byte in symbols:
            code <<= size - length
            length = size
            node = 0
            for shift in range(size - 1, 0, -1):
                bit = code >> shift & 1
                if not children[node][bit]:
                    children.append([0, 0])
                    children[node][bit] = len(children) - 1
                node = children[node][bit]
            children[node][code & 1] = ~byte
            code += 1
    dead = len(children)
    table: list[tuple[int, int | None]] = []
    for start in range(dead):
        for bits in range(16):
            state, symbol = start, None
            for shift in (3, 2, 1, 0):
                state = children[state][bits >> shift & 1]
                if not state:
                    state = dead
                    break
                if state < 0:
                    state, symbol = 0, ~state
            table.append((state, symbol))
    table += [(dead, None)] * 16
    ends = [False] * (dead + 1)
    node = 0
    for _ in range(8):  # fewer than eight bits of padding, all ones
        ends[node] = True
        node = children[node][1]
    return table, ends


def literal(name: bytes, value: bytes) -> bytes:
    """Encode a field that leaves the tables as they are."""
    index = _INDEXES_OF_NAMES.get(name)
    if index is None:
        return b"\0" + _encoded_integer(len(name), 0x7F) + name + _encoded_integer(len(value), 0x7F) + value
    return _encoded_integer(index, 0x0F) + _encoded_integer(len(value), 0x7F) + value


def indexed_or_literal(name: bytes, value: bytes) -> bytes:
    """Encode a field by its index in the static table, if it has one."""
    index = _INDEXES.get((name, value))
    return literal(name, value) if index is None else bytes((0x80 | index,))


NO_TABLE = b"\x20"
"""Says that the encoder has no dynamic table (6.3): the beginning of the first block, and valid whatever the client sets."""


def _encoded_integer(value: int, mask: int) -> bytes:
    if value < mask:
        return bytes((value,))
    out = bytearray((mask,))
    value -= mask
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
