"""
What a fuzzed client says on one connection, made from a seed and a number alone: the same two make the same bytes.

Half of them are well-formed, however odd: each of their requests must be
answered and counted. The others are broken on purpose.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

SCENARIO = """
resources: [{path: /items, id: {field: id, generate: increment}, seed: {count: 3, each: {id: "{{ n }}"}}, page: {number: page, size: size}}]
routes:
  - {request: "ANY /valid/{rest:.+}", reply: {text: "{{ request.body }}"}}
  - {request: "ANY /plain", reply: {text: plain}}
  - {request: "ANY /slow", reply: {text: slow, delay: 2ms}}
  - {request: "ANY /drip", reply: {text: "0123456789", throttle: {chunks: 3, over: 3ms}}}
  - {request: "ANY /events", reply: {events: [one, {data: {n: 2}}, three]}}
  - {request: "ANY /sequence", reply: [{status: 429}, {status: 404, times: 2}, 200], then: cycle, per: headers.idempotency-key}
  - {request: "POST /once", idempotency: {header: idempotency-key}, reply: {status: 201, json: {n: "{{ call.number }}"}, effect: {kind: paid}}}
  - {request: "ANY /secret", auth: {bearer: [s3cret]}, reply: 200}
  - {request: "ANY /few", limit: {rate: 5/s}, reply: 200}
  - {request: "POST /form", match: {form: {a: present}}, reply: {text: "{{ request.form.a | default('') }}"}}
  - {request: "POST /upload", match: {files: {f: {filename: present}}}, reply: 200}
  - {request: "POST /json", match: {json: {a: {$gte: 1}, b: [{c: $absent}]}}, reply: {json: "{{ request.json }}"}}
  - {request: "POST /path", match: {jsonpath: {"$..a": {contains: 1}}}, reply: 200}
  - {request: "POST /xml", match: {xml: {"//a/@b": present}}, reply: 200}
  - {request: "POST /graphql", match: {graphql: {operation: A}}, reply: 200}
  - {request: "POST /schema", match: {schema: {type: object, required: [a]}}, reply: 200}
  - {request: "GET /state", when: {"k.{{ request.query.k }}": absent}, set: {"k.{{ request.query.k }}": "1"}, set_ttl: 1s, reply: 200}
  - {request: "ANY /fault/reset", reply: {text: x, fault: reset}}
  - {request: "ANY /fault/close", reply: {text: x, fault: {kind: close, after: headers}}}
  - {request: "ANY /fault/garbage", reply: {text: x, fault: garbage}}
  - {request: "ANY /fault/truncate", reply: {text: "0123456789", fault: truncate}}
  - request: WS /socket
    reply:
      - websocket: [{on: [{receive: {json: {a: 1}}, steps: {send: {text: "{{ message.text }}"}}}]}, {receive: {text: x, timeout: 1s}}, {send: {text: y}}]
      - websocket: [{repeat: forever, steps: [{send: {text: tick}}, {delay: 2ms}]}]
      - websocket: [{send: {text: z}}, {fault: invalid_frame}]
      - websocket: [{ping: ""}, {close: 1011}]
    then: cycle
  - {request: "ANY /fault/chunk", reply: {text: "0123456789", fault: malformed_chunk}}
"""
"""Nothing in it asks for a 5xx, so that each one is a defect."""
FIXED = "host: fixed.example\nroutes: [{request: GET /, reply: 200}]"
"""Another scenario: tunnels to its host end at the server."""
TUNNEL = b"CONNECT fixed.example:443 HTTP/1.1\r\nHost: fixed.example:443\r\n\r\n"

PATHS = ["/plain", "/slow", "/drip", "/events", "/sequence", "/once", "/secret", "/few", "/form", "/upload", "/json", "/path", "/xml", "/graphql", "/schema",
         "/state?k=1", "/items", "/items/2", "/items?page=2&size=1", "/nowhere", "/" + "%2f" * 5_000, "/a1" * 20_000, "/", "//", "/%2e%2e/x", "/@default/plain", "/mock/plain", "/@nobody/x", "/@%00/",
         "/__admin/health", "/__admin/counts", "/__admin/calls?limit=2", "/__admin/@default/unmatched", "/__admin/nothing", "/plain?%ff=%00&&=", "/plain;a=b"]  # fmt: skip
FAULTS = ["/fault/reset", "/fault/close", "/fault/garbage", "/fault/truncate", "/fault/chunk"]
METHODS = [
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "M-SEARCH",
    "get",
    "X",
]
TYPES = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/xml; charset=utf-16",
         "text/plain; charset=nonsense", "application/graphql", ";;==;", "a" * 300, 'x/y; q="\\"']  # fmt: skip
BODIES = [b"", b"{}", b'{"a": 1, "b": [{}]}', b"a=1&a=2&b", b"--x\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\nhi\r\n--x--\r\n", b"<a b='1'/>",
          b'{"query": "query A { a }"}', b"[" * 300 + b"]" * 300, b"\xff\xfe\x00", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b'{"a": 1e999}', b'{"a": NaN}',
          gzip.compress(b"0" * 100_000), b"--x\r\n\r\n--x", b"%" * 50, b"9" * 5000, json.dumps({"a": {"b": "é\ud800"}}).encode(), b"\r\n\r\n", b"0\r\n\r\n"]  # fmt: skip
LINES = ["Idempotency-Key: k1", "Idempotency-Key: é", "Authorization: Bearer s3cret", "Authorization: Basic !!!", "Cookie: a=b; c; =d;;", "baggage: mockserver.namespace=default",
         "baggage: ,,=;=,mockserver.namespace", "x-mockserver-namespace: default", "x-mockserver-namespace: nobody", "traceparent: 00-0-0-0", "Content-Encoding: gzip",
         "Content-Encoding: nonsense, br", "Accept: text/plain", "Accept: ,;q=x", "Origin: null", "Sec-Fetch-Site: cross-site", "Range: bytes=9-1", "If-None-Match: *",
         "X-Forwarded-For: 127.0.0.1", "Upgrade: h2c\r\nConnection: Upgrade", "X-Empty:", "X-Latin: caf\xe9", "Expect: 100-continue", "TE: trailers", "Keep-Alive: 0"]  # fmt: skip


@dataclass(slots=True)
class Conversation:
    """`pieces` are written one after the other. `answers` is how many must come, None where it can't be said."""

    number: int
    pieces: list[bytes] = field(default_factory=list)
    answers: int | None = None
    counted: list[bool] = field(default_factory=list)
    """Of each request whether it asks for /valid, whose calls are counted at the end."""
    heads: list[bool] = field(default_factory=list)
    bodies: list[bytes | None] = field(default_factory=list)
    """What must come back, None where that can't be said."""
    ending: str = "quiet"
    """`quiet` ends its half, `leaves` closes at once, `resets` aborts."""
    in_tunnel: bool = False
    """Whether it begins with a CONNECT, and all the rest is said in the tunnel, without waiting for the answer."""

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


def conversation(seed: str, number: int) -> Conversation:
    """The conversation of that number."""
    chance = Random(f"{seed}/{number}")
    made = Conversation(number)
    if chance.random() < 0.5:
        data = _well_formed(chance, made)
    else:
        data = _broken(chance)
        made.ending = chance.choice(["quiet"] * 6 + ["leaves", "resets"])
    if chance.random() < 0.15:
        made.in_tunnel = True
        data = TUNNEL + data
    made.pieces = _cut(chance, data)
    return made


def _cut(chance: Random, data: bytes) -> list[bytes]:
    """At up to four places, anywhere: within a method, a CRLF, a chunk's size."""
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 0, 1, 2, 4])))
    return [piece for piece in map(data.__getitem__, map(slice, [0, *cuts], [*cuts, None])) if piece]


def _well_formed(chance: Random, made: Conversation) -> bytes:
    requests = []
    made.answers = chance.choice([1, 1, 2, 3, 8])
    for index in range(made.answers):
        counted = chance.random() < 0.6
        path = f"/valid/{made.number}/{index}?x=%20" if counted else chance.choice(PATHS)
        method = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] if counted else METHODS[:-2])
        body = chance.choice(BODIES) if method not in ("GET", "HEAD") or chance.random() < 0.1 else b""
        lines = [f"Content-Type: {chance.choice(TYPES)}"] if body and chance.random() < 0.7 else []
        if not counted:
            # An offer to upgrade ends pipelining; 100-continue adds answers.
            lines += chance.sample([one for one in LINES if not one.startswith(("Upgrade", "Expect"))], chance.randrange(4))  # fmt: skip
        made.counted.append(counted)
        made.heads.append(method == "HEAD")
        # What comes back is a text: bytes that are no UTF-8 don't come back as they went.
        echoes = counted and method != "HEAD" and not lines and body.isascii()
        made.bodies.append(body if echoes else None)
        requests.append(_request(chance, method, path, lines, body))
    return b"".join(requests)


def _request(chance: Random, method: str, path: str, lines: list[str], body: bytes) -> bytes:
    head = [f"{method} {path} HTTP/1.1", f"Host: {chance.choice(['x', 'localhost', '127.0.0.1:80'])}", *lines]
    if body and chance.random() < 0.3:
        head.append("Transfer-Encoding: chunked")
        body = _chunked(chance, body)
    elif body or chance.random() < 0.2:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def _chunked(chance: Random, body: bytes) -> bytes:
    out = b""
    while body:
        size = chance.randint(1, len(body))
        out += b"%x%s\r\n%s\r\n" % (size, chance.choice([b"", b"", b";a=b"]), body[:size])
        body = body[size:]
    return out + b"0\r\n" + chance.choice([b"", b"X-Trailer: 1\r\n"]) + b"\r\n"


# Broken ones


def _broken(chance: Random) -> bytes:
    method, path = chance.choice(METHODS), chance.choice(PATHS + FAULTS)
    body = chance.choice(BODIES)
    good = _request(chance, method, path, chance.sample(LINES, chance.randrange(4)), body)
    data = chance.choice(BREAKS)(chance, good)
    before = _request(chance, "POST", "/plain", [], b"before") if chance.random() < 0.3 else b""
    behind = good if chance.random() < 0.3 else b""
    return before + data + behind


def _bad_line(chance: Random, good: bytes) -> bytes:
    lines = [
        b"GET", b"", b"GET /", b"GET  /plain HTTP/1.1", b"GET /plain HTTP/1.1 ", b"GET\t/plain\tHTTP/1.1", b"GET /plain HTTP/2.0", b"GET /plain HTTP/1.9",
        b"GET /plain http/1.1", b"GET /pl ain HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET /\xff\xfe HTTP/1.1", b"GET plain HTTP/1.1", b"GET * HTTP/1.1",
        b"OPTIONS * HTTP/1.1", b"CONNECT fixed.example:0 HTTP/1.1", b"CONNECT fixed.example HTTP/1.1", b"CONNECT :443 HTTP/1.1", b"CONNECT [::1]:443 HTTP/1.1 x", b"CONNECT http://fixed.example/ HTTP/1.1",
        b"CONNECT fixed.example:443 HTTP/1.1", b"CONNECT " + b"a" * 300 + b".example:443 HTTP/1.1", b"CONNECT fixed.example:99999 HTTP/1.1", b"CONNECT \xff:443 HTTP/1.1", b"GET http://[/ HTTP/1.1", b"GET http://[::1]@/ HTTP/1.1", b"GET http://x:99999/plain HTTP/1.1",
        b"GET http:///plain HTTP/1.1", b"GET ftp://x/plain HTTP/1.1", b"GET //x/plain HTTP/1.1", b"GET /plain#a HTTP/1.1", b"GET ?a HTTP/1.1", b"\x16\x03\x01\x02",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"A" * 70_000 + b" / HTTP/1.1", b"GET /plain HTTP/1.0", b"PRI * HTTP/2.0", b"G\xc3\x89T / HTTP/1.1",
        b"GET http://evil.example/__admin/calls HTTP/1.1", b"GET /@" + b"a" * 300 + b"/x HTTP/1.1", b"GET /%00%ff%zz HTTP/1.1", b"GET http://a\xe2\x84\x80b/x HTTP/1.1",
    ]  # fmt: skip
    return chance.choice(lines) + good[good.index(b"\r\n") :]


def _bad_head(chance: Random, good: bytes) -> bytes:
    lines = [
        b"no colon", b": no name", b"a b: c", b"a : b", b"a\x00: b", b"a: b\x00c", b" folded: x", b"\tfolded", b"a: b\rc", b"a: b\nc: d", b"a: b\r\n\r\nGET /plain HTTP/1.1",
        b"\xff: a", b"a: \xff\x80", b"x: " + b"a" * 70_000, b"x: " + b"a" * 60_000, b"\r\n".join(b"x-%d: y" % n for n in range(1100)), b"Host: y", b"Host: ", b"Host: [",
        b"Host: " + b"h" * 5000, b"Content-Length: 5", b"Content-Length: 5, 5", b"Content-Length: -1", b"Content-Length: 0x5", b"Content-Length: +5", b"Content-Length: 5 ",
        b"Content-Length: 99999999999999999999", b"Content-Length: 18446744073709551615", b"Content-Length: " + b"9" * 5000, b"Content-Length:", b"Content-Length: \xb2",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity",
        b"Transfer-Encoding:\x0bchunked", b"Content-Encoding: " + b"gzip," * 200, b"Cookie: " + b"a=b;" * 5000, b"baggage: " + b"k=v," * 5000, b"Expect: x", b"Upgrade: websocket\r\nConnection: upgrade",
        b"Content-Type: multipart/form-data; boundary=" + b"b" * 5000, b"Content-Type: " + b"a/b;" * 3000, b"Connection: close, keep-alive, \x7f", b"Keep-Alive: timeout=-1",
    ]  # fmt: skip
    at = good.index(b"\r\n") + 2
    return good[:at] + chance.choice(lines) + b"\r\n" + good[at:]


def _lying_length(chance: Random, good: bytes) -> bytes:
    length = chance.choice([b"1", b"7", b"40", b"1000", b"100000000", b"16777217"])
    body = chance.choice([b"", b"hello", b"hello" * 20])
    return b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n%s" % (chance.choice([b"plain", b"drip", b"__admin/reset"]), length, body)  # fmt: skip


def _bad_chunks(chance: Random, good: bytes) -> bytes:
    bodies = [
        b"5\r\nhel\r\n0\r\n\r\n", b"zz\r\nhello\r\n0\r\n\r\n", b"-1\r\n\r\n", b"fffffffffffffffff\r\nx", b"7fffffffffffffff\r\nx", b"5\nhello\n0\n\n", b"5\r\nhello0\r\n\r\n", b"\r\n\r\n",
        b"5;" + b"x" * 70_000 + b"\r\nhello\r\n0\r\n\r\n", b"0\r\n" + b"x: y\r\n" * 1500 + b"\r\n", b"0\r\nbad trailer\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\nhello", b"0" * 5000 + b"\r\n\r\n",
        b"5\r\nhello\r\n", b"05\r\nhello\r\n0\r\n\r\nGET /plain HTTP/1.1\r\nHost: x\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"1\r\na\r\n" * 2000 + b"0\r\n\r\n",
    ]  # fmt: skip
    path = chance.choice([b"plain", b"form", b"json", b"__admin/count"])
    return b"POST /%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s" % (
        path,
        chance.choice(bodies),
    )


def _half(chance: Random, good: bytes) -> bytes:
    return good[: chance.randrange(len(good))]


def _flipped(chance: Random, good: bytes) -> bytes:
    data = bytearray(good)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at:at] = chance.choice(
                    [b"\r\n", b"\n", b"\x00", b" ", b":", b"\r", b"\xff", b"GET / HTTP/1.1\r\n"]
                )
            case 2:
                del data[at : at + chance.randint(1, 8)]
                if not data:
                    return b"\r\n"
            case _:
                data[at:at] = data[at : at + chance.randint(1, 40)]
    return bytes(data)


def _huge_head(chance: Random, good: bytes) -> bytes:
    """10 MB of it, in one line or in many; each is rare, since it takes a while."""
    if chance.random() < 0.95:
        return _half(chance, good)
    at = good.index(b"\r\n") + 2
    many = b"".join(b"x-%d: %s\r\n" % (n, b"a" * 60_000) for n in range(170))
    return (
        good[:at]
        + chance.choice([b"x: " + b"a" * 10_000_000 + b"\r\n", b"a: b\r\n" * 1_500_000, many])
        + good[at:]
    )


_PAYLOADS = [
    b"",
    b"x",
    b'{"a": 1}',
    b"\xff\xfe",
    b"\x03\xe8",
    b"\x03\xe8bye",
    b"\x03\xed",
    b"y" * 126,
    b"z" * 70_000,
    b"[" * 3000,
]


def _frames(chance: Random, good: bytes) -> bytes:
    """A handshake, and frames that are odd: masked or not, of any opcode, with any length, in fragments, cut or changed."""
    lines = [b"GET /socket HTTP/1.1", b"Host: x", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]  # fmt: skip
    if chance.random() < 0.1:
        lines.remove(chance.choice(lines[1:]))
    frames = b"".join(_frame(chance) for _ in range(chance.choice([0, 1, 3, 20, 300])))
    if frames and chance.random() < 0.4:
        frames = _flipped(chance, frames)
    return b"\r\n".join([*lines, b"", b""]) + frames


def _frame(chance: Random) -> bytes:
    payload = chance.choice(_PAYLOADS[:6] * 5 + _PAYLOADS)
    opcode = chance.choice([0, 1, 1, 1, 2, 8, 9, 9, 10, 3, 11])
    first = opcode | chance.choice([128, 128, 128, 0]) | chance.choice([0] * 9 + [64, 32, 16])
    mask = chance.choice([128] * 9 + [0])
    length = len(payload) if chance.random() < 0.95 else chance.choice([0, 1, 2**31, 2**63])
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 65536:
        head = bytes([first, mask | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, mask | 127]) + length.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if mask else b"") + payload


def _noise(chance: Random, good: bytes) -> bytes:
    return chance.randbytes(chance.choice([1, 10, 1000]))


BREAKS: list[Callable[[Random, bytes], bytes]] = [
    _bad_line, _bad_line, _bad_head, _bad_head, _bad_head, _lying_length, _bad_chunks, _half, _flipped, _flipped, _flipped, _huge_head, _noise, _frames, _frames,
]  # fmt: skip
