"""XML Schema conditions on an XML body. Schemas may refer to files in the folder of the scenario; nothing is downloaded."""

from __future__ import annotations

import re
from itertools import islice
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote, urlsplit

from mockserver.errors import InvalidInputError, KeyPath, ReadFile, invalid
from mockserver.matching.checks import MatchCheck
from mockserver.matching.mismatch.differences import MOST
from mockserver.matching.xml.equality import source_of
from mockserver.matching.xml.parsing import MOST_ELEMENTS, lxml, not_xml, root_of
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

_FOLDER = "scenario:///"
"""The base URI of schemas, which stands for the folder of the scenario."""
_HINT = "Write an XML Schema, or the name of a file in the folder of the scenario, such as order.xsd"
_KEYS = re.compile(rb"<(?:[\w.-]+:)?(?:key|keyref|unique)\b")
MOST_WITH_KEYS = 1_000
"""Maximum number of elements if the schema has keys: comparing them takes the square of their number."""


def xml_schema(written: object, path: KeyPath, read_file: ReadFile) -> MatchCheck:
    """
    Check that the body is valid. `written` is the schema, or the name of a file.

    Raises InvalidInputError for an invalid schema, MissingExtraError without the library.
    """
    schema = _XmlSchema(written, path, read_file)

    def holds(request: Request) -> bool:
        try:
            return schema.is_valid(request)
        except UnreadableBodyError:
            return False

    def explain(request: Request) -> list[Difference]:
        try:
            return schema.differences(request)
        except UnreadableBodyError as error:
            return [not_xml(request, error, written)]

    return MatchCheck(8, holds, explain)


class _XmlSchema:
    """A compiled schema, and the limit for its shape."""

    def __init__(self, written: object, path: KeyPath, read_file: ReadFile) -> None:
        self._etree = etree = lxml("An XML Schema condition", path)
        source = source_of(written, path, read_file, _HINT)
        name = "" if str(written).strip().startswith("<") else normpath(str(written))
        files = _SchemaFiles(path, read_file, source)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        parser.resolvers.add(_resolver(etree, files))
        try:
            tree = etree.fromstring(source, parser, base_url=f"{_FOLDER}{name}")
            self._validator = etree.XMLSchema(tree)
        except (etree.XMLSyntaxError, etree.XMLSchemaParseError, ValueError) as error:
            if files.flaws:
                raise InvalidInputError([flaw for one in files.flaws for flaw in one.flaws]) from None
            raise invalid(path, f"this is not a valid XML Schema: {_first_line(error)}", _HINT) from None
        if files.flaws:
            raise InvalidInputError([flaw for one in files.flaws for flaw in one.flaws])
        self._most = MOST_WITH_KEYS if files.has_keys else MOST_ELEMENTS

    def is_valid(self, request: Request) -> bool:
        """Raises UnreadableBodyError."""
        try:
            return bool(self._validator.validate(self._root(request)))
        except self._etree.XMLSchemaError as error:  # a pattern that takes too many steps
            raise UnreadableBodyError(f"the schema can't be applied to it: {error}") from None

    def differences(self, request: Request) -> list[Difference]:
        """Return what is invalid. Raises UnreadableBodyError."""
        if self.is_valid(request):
            return []
        return [_difference(error) for error in islice(self._validator.error_log, MOST)]

    def _root(self, request: Request) -> Any:
        root, elements = root_of(self._etree, request)
        if elements > self._most:
            raise UnreadableBodyError(f"it has more than {self._most} elements for a schema with keys")
        return root


class _SchemaFiles:
    """Reads the files that a schema refers to."""

    def __init__(self, path: KeyPath, read_file: ReadFile, source: bytes) -> None:
        self._path = path
        self._read_file = read_file
        self.has_keys = _KEYS.search(source) is not None
        self.flaws: list[InvalidInputError] = []

    def read(self, url: str) -> bytes:
        """Return a file by its URL; an empty schema, with a flaw, if it can't be read."""
        try:
            if not url.startswith(_FOLDER):
                hint = "Put it into the folder of the scenario, and refer to that"
                raise invalid(self._path, f"{url!r} is not a local file", hint)
            name = unquote(urlsplit(url).path).removeprefix("/")
            source = self._read_file(normpath(join(dirname(name), name.rpartition("/")[2])), self._path)
        except InvalidInputError as error:
            self.flaws.append(error)
            return b'<schema xmlns="http://www.w3.org/2001/XMLSchema"/>'
        self.has_keys = self.has_keys or _KEYS.search(source) is not None
        return source


def _resolver(etree: Any, files: _SchemaFiles) -> Any:
    class Resolver(etree.Resolver):  # type: ignore[misc]
        """Resolves references of a schema."""

        def resolve(self, url: str, _public_id: object, context: object) -> object:
            return self.resolve_string(files.read(url), context, base_url=url)

    return Resolver()


def _difference(error: Any) -> Difference:
    place = str(error.path or "/").replace("*", "…")
    said = str(error.message)
    return Difference(f"xml {place}", "valid", said, text=f"xml {place}: {said}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
