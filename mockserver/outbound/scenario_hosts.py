"""
Which hosts stand in a scenario file, so that its webhooks may go there.

A host that a request has a say in is none of them: whoever can call the mock
could else make it call anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from mockserver.errors import MockServerError
from mockserver.outbound.egress import EgressRefusedError, read_url
from mockserver.templating.templates import Scope, TemplateError, compile_text

Render = Callable[[str, Mapping[str, Any]], str]
"""A template's text made of `vars` alone. Raises MockServerError where it depends on anything else."""

_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_AUTHORITY = re.compile(r"https?://[^/?#]*[/?#]", re.IGNORECASE)


def literal_host(source: str, constants: Mapping[str, Any], render: Render | None = None) -> str | None:
    """
    The host of a webhook's URL, if nothing but the file decides it: the whole
    text, or, where what follows varies, all up to the end of the authority.
    None where a request could choose the host.
    """
    render = render or with_vars
    text = _made(render, source, constants)
    if text is not None:
        return _host(text)
    for end in [found.start() for found in reversed(list(_BRACES.finditer(source)))]:
        text = _made(render, source[:end], constants)
        if text is not None:
            found = _AUTHORITY.match(text)
            return _host(found[0]) if found else None
    return None


def _made(render: Render, source: str, constants: Mapping[str, Any]) -> str | None:
    try:
        return render(source, constants)
    except MockServerError:
        return None


def _host(url: str) -> str | None:
    try:
        return str(read_url(url)[1])
    except EgressRefusedError:
        return None


def with_vars(source: str, constants: Mapping[str, Any]) -> str:
    """The text of a template that knows `vars`, no time and no draws. Raises InvalidInputError and TemplateError."""
    template = compile_text(source, ("url",), names=frozenset({"vars"}))
    return template.render(Scope({"vars": dict(constants)}, _nothing, _nothing))


def _nothing() -> NoReturn:
    raise TemplateError("it asks for more than vars")
