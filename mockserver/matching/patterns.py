"""
Regular expressions in linear time, by RE2.

RE2 does not support constructs that need backtracking; the error names the construct and an alternative.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import re2

from mockserver.errors import WrongValueError

MAX_MEMORY_BYTES = 8 << 20
"""Maximum memory of one pattern and its automaton."""
MAX_PROGRAM = 10_000
"""Maximum number of instructions of a compiled pattern: `x{1,1000}` has some thousand, `\\pL{1,30}` too."""
MAX_STEPS = 200_000_000
"""
Maximum product of instructions and bytes; beyond it, a pattern does not match.

Linear time still grows with the pattern if its automaton exceeds the memory: `.*a.{200}` over 1 MiB takes seconds.
"""

_LACKS = (
    (r"\(\?<?[=!]", "look-around such as (?=…) and (?<!…)", "Combine conditions: all_of, not, starts_with"),
    (r"\\[1-9]|\\[kg][<{']|\(\?P=", "back references such as \\1", "Write a condition for each part"),
    (r"\(\?>", "atomic groups, (?>…)", "Leave out the ?>: RE2 does not backtrack"),
    (r"[*+?}]\+", "possessive quantifiers such as a++", "Write a+: RE2 does not backtrack"),
    (r"\(\?\(", "conditions, (?(1)…)", "Write the alternatives under any_of"),
    (r"\(\?#", "comments, (?#…)", "Write the comment beside the key, after a #"),
    (r"\(\?[a-zA-Z]*x", "the verbose flag x", "Write the pattern without white space and comments"),
    (r"\(\?(R|[0-9&+-])", "recursion", "Match the outer shape here and the rest with another condition"),
    (r"\\Z", "\\Z", "Leave it out: a pattern must match the complete value"),
    (r"\\G", "\\G", "Leave it out: a pattern must match the complete value"),
    (r"\\u", "\\uXXXX", "Write \\x{XXXX}"),
    (r"\\h", "\\h", "Write [ \\t]"),
    (r"\\R", "\\R", "Write (?:\\r\\n|\\n|\\r)"),
    (r"\\[KXNe]", "\\K, \\X, \\N and \\e", "Write the characters themselves, or \\x{XXXX}"),
)  # fmt: skip
_LACKS_COMPILED = tuple((re.compile(construct), name, remedy) for construct, name, remedy in _LACKS)
_HINT = "Patterns are RE2's: https://github.com/google/re2/wiki/Syntax"


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_MEMORY_BYTES
    return options


def whole(pattern: str) -> Callable[[str], bool]:
    """Return a test whether the pattern matches a complete text. Raises WrongValueError, with a fix."""
    return _bounded(_compile(pattern), "fullmatch")


def anywhere(pattern: str) -> Callable[[str], bool]:
    """Return a test whether the pattern matches a part of a text. Raises WrongValueError."""
    return _bounded(_compile(pattern), "search")


def too_long(pattern: str, text: str) -> bool:
    """Whether the text is too long for a pattern of that size."""
    return bool(len(text.encode("utf-8", "replace")) > MAX_STEPS // _compile(pattern).programsize)


def _bounded(compiled: re2._Regexp, ask: str) -> Callable[[str], bool]:
    fits = getattr(compiled, ask)
    longest_bytes = MAX_STEPS // compiled.programsize

    def test(text: str) -> bool:
        data = text.encode("utf-8", "replace")
        return len(data) <= longest_bytes and fits(data) is not None

    return test


def _compile(pattern: str) -> re2._Regexp:
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        raise _refusal(pattern, _reason(error)) from None
    except UnicodeEncodeError:
        raise WrongValueError("the pattern has a lone surrogate, which is not a character", _HINT) from None
    if compiled.programsize > MAX_PROGRAM:
        raise _refusal(pattern, f"too large: {compiled.programsize} instructions, at most {MAX_PROGRAM}")
    return compiled


def _reason(error: re2.error) -> str:
    said = error.args[0] if error.args else "unknown"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _refusal(pattern: str, reason: str) -> WrongValueError:
    if reason.startswith(("invalid perl operator", "invalid escape sequence", "bad repetition operator")):
        culprit = reason.partition(": ")[2]
        for construct, name, remedy in _LACKS_COMPILED:
            if (match := construct.search(pattern)) and _belongs(culprit, match[0]):
                return WrongValueError(
                    f"the pattern {pattern!r} uses {name}, which RE2 does not support", remedy
                )
    if "repetition size" in reason:
        return WrongValueError(
            f"the pattern {pattern!r} is refused: {reason}",
            "A repetition goes up to 1000; add a `length` condition",
        )
    if "too large" in reason:
        return WrongValueError(
            f"the pattern {pattern!r} is refused: {reason}",
            "Make it smaller, or split it into several conditions",
        )
    return WrongValueError(f"the pattern {pattern!r} is not a valid regular expression: {reason}", _HINT)


def _belongs(culprit: str, construct: str) -> bool:
    """Whether RE2's error is about that construct: it quotes the beginning, sometimes a little more."""
    return culprit.startswith(construct) or construct.startswith(culprit) or construct[-2:] == culprit[-2:]
