"""
The requests of a work, as wrk sends them.

No two requests are alike where a text has `{n}` in it: a number of eight digits that goes up. The pieces around it are
made before the load begins, so that a request costs wrk a few joined strings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

FIRST = 10_000_000
"""Where `{n}` begins. It keeps its width, so that no request's length changes."""
_N = "@number@"


@dataclass(frozen=True)
class Traffic:
    """`path` is asked where there is no script in Lua, and then all requests are alike."""

    path: str = "/"
    lua: str = ""

    def after(self, count: int) -> Traffic:
        """The same once so many were sent: its numbers go on from there."""
        return replace(self, lua=self.lua.replace(f"n = {FIRST}", f"n = {FIRST + count}"))


def alike(path: str) -> Traffic:
    return Traffic(path)


def scripted(
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    *,
    count: int = 1,
    in_turn: bool = False,
) -> Traffic:
    """
    A script. `{i}` in path and body is a number from 1 to `count`, drawn for each request or in turn; `{n}`, in
    headers too, goes up from request to request.
    """
    times = sum(text.count("{n}") for text in (path, body or "", *(headers or {}).values()))
    pieces = " .. n .. ".join(f"made[{part}][i]" for part in range(1, times + 2))
    made = ", ".join(f"[ {_quoted(name)} ] = {_quoted(value)}" for name, value in (headers or {}).items())
    return Traffic(
        lua=_SCRIPT.format(
            parts=times + 1,
            count=count,
            first=FIRST,
            n=_N,
            method=method,
            path=_quoted(path),
            headers=made,
            body="nil" if body is None else f"numbered({_quoted(body)}, i)",
            which="n % count + 1" if in_turn else "math.random(count)",
            pieces=pieces,
        )
    )


def _quoted(text: str) -> str:
    return f"[==[{text.replace('{n}', _N)}]==]"


_SCRIPT = """\
local made, parts, count = {{}}, {parts}, {count}
local threads, n = 0, 0
begin = 0
math.randomseed(7)
-- Each thread of wrk has numbers of its own.
function setup(thread)
  thread:set("begin", threads * 40000000)
  threads = threads + 1
end
local function numbered(text, i)
  return (text:gsub("{{i}}", tostring(i)))
end
function init(args)
  n = {first}
  n = n + begin  -- of this thread
  for part = 1, parts do made[part] = {{}} end
  for i = 1, count do
    local text = wrk.format("{method}", numbered({path}, i), {{{headers}}}, {body})
    for part = 1, parts - 1 do
      local from, to = text:find("{n}", 1, true)
      made[part][i], text = text:sub(1, from - 1), text:sub(to + 1)
    end
    made[parts][i] = text
  end
end
function request()
  n = n + 1
  local i = {which}
  return {pieces}
end
"""


@dataclass(frozen=True)
class Post:
    """A POST with a body, for wrk and, with a number in place of `{n}`, for any other client."""

    path: str
    headers: Mapping[str, str]
    body: str

    def traffic(self, count: int = 1) -> Traffic:
        return scripted(self.path, "POST", self.headers, self.body, count=count)

    def numbered(self, number: int) -> tuple[dict[str, str], str]:
        """Headers and body of call `number`."""

        def filled(text: str) -> str:
            return text.replace("{n}", str(FIRST + number))

        return {name: filled(value) for name, value in self.headers.items()}, filled(self.body)

    def raw(self, number: int) -> bytes:
        """The whole of call `number` on the wire."""
        headers, body = self.numbered(number)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        return (head + body).encode()


SDK_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Idempotency-Key": "7b0c9f7e3a5d4c889d0a0000{n}",
    "Authorization": "Bearer sk_test_123",
    "User-Agent": "Stripe/v1 PythonBindings/8.0",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "X-Stripe-Client-User-Agent": json.dumps(
        {"bindings_version": "8.0.0", "lang": "python", "publisher": "stripe"}
    ),
    "Stripe-Version": "2024-04-10",
}
SDK = Post("/charges", SDK_HEADERS, "amount=2000&currency=usd&source=tok_visa&metadata[order]={n}")
"""As the SDK of a payment provider sends it: eight headers of its own, a form, a new key."""
INTENT = Post("/v1/payment_intents", SDK_HEADERS, "amount=2000&currency=usd&metadata[order]={n}")


def document(kind: str, number: str = "{n}") -> str:
    """1 KiB of JSON, told apart by its field `kind`."""
    return json.dumps({"kind": kind, "n": number, "pad": "x" * 960})


DOCUMENT = Post("/documents", {"Content-Type": "application/json"}, document("k{i}"))

TRACED = {"traceparent": "00-000000000000000000000000{n}-00000000{n}-01"}
"""The header that tracing gives every request, a new one each time."""


def get(path: str, *, count: int = 1, in_turn: bool = False) -> Traffic:
    """A GET with one header of its own each time."""
    return scripted(path, headers=TRACED, count=count, in_turn=in_turn)
