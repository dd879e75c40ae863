"""
Formats of other tools, one module each: `read` converts a file or folder to scenarios, `write` converts scenarios.

The module of a format has its name in `FORMATS`, and is imported at first use.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

FORMATS = {
    "curl": "commands of curl, as API documentation and browsers have them",
    "har": "HTTP archive 1.2, as browsers and proxies save it",
    "hoverfly": "Hoverfly simulations",
    "mockoon": "Mockoon environments",
    "mockserver": "MockServer expectations (mock-server.com)",
    "mountebank": "mountebank imposters",
    "openapi": "OpenAPI 3.0 and 3.1, Swagger 2.0",
    "pact": "Pact contracts, v3 and v4",
    "postman": "Postman collections 2.1",
    "smocker": "Smocker mocks",
    "vcr": "VCR cassettes of vcrpy, version 1",
    "wiremock": "WireMock mappings",
}
"""Title of each format. Its module has the same name."""


@cache
def offered() -> dict[str, str]:
    """Return the available formats, without importing them."""
    return {name: title for name, title in FORMATS.items() if find_spec(_module(name)) is not None}


def format_named(name: str) -> ModuleType:
    """The module of an offered format."""
    return import_module(_module(name))


def _module(name: str) -> str:
    return f"{__name__}.{name}"
