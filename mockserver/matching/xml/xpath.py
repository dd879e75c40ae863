"""
XPath 1.0 conditions on an XML body.

Namespaces are ignored: `soap:Body`, `Body` and `x:Body` are the same in a query. XPath can't be stopped while it runs, so
the size of its input is limited.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from mockserver.errors import KeyPath, invalid
from mockserver.matching.checks import MatchCheck, value_check
from mockserver.matching.conditions import Condition
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.xml.parsing import MOST_ELEMENTS, lxml, not_xml, root_of
from mockserver.model.http import Request, UnreadableBodyError

MAX_ELEMENTS = {1: MOST_ELEMENTS, 2: 1_000, 3: 300}
"""Maximum number of elements by the query's order: its cost grows with this power of that number."""
MAX_FOUND = 1_000
MAX_FOUND_CHARS = 4 << 20

_PREFIX = re.compile(r"""('[^']*'|"[^"]*")|[A-Za-z_][\w.-]*:(?=[A-Za-z_*])""")
_LITERAL = re.compile(r"""'[^']*'|"[^"]*\"""")
_SWEEP = re.compile(r"//|\bdescendant(?:-or-self)?::")
_BACKWARD = re.compile(r"\.\.|\b(?:ancestor|parent|following|preceding)(?:-or-self|-sibling)?::")


def xml(text: str, condition: Condition, path: KeyPath) -> MatchCheck:
    """
    Check a condition on the texts of the results; a number, text or boolean counts as one text.

    Raises InvalidInputError for an invalid XPath, MissingExtraError without the library.
    """
    query = _XPathQuery(text, path)
    place = DifferencePlace(f"xml[{text!r}]", flat=True)
    return value_check(
        8,
        condition,
        query.texts,
        place,
        unreadable=lambda request, error: [not_xml(request, error, condition.written)],
    )


class _XPathQuery:
    """A compiled XPath, and the limit for its shape."""

    __slots__ = ("_etree", "_limit", "_xpath", "text")

    def __init__(self, text: str, path: KeyPath) -> None:
        self.text = text
        self._etree = lxml("An XPath condition", path)
        self._limit = MAX_ELEMENTS[order(text)]
        try:
            self._xpath = self._etree.XPath(without_prefixes(text), regexp=False)
            self._xpath(self._etree.Element("probe"))  # an unknown function is found by calling it
        except (self._etree.XPathError, ValueError) as error:  # ValueError: characters that no XML can hold
            hint = "Write an XPath 1.0 query such as '//order/@id'"
            raise invalid(path, f"{text!r} is not a valid XPath: {error}", hint, at_key=True) from None

    def texts(self, request: Request) -> list[str]:
        """Return the results as texts. Raises UnreadableBodyError."""
        return request.once(f"xpath {self.text}", lambda: self._find(request))

    def _find(self, request: Request) -> list[str]:
        root, elements = request.once(
            "xml without namespaces", lambda: _without_namespaces(self._etree, request)
        )
        if elements > self._limit:
            raise UnreadableBodyError(f"it has more than {self._limit} elements for the query {self.text!r}")
        try:
            result = self._xpath(root)
        except self._etree.XPathError as error:
            raise UnreadableBodyError(f"the query {self.text!r} fails on it: {error}") from None
        return _texts(result)


def _texts(result: object) -> list[str]:
    if not isinstance(result, list):
        return [_scalar(result)]
    if len(result) > MAX_FOUND:
        raise UnreadableBodyError(f"a query finds more than {MAX_FOUND} places in it")
    texts: list[str] = []
    size = 0
    for item in result:
        text = str(item) if isinstance(item, str) else "".join(item.itertext())
        size += len(text)
        if size > MAX_FOUND_CHARS:
            raise UnreadableBodyError(f"a query finds more than {MAX_FOUND_CHARS} characters in it")
        texts.append(text)
    return texts


def _scalar(result: object) -> str:
    if isinstance(result, bool):
        return "true" if result else "false"
    if isinstance(result, float) and result.is_integer():
        return str(int(result))
    return str(result)


def without_prefixes(text: str) -> str:
    """
    Return the query without namespace prefixes; literals and axes are kept.

    >>> without_prefixes("//s:Body/child::o:order[@x:id='a:b']")
    "//Body/child::order[@id='a:b']"
    """
    return _PREFIX.sub(lambda match: match[1] or "", text)


def order(text: str) -> int:
    """
    Return 1 to 3: how often a query scans the document from within a scan. A step back or aside counts as one more; a
    union costs the square of its parts.

    >>> order("/a/b"), order("//a/@id"), order("//a | //b"), order("//a[../b]"), order("//a[//b[//c]]")
    (1, 1, 2, 2, 3)
    """
    branches = _LITERAL.sub("''", text).split("|")
    sweeps = max(max(1, len(_SWEEP.findall(b))) + bool(_BACKWARD.search(b)) for b in branches)
    return min(3, max(sweeps, min(2, len(branches))))


def _without_namespaces(etree: Any, request: Request) -> tuple[Any, int]:
    root, elements = root_of(etree, request)
    root = deepcopy(root)
    _drop_namespaces(root)
    return root, elements


def _drop_namespaces(root: Any) -> None:
    for element in root.iter("*"):
        if element.tag[0] == "{":
            element.tag = element.tag.partition("}")[2]
        for name in [name for name in element.keys() if name[0] == "{"]:  # noqa: SIM118  (lxml's own)
            local = name.partition("}")[2]
            if local not in element.attrib:
                element.set(local, element.get(name))
