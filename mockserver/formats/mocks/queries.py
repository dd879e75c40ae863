"""
Queries of other tools as ours can run them, and routes that are sure to load.

Their JSONPaths are of older dialects than RFC 9535. What can be checked is:
where the library of an extra is missing, the scenario says so when it loads.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from mockserver.errors import InvalidInputError, KeyPath, MissingExtraError, invalid
from mockserver.matching.matcher import compile_match
from mockserver.recording.conversion import NotConvertibleError
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.base import Spec
from mockserver.schema.match import MatchSpec
from mockserver.schema.scenario import RouteSpec

_FROM_END = re.compile(r"\[\(@\.length\s*-\s*(\d+)\)\]")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


def jsonpath(query: str) -> str:
    """A query by RFC 9535. Raises NotConvertibleError for one that is none."""
    query = _FROM_END.sub(r"[-\1]", query)
    result = _library("jsonpath_rfc9535")
    if result is not None:
        try:
            result.JSONPathEnvironment().compile(query)
        except (result.JSONPathError, RecursionError):
            raise NotConvertibleError(
                f"{query!r} is not a JSONPath by RFC 9535", "See docs/matching.md"
            ) from None
    return query


def xpath(query: str) -> str:
    """A query by XPath 1.0. Raises NotConvertibleError for one that is none."""
    result = _library("lxml.etree")
    if result is not None:
        try:
            result.XPath(re.sub(r"[A-Za-z_][\w.-]*:(?=[A-Za-z_*])(?!:)", "", query))
        except (result.XPathError, ValueError):
            raise NotConvertibleError(f"{query!r} is not an XPath 1.0") from None
    return query


def schema(written: object) -> object:
    """A JSON Schema. Raises NotConvertibleError for what is none."""
    result = _library("jsonschema_rs")
    if not isinstance(written, (dict, bool)):
        raise NotConvertibleError("its JSON Schema is none")
    if result is not None:
        try:
            result.validator_for(written)
        except (ValueError, result.ValidationError):
            raise NotConvertibleError("its JSON Schema can't be compiled") from None
    return written


def xml_document(part: str, written: str) -> str:
    """Return a document for `xml_exact`, or a schema for `xml_schema`. Raises NotConvertibleError for anything else."""
    try:
        compile_match(MatchSpec.model_validate({part: written}), _no_file)
    except MissingExtraError:
        return written
    except InvalidInputError as error:
        raise NotConvertibleError(error.flaws[0].message) from None
    return written


def _no_file(name: str, path: KeyPath) -> bytes:
    raise invalid(path, f"{name!r} is not an XML document")


def sure(written: dict[str, Any], spec: type[Spec] = RouteSpec) -> dict[str, Any]:
    """The route, or the resource, if the language takes it. Raises NotConvertibleError with the first reason why not."""
    try:
        parse_spec(spec, written)
    except InvalidInputError as error:
        flaw = error.flaws[0]
        raise NotConvertibleError(
            f"it can't be written as a {spec.__name__.removesuffix('Spec').lower()}: {flaw.where}: {flaw.message}",
            flaw.hint,
        ) from None
    return written
