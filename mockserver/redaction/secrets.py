"""
Detection of secrets: keys of well-known shapes, card numbers, names of fields with secrets.

Masking and the check `leaks` share these rules. Every pattern runs in linear time,
since texts come from the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import re2

Substitute = Callable[[Any], str]


class SecretPattern:
    """A linear-time regular expression, compiled at its first use to keep the start fast."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._compiled: Any = None

    def _made(self) -> Any:
        if self._compiled is None:
            self._compiled = re2.compile(self.source)
        return self._compiled

    def found_in(self, text: str) -> bool:
        return self._made().search(_encodable(text)) is not None

    def is_all_of(self, text: str) -> bool:
        return self._made().fullmatch(_encodable(text)) is not None

    def all_in(self, text: str) -> Iterator[Any]:
        """Return its matches, in order."""
        return self._made().finditer(_encodable(text))  # type: ignore[no-any-return]

    def replaced(self, text: str, instead: Substitute) -> str:
        if not self.found_in(text):  # eight times as fast as `sub` without a match
            return text
        replaced: str = self._made().sub(instead, _encodable(text))
        return replaced


def _encodable(text: str) -> str:
    """Return the text without lone surrogates, which the library can't read as UTF-8. Positions are kept."""
    return text if text.isascii() or not _SURROGATES.search(text) else _SURROGATES.sub("\ufffd", text)


_SURROGATES = re.compile("[\ud800-\udfff]")


_PUBLIC_OR_TEST = (
    r"(?:sk|rk|pk)_test_[0-9A-Za-z]{8,}|pk_live_[0-9A-Za-z]{8,}|ey[JK][\w-]{10,}\.[\w-]{8,}\.[\w-]{8,}"
)
_SAYS_LIVE = r"(?:sk|rk)_live_[0-9A-Za-z]{8,}|access_token\$production\$\w+\$\w{16,}|sq0csp-[\w-]{20,}"
_FOR_REAL = (
    r"whsec_[0-9A-Za-z+/=]{8,}"  # webhook secrets: Stripe, Svix
    r"|sk-[0-9A-Za-z_-]{16,}"  # OpenAI, Anthropic
    r"|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|xox[abeoprs]-[0-9A-Za-z-]{10,}|xapp-[0-9A-Za-z-]{10,}|hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}"
    r"|A[KS]IA[0-9A-Z]{16}"  # AWS
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"  # Google
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}|[0-9a-f]{32}-us[0-9]{1,2}"  # SendGrid, Mailgun, Mailchimp
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0atp-[\w-]{20,}"  # Shopify, Square
    r"|npm_[0-9A-Za-z]{36}|pypi-[\w-]{40,}|hf_[0-9A-Za-z]{30,}|do[opr]_v1_[0-9a-f]{64}"
    r"|(?:bot)?[0-9]{8,10}:[\w-]{35}"  # Telegram
)
KEYS = SecretPattern(rf"\b(?:{_PUBLIC_OR_TEST}|{_SAYS_LIVE}|{_FOR_REAL})")
"""Keys of well-known shapes, including test keys: all of them are masked."""
LIVE_KEYS = SecretPattern(rf"\b(?:{_SAYS_LIVE}|{_FOR_REAL})")
"""Keys that may be usable: not for tests, not public, and not tokens that expire soon."""
KEYS_THAT_SAY_LIVE = SecretPattern(rf"\b(?:{_SAYS_LIVE})")

MAYBE = re.compile(
    r"[\w-]{13}|[=@]|PRIVATE KEY|[Bb][Ee][Aa][Rr][Ee][Rr]|[Bb][Aa][Ss][Ii][Cc]|[0-9]{4}[ -][0-9]{4}"
)
"""Matches every text with a secret: the shortest key has 13 such characters in a row. Only fast for short texts."""

PRIVATE_KEYS = SecretPattern(
    r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)(.*?)(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)"
)
"""PEM (RFC 7468), also with a missing end: the parts before, between and after."""
USER_AND_PASSWORD = SecretPattern(r"""(://[^/\s:@"'<>?#]*:)([^/\s@"'<>]+)@""")
"""The userinfo of a URL (RFC 3986 3.2.1): the part before the password, and the password."""


# Card numbers

DIGITS = r"[0-9](?:[ -]?[0-9]){12,}"
_ANY_DIGITS = SecretPattern(DIGITS)
_EACH_DIGITS = re.compile(DIGITS)
"""Enough digits for a card number; faster than RE2 for texts with digits."""
_GROUP = re.compile(r"[0-9]+")
_BRANDS = SecretPattern(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|35(?:2[89]|[3-8]\d)\d{12,15}|3(?:0[0-5]|[689]\d)\d{11,16}"  # American Express, JCB, Diners
    r"|6\d{12,18}|5(?:0|[6-9])\d{11,17}"  # Discover, UnionPay, Maestro
    r"|220[0-4]\d{12,15}|81\d{14,17}|9792\d{12}"  # Mir, UnionPay, Troy
)
_SHORTEST, _LONGEST = 13, 19
_SHORT_CHARS = 200


def is_card_number(text: str) -> bool:
    """
    Return whether the digits are a card number: prefix and length of a brand, and a valid Luhn checksum (ISO/IEC 7812-1).

    The checksum alone is not enough, since every tenth number passes it: 13 digits that begin
    with 1 may be milliseconds since 1970, 89… a SIM card.
    """
    digits = "".join(_GROUP.findall(text))
    if not _BRANDS.is_all_of(digits) or len(set(digits)) == 1:
        return False
    doubled = (int(d) if i % 2 == 0 else (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(d)] for i, d in enumerate(reversed(digits)))  # fmt: skip
    return sum(doubled) % 10 == 0


def card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """
    Yield the beginning and the end of each card number, in order.

    Digits may be in groups, as on cards, with one blank or hyphen between; other numbers may be before and after.
    """
    if len(text) > _SHORT_CHARS and not _ANY_DIGITS.found_in(text):
        return
    for run in _EACH_DIGITS.finditer(text):
        yield from _cards_of(text, *run.span())


def _cards_of(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    groups = [group.span() for group in _GROUP.finditer(text, start, end)]
    if _is_part(text, start - 1, -1):
        del groups[0]
    if groups and _is_part(text, end, 1):
        del groups[-1]
    first = 0
    while first < len(groups):
        last = _card_from(text, groups, first)
        if last is None:
            first += 1
        else:
            yield groups[first][0], groups[last][1]
            first = last + 1


def _is_part(text: str, beside: int, step: int) -> bool:
    """Whether the digits are a part of a word, or of a number with a decimal point."""
    if not 0 <= beside < len(text):
        return False
    beyond = text[beside + step] if 0 <= beside + step < len(text) else ""
    return text[beside].isalnum() or (text[beside] == "." and beyond.isdigit())


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Return the last group of the card number that begins with this group; None if there is none."""
    sizes: list[int] = []
    end = None
    for last in range(first, min(first + 5, len(groups))):
        sizes.append(groups[last][1] - groups[last][0])
        if sum(sizes) > _LONGEST or not _is_printed(sizes):
            break
        if sum(sizes) >= _SHORTEST and is_card_number(text[groups[first][0] : groups[last][1]]):
            end = last
    return end


def _is_printed(sizes: list[int]) -> bool:
    """
    Whether cards are printed with groups of these sizes: one group, groups of four with a shorter rest, or 4-6-5 and
    4-6-4.
    """
    if len(sizes) == 1:
        return True
    if sizes[0] != 4:
        return False
    return (sizes[1] == 6 and len(sizes) < 4) or (all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 4)


# Names

STEMS = "pass|pwd|secret|token|key|cv[vcn]|csc|code|verif|pin|otp|auth|sig|assertion|sess"
"""One of these is in every name that `named` knows, for patterns that search for such names."""


_NAME = rf"[\w-]*(?:{STEMS})[\w-]*"
_TEXT = r'''"""(?:[^"]|"[^"]|""[^"])*|(?:\\+"){3}[^"\\]*|\\+"[^"\\]*|"(?:[^"\\]|\\.)*|'(?:[^'\\]|\\.)*'''
NAMED_TEXT = SecretPattern(rf"(?i)(({_NAME})'?\s*(?::\s*(?:[\[\w!\]]+\s*=\s*)?|=\s*))({_TEXT})")
"""
A name, and the text in quotes after it: `password: "x"`, and `$password: String = "x"` in GraphQL, also within a JSON
text.

Three groups: the part before the text, the name, and the text up to its closing quote.
"""
NAMED_WORD = SecretPattern(
    rf"""(?im)((?:^|[\s,;({{\["']|\\[nrt])({_NAME})[ \t]*:[ \t]*)([^\s,;&()\[\]{{}}"'<>\\]+)"""
)
"""A name, and a word without quotes after it: `password: x`. Names after a dot or a dollar are excluded."""


class SecretName(Enum):
    """The kind of secret that a field contains, by its name."""

    SECURITY_CODE = "a card's security code"
    PASSWORD = "a password"  # noqa: S105  (the word for it)
    CREDENTIALS = "credentials"
    SECRET = "a secret"  # noqa: S105
    CODE = "an authorization code"
    """Many fields have the same name and another content: only a random value is a secret."""


_SECURITY_CODE = re.compile(
    r".*(?:cvv2?|cvc2?|cvn2?)(?:code|number|value)?|(?:card)?csc|.*(?:securitycode|cardcode|verificationvalue)|cardverification(?:code)?"
)
_PASSWORD = re.compile(
    r".*(?:password|passwd|passphrase|passcode|pwd)|(?:user|login|db|my|smtp)?pass|pin"
    r"|.*passw(?:or)?d(?:\d|confirm|confirmation|again|repeat|hash)"
)
_SECRET = re.compile(
    r".*(?:secret|apikey|privatekey|secretkey|signingkey|encryptionkey|accesskey|accountkey|subscriptionkey)"
    r"|.*(?:access|refresh|auth|id|session|security|bearer|api|private|csrf|xsrf|vault|secret|bot|device)token"
    r"|token|otp|totp|sig|x(?:amz|goog)signature|(?:client)?assertion|codeverifier|devicecode|jsessionid|phpsessid"
)
_CREDENTIALS = frozenset({"authorization", "proxyauthorization"})
_CODES = frozenset({"code", "authcode", "authorizationcode"})
_RANDOM = re.compile(r"[\w.~+/=-]{20,}", re.ASCII)
_SEPARATORS = re.compile(r"[\[\].:/]+")
_MOST_CHARS = 200


def is_random(value: str) -> bool:
    """
    Return whether a value looks like a random one: long, with digits and letters of both cases.

    >>> is_random("zyoHdBAQaT7IMuoWpqyDPMHV"), is_random("authentication_required")
    (True, False)
    """
    kinds = (str.isdigit, str.islower, str.isupper)
    return bool(_RANDOM.fullmatch(value)) and all(any(map(kind, value)) for kind in kinds)


@lru_cache(maxsize=4096)
def named(name: str) -> SecretName | None:
    """
    Return the kind of secret for the name of a field; case, separators and parents are ignored.

    >>> named("card[cvc]"), named("newPassword"), named("idempotency_key")
    (<SecretName.SECURITY_CODE: "a card's security code">, <SecretName.PASSWORD: 'a password'>, None)
    """
    if len(name) > _MOST_CHARS:
        return None
    parts = [part for part in _SEPARATORS.split(unquote(name)) if part]
    folded = re.sub(r"[\W_]", "", parts[-1]).lower() if parts else ""
    if _SECURITY_CODE.fullmatch(folded):
        return SecretName.SECURITY_CODE
    if _PASSWORD.fullmatch(folded):
        return SecretName.PASSWORD
    if folded in _CREDENTIALS:
        return SecretName.CREDENTIALS
    if folded in _CODES:
        return SecretName.CODE
    return SecretName.SECRET if _SECRET.fullmatch(folded) else None
