"""The grammar of Handlebars, as far as responses use it: texts, expressions, helpers with arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mockserver.recording.conversion import NotConvertibleError

_CODE = re.compile(r"\{\{\{(.*?)\}\}\}|\{\{(~?!--.*?--~?|.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[\w@-]+)=(?=['"(\w@])|(?P<text>'[^']*'|"[^"]*")|(?P<open>\()|(?P<close>\))|(?P<word>(?:\[[^\]]*\]|[^\s()=])+))"""
)


@dataclass(slots=True)
class Arg:
    """One argument: a quoted text, a word (a path or a number), or a call in brackets."""

    kind: str
    text: str = ""
    call: HelperCall | None = None


@dataclass(slots=True)
class HelperCall:
    """A helper with its arguments, or, without any, a variable."""

    name: str
    args: list[Arg] = field(default_factory=list)
    named: dict[str, Arg] = field(default_factory=dict)


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield texts and code; the flag is true for code."""
    at = 0
    for match in _CODE.finditer(text):
        if match.start() > at:
            yield False, text[at : match.start()]
        yield True, (match[1] if match[1] is not None else match[2]).strip("~")
        at = match.end()
    if at < len(text):
        yield False, text[at:]


def parsed_call(source: str) -> HelperCall:
    """Raises NotConvertibleError."""
    tokens = _tokens(source)
    call = _call(tokens)
    if tokens:
        raise NotConvertibleError("it can't be read")
    return call


def _tokens(source: str) -> list[tuple[str, str]]:
    result, at = [], 0
    source = source.strip()
    while at < len(source):
        token = _TOKEN.match(source, at)
        if token is None or token.end() == at:
            raise NotConvertibleError("it can't be read")
        kind = token.lastgroup or ""
        result.append((kind, token[kind]))
        at = token.end()
    result.reverse()
    return result


def _call(tokens: list[tuple[str, str]]) -> HelperCall:
    if not tokens or tokens[-1][0] != "word":
        raise NotConvertibleError("it can't be read")
    call = HelperCall(tokens.pop()[1])
    while tokens and tokens[-1][0] != "close":
        kind, text = tokens[-1]
        if kind == "name":
            tokens.pop()
            call.named[text] = _arg(tokens)
        else:
            call.args.append(_arg(tokens))
    return call


def _arg(tokens: list[tuple[str, str]]) -> Arg:
    if not tokens:
        raise NotConvertibleError("it can't be read")
    kind, text = tokens.pop()
    if kind == "text":
        return Arg("text", text[1:-1])
    if kind == "word":
        return Arg("word", text)
    if kind != "open":
        raise NotConvertibleError("it can't be read")
    inner = _call(tokens)
    if not tokens or tokens.pop()[0] != "close":
        raise NotConvertibleError("a bracket is not closed")
    return Arg("call", call=inner)
