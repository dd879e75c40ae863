"""Functions of templates. Random values and times come from the scope."""

from __future__ import annotations

import base64 as b64
import hashlib
import hmac
import json
import operator
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Any

from mockserver.errors import MissingExtraError
from mockserver.model.durations import parse_duration_s
from mockserver.model.json_values import is_number
from mockserver.templating.filters import b64encode
from mockserver.templating.methods import strftime
from mockserver.templating.scope import RenderError, Scope
from mockserver.templating.values import FractionalTime, kind_of, plain, to_text

Function = Callable[..., Any]


def uuid(scope: Scope) -> str:
    """Return a random UUID (version 4)."""
    bits = f"{scope.draws.bits(124):031x}"
    return (
        f"{bits[:8]}-{bits[8:12]}-4{bits[12:15]}-{'89ab'[int(bits[15], 16) & 3]}{bits[16:19]}-{bits[19:31]}"
    )


def random_int(scope: Scope, a: int, b: int) -> int:
    """Return a whole number from `a` to `b`, both included."""
    if not isinstance(a, int) or not isinstance(b, int) or a > b:
        raise RenderError("random_int(a, b) takes two whole numbers, the smaller first")
    return a + scope.draws.below(b - a + 1)


def random_string(scope: Scope, n: int) -> str:
    """Return `n` letters and digits."""
    if not isinstance(n, int) or n < 0:
        raise RenderError("random_string(n) takes a whole number, 0 or more")
    scope.chars -= n
    scope.steps -= n // 8
    if scope.chars < 0 or scope.steps < 0:
        scope.take_chars(0)
        scope.take_steps(0)
    return scope.draws.text(n)


def _bytes(scope: Scope, value: object) -> bytes:
    if isinstance(value, bytes):
        scope.read(len(value))
        return value
    return to_text(scope, value).encode("utf-8", "surrogateescape")


def sha256(scope: Scope, x: object) -> str:
    return hashlib.sha256(_bytes(scope, x)).hexdigest()


def hmac_sha256(scope: Scope, key: object, text: object) -> str:
    return hmac.new(_bytes(scope, key), _bytes(scope, text), "sha256").hexdigest()


def jwt(scope: Scope, claims: object, key: object = None, alg: str = "HS256") -> str:
    """
    Return a signed JSON Web Token; its times become Unix seconds (RFC 7519, section 2).

    `key` is the secret of HS256, or the number of a key of the server (1 by default) for RS256 and ES256.
    """
    if not isinstance(claims, Mapping):
        raise RenderError(f"jwt(claims, key) takes a mapping of claims, not {kind_of(claims)}")
    dated = plain(scope, {name: _numeric_date(value) for name, value in claims.items()})
    if alg != "HS256":
        return _jwt_of_server(scope, dated, 1 if key is None else key, alg)
    if key is None:
        raise RenderError("jwt(claims, key) needs a key: the secret of HS256")
    scope.take_steps(10)
    head = _segment(scope, {"alg": "HS256", "typ": "JWT"})
    body = f"{head}.{_segment(scope, dated)}"
    mark = hmac.new(_bytes(scope, key), body.encode(), "sha256").digest()
    scope.take_chars(len(body))
    return f"{body}.{_base64url(mark)}"


def _jwt_of_server(scope: Scope, claims: Mapping[str, Any], key: object, alg: str) -> str:
    from mockserver.jwt import ALGORITHMS, require_jwt, sign  # few scenarios need it

    if alg not in ALGORITHMS:
        raise RenderError(f"jwt() signs with HS256, {' or '.join(ALGORITHMS)}, not {str(alg)[:20]!r}")
    if not isinstance(key, int) or isinstance(key, bool) or not 0 < key < _MOST_KEYS:
        raise RenderError(f"jwt(claims, key, '{alg}') takes the number of a key of the server: 1 or more")
    scope.take_steps(_SIGNATURE_STEPS)
    scope.take_chars(2 * len(json.dumps(claims, allow_nan=False)))
    try:
        require_jwt((), "A token of the server")
    except MissingExtraError as error:
        raise RenderError(str(error)) from None
    return sign(claims, alg, key)


_MOST_KEYS = 10**9
_SIGNATURE_STEPS = 2_000
"""A signature takes about as long as this many steps."""


def jwt_claims(scope: Scope, token: object) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, with or without `Bearer`, unverified."""
    from mockserver.jwt import UnreadableTokenError, bearer_token, read_token

    text = to_text(scope, token)
    scope.read(8 * len(text))
    try:
        return read_token(bearer_token(text)).claims
    except UnreadableTokenError as error:
        raise RenderError(f"jwt_claims() can't read the token: {error}") from None


def _numeric_date(value: object) -> object:
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _segment(scope: Scope, value: object) -> str:
    data = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    scope.take_chars(len(data) * 4 // 3)
    return _base64url(data)


def _base64url(data: bytes) -> str:
    return b64.urlsafe_b64encode(data).rstrip(b"=").decode()


def date(scope: Scope, moment: object, shift: str = "", form: str | None = None) -> object:
    """
    Return a time, shifted by a text such as '+3d', '-90m' or '+1mo'; as text if `form` is given.

    `moment` is a time, an RFC 3339 text, or Unix seconds.
    """
    shifted = moved(moment, shift)
    return shifted if form is None else strftime(scope, shifted, form)


def moved(moment: object, shift: object) -> datetime:
    """Return a shifted time. Raises RenderError."""
    months, seconds = read_shift(shift)
    try:
        return _months_later(_moment(moment), months) + timedelta(seconds=seconds)
    except (OverflowError, OSError, ValueError) as error:
        raise RenderError("the time is beyond the years 1 to 9999") from error


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if is_number(value):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        try:
            result = datetime.fromisoformat(value)
        except ValueError:
            raise RenderError(f"{value[:40]!r} is not a time; write it as 2026-01-02T03:04:05Z") from None
        result = result if result.tzinfo else result.replace(tzinfo=UTC)
        return FractionalTime.combine(result.date(), result.timetz()) if result.microsecond else result
    raise RenderError(f"{kind_of(value)} is not a time")


_SHIFT = re.compile(r"\s*\+?(-?)(0|(?:[0-9.]+(?:us|ms|s|mo|m|h|d|w|y))+)\s*")
_CALENDAR = re.compile(r"(?<![0-9.])([0-9]+)(mo|y)")
_MONTHS = {"mo": 1, "y": 12}
_LONGEST_SHIFT = 40
_MOST_MONTHS = 9999 * 12
_MOST_SECONDS = 9999 * 366 * 86400


def read_shift(text: object) -> tuple[int, float]:
    """
    Return months and seconds of a shift. Raises RenderError.

    >>> read_shift("+1y2mo"), read_shift("-1mo1.5s"), read_shift("")
    ((14, 0.0), (-1, -1.5), (0, 0.0))
    """
    if text == "":
        return 0, 0.0
    if not isinstance(text, str) or len(text) > _LONGEST_SHIFT:
        raise RenderError("date() is shifted by a text such as '+3d', '-90m' or '+1mo'")
    parts = _SHIFT.fullmatch(text)
    sign = -1 if parts and parts[1] == "-" else 1
    body = parts[2] if parts else ""
    months = sum(int(count) * _MONTHS[unit] for count, unit in _CALENDAR.findall(body))
    rest = _CALENDAR.sub("", body)
    try:
        seconds = parse_duration_s(rest if rest or not body else 0)
    except ValueError:
        raise RenderError(
            f"{text!r} is not a valid shift; write it as '+3d', '-90m', '1h30m', '+1mo' or '+1y'"
        ) from None
    if months > _MOST_MONTHS or seconds > _MOST_SECONDS:
        raise RenderError(f"{text!r} leads beyond the years 1 to 9999 from any time")
    return sign * months, sign * seconds


def _months_later(moment: datetime, months: int) -> datetime:
    """Return the same day of another month, or its last day. Raises ValueError, OverflowError."""
    if not months:
        return moment
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def numbers(scope: Scope, start: int, stop: int | None = None, step: int = 1) -> list[int]:
    """Return the whole numbers from `start` (or 0) up to, not including, `stop`."""
    if stop is None:
        start, stop = 0, start
    if not all(isinstance(item, int) for item in (start, stop, step)) or step == 0:
        raise RenderError("range() takes whole numbers, and no step of 0")
    result = range(start, stop, step)
    scope.take_steps(max(0, (stop - start + step - (1 if step > 0 else -1)) // step))
    return list(result)


def jsonpath(scope: Scope, x: object, q: str) -> list[Any]:
    """Return the values that an RFC 9535 query matches, in a list."""
    from mockserver.templating import jsonpath as template_jsonpath

    return template_jsonpath.jsonpath(scope, x, q)


_DECIMAL = re.compile(r"\s*-?[0-9]{1,40}(?:\.[0-9]{1,40})?\s*")
_LARGEST = 10**40
_SIGNS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "%": operator.mod,
}


def decimal(_scope: Scope, a: object, sign: str, b: object) -> object:
    """
    Calculate with two numbers, or their texts, in exact decimals: `sign` is one of + - * / %. A quotient has as many
    places as the dividend and is rounded half up; a remainder has the dividend's sign.
    """
    left, right = _decimal(a), _decimal(b)
    with localcontext(prec=200):
        try:
            result = _quotient(left, right) if sign == "/" else _SIGNS[sign](left, right)
        except KeyError:
            raise RenderError(f"decimal() takes one of + - * / %, not {str(sign)[:20]!r}") from None
        except (DivisionByZero, InvalidOperation):
            raise RenderError("division by zero") from None
    return float(result) if _places(result) else int(result)


def _decimal(value: Any) -> Decimal:
    if not is_number(value) and not isinstance(value, str):
        raise RenderError(f"decimal() takes numbers, not {kind_of(value)}")
    text = f"{Decimal(repr(value)):f}" if is_number(value) and abs(value) < _LARGEST else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise RenderError("decimal() takes numbers of at most 40 digits before and behind the point")
    return Decimal(text.strip())


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _quotient(left: Decimal, right: Decimal) -> Decimal:
    return (left / right).quantize(Decimal(1).scaleb(-_places(left)), ROUND_HALF_UP)


DRAWING = frozenset({"fake", "random_int", "random_string", "uuid"})
"""Functions whose values are random."""
FUNCTIONS: dict[str, Function] = {
    "base64": b64encode,
    "date": date,
    "decimal": decimal,
    "hmac_sha256": hmac_sha256,
    "jsonpath": jsonpath,
    "jwt": jwt,
    "jwt_claims": jwt_claims,
    "random_int": random_int,
    "random_string": random_string,
    "range": numbers,
    "sha256": sha256,
    "uuid": uuid,
}
