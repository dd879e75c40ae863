"""
Convert Handlebars of WireMock, of a response or a webhook, to templates.

Supported are parts of the request, JSONPath, times, random values, `if` and `each`. Other helpers are lost, and stay
as text.
"""

from __future__ import annotations

from typing import Any

from mockserver.formats.mocks.handlebars_writer import HandlebarsWriter, texts_of_tree
from mockserver.formats.wiremock.helpers import HELPERS
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.variables import WireMockScope


def template(text: str, at: LossPlace) -> str:
    """The same in our words."""
    return HandlebarsWriter(WireMockScope(HELPERS), at.lost).written(text)


def tree(value: object, at: LossPlace) -> Any:
    """Convert every text in a JSON value; a text in it stays one, also if a template is all of it."""
    return texts_of_tree(value, lambda text, path: template(text, at.at(*path)))
