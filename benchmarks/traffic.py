"""
The requests of a work, as wrk sends them.

Where all requests are alike, wrk needs no script and is at its fastest. A script
costs wrk so much that it may become the limit itself, so a work that needs one is
compared with one route under a script that does the same work for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

# As wide as the counter that replaces it, so that no request's length changes.
_COUNTER = "00000000"
_FIRST = 10_000_000
_FILLER = "x" * 960


@dataclass(frozen=True)
class Traffic:
    """
    `kind` says what kind of script: "none", "drawn" (one of some requests made
    before), "in turn" (each of them after the other), "counted" (made anew every
    time, with a number that goes up). `path` is asked where there is no script.
    """

    kind: str
    path: str = "/"
    lua: str = ""


def alike(path: str) -> Traffic:
    """All requests alike."""
    return Traffic("none", path)


def drawn(count: int, path: str) -> Traffic:
    """One of `count` requests at random. `path` may have `{i}` in it, from 1 to `count`."""
    return Traffic("drawn", lua=_made(count, _get(path)) + _DRAW)


def in_turn(count: int, path: str) -> Traffic:
    return Traffic("in turn", lua=_made(count, _get(path)) + _TURN)


def posts_drawn(count: int) -> Traffic:
    """1 KiB of JSON whose field `action` is a1 to a`count`, at random."""
    return Traffic("drawn", lua=_made(count, _post("")) + _DRAW)


def posts_counted(count: int) -> Traffic:
    """The same, and no two bodies alike."""
    return Traffic("counted", lua=_made(count, _post(f', "number": "{_COUNTER}"')) + _SPLIT + _COUNT)


def counted(path: str) -> Traffic:
    """No two requests alike: a header has a number that goes up."""
    return Traffic("counted", lua=_made(1, _get(path, counted=True)) + _SPLIT + _COUNT)


def counted_in_vain(path: str) -> Traffic:
    """All alike, at the price of `counted`."""
    return Traffic("counted", lua=_made(1, _get(path, counted=True)) + _SPLIT + _COUNT_IN_VAIN)


def sdk_calls(after: int = 0) -> Traffic:
    """A POST as a payment SDK sends it, each with a key of its own; `after` so many that had theirs."""
    headers = ", ".join(f'["{name}"] = "{value}"' for name, value in SDK_HEADERS.items())
    made = f'wrk.format("POST", "/charges", {{{headers}}}, "{SDK_BODY}")'
    return Traffic("counted", lua=_made(1, made) + _SPLIT + _COUNT + f"n = {_FIRST + after}\n")


SDK_BODY = "amount=2000&currency=usd&source=tok_visa&description=order"
SDK_HEADERS = {
    "User-Agent": "Stripe/v1 PythonBindings/13.0.1",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Authorization": "Bearer sk_test_4242424242424242",
    "Content-Type": "application/x-www-form-urlencoded",
    "Idempotency-Key": f"7b0c9f7e-3a5d-4c88-9d0a-0000{_COUNTER}",
    "Stripe-Version": "2026-09-30.acacia",
    "X-Stripe-Client-Telemetry": '{\\"last_request_metrics\\": {\\"request_duration_ms\\": 3}}',
    "X-Stripe-Client-User-Agent": '{\\"bindings_version\\": \\"13.0.1\\", \\"lang\\": \\"python\\", \\"httplib\\": \\"requests\\"}',
    "Connection": "keep-alive",
}


def sdk_headers(number: int) -> dict[str, str]:
    """The headers of call `number`, for a client that is not wrk."""
    return {
        name: value.replace("\\", "").replace(_COUNTER, str(_FIRST + number))
        for name, value in SDK_HEADERS.items()
    }


def post_body(action: str, number: str = "") -> str:
    """1 KiB of JSON, as `posts_drawn` and, with a number, `posts_counted` send it."""
    counter = f', "number": "{number}"' if number else ""
    return f'{{"action": "{action}"{counter}, "filler": "{_FILLER}"}}'


def _get(path: str, *, counted: bool = False) -> str:
    headers = f', {{["X-Number"] = "{_COUNTER}"}}' if counted else ""
    return f'wrk.format("GET", {_with_i(path)}{headers})'


def _post(counter: str) -> str:
    body = f'{{"action": "a{{i}}"{counter}, "filler": "{_FILLER}"}}'
    return f'wrk.format("POST", "/rpc", {{["Content-Type"] = "application/json"}}, {_with_i(body)})'


def _with_i(text: str) -> str:
    """A Lua expression for the text, with `{i}` as the number of the request."""
    return "'" + text.replace("{i}", "' .. i .. '") + "'"


def _made(count: int, request: str) -> str:
    return f"""\
local made, count = {{}}, {count}
math.randomseed(7)
local function make()
  for i = 1, count do made[i] = {request} end
end
function init(args) make(); if split then split() end end
"""


_DRAW = "function request() return made[math.random(count)] end\n"
_TURN = "local n = 0\nfunction request() n = n % count + 1; return made[n] end\n"
_SPLIT = f"""\
local heads, tails, n = {{}}, {{}}, {_FIRST}
function split()
  for i = 1, count do
    local from, to = made[i]:find("{_COUNTER}", 1, true)
    heads[i], tails[i] = made[i]:sub(1, from - 1), made[i]:sub(to + 1)
  end
end
"""
_COUNT = "function request() local i = math.random(count); n = n + 1; return heads[i] .. n .. tails[i] end\n"
# `last` is kept, so that LuaJIT doesn't leave the making out.
_COUNT_IN_VAIN = """\
function request() local i = math.random(count); n = n + 1; last = heads[i] .. n .. tails[i]; return made[i] end
"""
