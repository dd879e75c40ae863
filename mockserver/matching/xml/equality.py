"""
Equality of an XML body with a document: both have the same canonical form.

Prefixes, the order of attributes, quotes, CDATA, comments, processing instructions, and white space between elements
don't count; namespaces, the order of elements, and white space inside of texts do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mockserver.errors import KeyPath, ReadFile, invalid, shown
from mockserver.matching.checks import MatchCheck
from mockserver.matching.mismatch.differences import MOST
from mockserver.matching.values import show
from mockserver.matching.xml.parsing import lxml, not_xml, parse, root_of
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

_HINT = (
    "Write a document, such as <order><id>7</id></order>, or the name of a file in the folder of the scenario"
)


def xml_exact(written: object, path: KeyPath, read_file: ReadFile) -> MatchCheck:
    """
    Check that the body equals a document. `written` is the document, or the name of a file.

    Raises InvalidInputError for an invalid document, MissingExtraError without the library.
    """
    etree = lxml("Equality of XML", path)
    try:
        wanted = parse(etree, source_of(written, path, read_file, _HINT))
    except UnreadableBodyError as error:
        raise invalid(path, f"the document can't be read: {error}", _HINT) from None

    def holds(request: Request) -> bool:
        try:
            root, _ = root_of(etree, request)
        except UnreadableBodyError:
            return False
        return next(_differences(wanted, root), None) is None

    def explain(request: Request) -> list[Difference]:
        try:
            root, _ = root_of(etree, request)
        except UnreadableBodyError as error:
            return [not_xml(request, error, written)]
        return list(islice(_differences(wanted, root), MOST))

    return MatchCheck(8, holds, explain)


def source_of(written: object, path: KeyPath, read_file: ReadFile, hint: str) -> bytes:
    """Return a document that is written inline, or read from a file. Raises InvalidInputError."""
    if not isinstance(written, str) or not written.strip():
        raise invalid(path, f"expected a document, got {shown(written)}", hint)
    text = written.strip()
    # An encoding that is declared inline is that of a file it was copied from.
    return _declared(text).encode() if text.startswith("<") else read_file(written, path)


def _declared(text: str) -> str:
    return text[text.index("?>") + 2 :].lstrip() if text.startswith("<?xml ") and "?>" in text else text


def _differences(wanted: Any, sent: Any) -> Iterator[Difference]:
    """Yield the differences of two elements, without recursion: a document may be deep."""
    todo = [(wanted, sent, f"/{_local(wanted.tag)}")]
    while todo:
        expected, actual, place = todo.pop()
        if expected.tag != actual.tag:
            yield _difference(place, _name(expected.tag, actual.tag), _name(actual.tag, expected.tag))
            continue
        yield from _of_attributes(expected, actual, place)
        if len(expected) != len(actual):
            yield _of_children(place, expected, actual)
            continue
        for wanted_text, sent_text in zip(_texts(expected), _texts(actual), strict=True):
            if wanted_text != sent_text:
                yield _difference(place, show(wanted_text), show(sent_text))
        todo += reversed(list(_pairs(expected, actual, place)))


def _pairs(expected: Any, actual: Any, place: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield the children of two elements with their places."""
    totals, seen = Counter(_local(child.tag) for child in expected), Counter[str]()
    for child, other in zip(expected, actual, strict=True):
        name = _local(child.tag)
        seen[name] += 1
        number = f"[{seen[name]}]" if totals[name] > 1 else ""
        yield child, other, f"{place}/{name}{number}"


def _texts(element: Any) -> Iterator[str]:
    """Yield the texts around the children; white space between elements is empty."""
    if not len(element):
        yield element.text or ""
        return
    for text in (element.text, *(child.tail for child in element)):
        yield text if text and not text.isspace() else ""


def _of_attributes(expected: Any, actual: Any, place: str) -> Iterator[Difference]:
    wanted, sent = dict(expected.attrib), dict(actual.attrib)
    for name in sorted(wanted.keys() | sent.keys()):
        if wanted.get(name) != sent.get(name):
            yield _difference(
                f"{place}/@{_local(name)}",
                show(wanted[name]) if name in wanted else "no attribute",
                show(sent[name]) if name in sent else "none",
            )


def _of_children(place: str, expected: Any, actual: Any) -> Difference:
    wanted, sent = (Counter(_local(child.tag) for child in element) for element in (expected, actual))
    missing, added = wanted - sent, sent - wanted
    said = [
        f"{what} {', '.join(names)}" for what, names in (("lacks", missing), ("has also", added)) if names
    ]
    return _difference(place, f"{len(expected)} elements", f"{len(actual)}; it {' and '.join(said)}")


def _difference(place: str, expected: str, actual: str) -> Difference:
    where = f"xml {place}"
    return Difference(where, expected, actual, text=f"{where}: expected {expected}, got {actual}")


def _local(tag: str) -> str:
    return str(tag).rpartition("}")[2]


def _name(tag: str, other: str) -> str:
    """Return the name of an element; with its namespace if only that tells it from the other one."""
    namespace, _, local = str(tag).rpartition("}")
    return f"{local} of the namespace {show(namespace[1:])}" if local == _local(other) else local
