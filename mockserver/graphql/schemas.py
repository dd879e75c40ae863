"""GraphQL schemas of scenarios: reading, and the types of fields."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Source,
    build_ast_schema,
    concat_ast,
    parse,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from mockserver.errors import Flaw, InvalidInputError, KeyPath, ReadFile, invalid, near
from mockserver.graphql.documents import GraphQLDocument, most_errors, read_document
from mockserver.schema.graphql import GraphQLSpec

MOST_DOCUMENTS = 50
"""Documents that an API keeps, parsed and validated."""
MOST_INTROSPECTIONS = 8


class GraphQLApi:
    """The schema of a scenario, the path where it is served, and the documents that were sent lately."""

    __slots__ = ("_most_errors", "documents", "introspections", "path", "schema")

    def __init__(self, schema: GraphQLSchema, path: str) -> None:
        self.schema = schema
        self._most_errors = most_errors(schema)
        self.path = path
        self.documents: OrderedDict[str, GraphQLDocument] = OrderedDict()
        self.introspections: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        """Answers of introspection, by document and variables."""

    def document(self, text: str) -> GraphQLDocument:
        """Return the document of that text, which is kept. Raises UnreadableBodyError."""
        document = self.documents.get(text)
        if document is None:
            document = self.documents[text] = read_document(text, self.schema, self._most_errors)
            if len(self.documents) > MOST_DOCUMENTS:
                self.documents.popitem(last=False)
        return document

    def keep_introspection(self, key: tuple[str, str], body: bytes) -> None:
        """Keep an answer of introspection, and drop the oldest of several."""
        self.introspections[key] = body
        if len(self.introspections) > MOST_INTROSPECTIONS:
            self.introspections.popitem(last=False)

    def field(self, path: str) -> FieldType:
        """Return the field that a request line names. Raises InvalidInputError."""
        type_name, _, field_name = path.removeprefix("/").partition(".")
        kind = self.schema.type_map.get(type_name)
        objects = [name for name, each in self.schema.type_map.items() if isinstance(each, GraphQLObjectType)]
        if kind is None or type_name.startswith("__"):
            known = [name for name in objects if not name.startswith("__")]
            raise invalid((), f"the schema has no type {type_name!r}", near(type_name, known))
        if not isinstance(kind, GraphQLObjectType):
            fields = getattr(kind, "fields", {})
            owners = [name for name in objects if fields and field_name in self.schema.type_map[name].fields]  # type: ignore[attr-defined]
            hint = f"Name one such as {owners[0]}.{field_name}" if owners else ""
            raise invalid((), f"{type_name} is not an object type, and only those have resolved fields", hint)
        field = kind.fields.get(field_name)
        if field is None:
            raise invalid((), f"{type_name} has no field {field_name!r}", near(field_name, kind.fields))
        return FieldType(self.schema, kind, field_name, field)


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field of an object type."""

    schema: GraphQLSchema
    parent: GraphQLObjectType
    name: str
    field: GraphQLField

    @property
    def is_subscription(self) -> bool:
        return self.parent is self.schema.subscription_type


def compile_api(spec: GraphQLSpec, base: str, read_file: ReadFile) -> GraphQLApi:
    """Return the API that a scenario names. Raises InvalidInputError, with paths from the root of the file."""
    path: KeyPath = ("graphql",)
    documents = []
    for name in spec.schema_:
        data = read_file(name, path)
        try:
            documents.append(parse(Source(data.decode("utf-8-sig"), name)))
        except UnicodeDecodeError as error:
            raise invalid(path, f"{name} is not valid UTF-8 at byte {error.start}") from None
        except GraphQLError as error:
            raise InvalidInputError(_flaw(path, error)) from None
        except RecursionError:
            raise invalid(path, f"{name} is nested too deeply") from None
    document = concat_ast(documents)
    _raise_flaws(path, validate_sdl(document))
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        raise invalid(path, str(error).rstrip(".").replace("\n", " ")) from None
    _raise_flaws(path, validate_schema(schema))
    return GraphQLApi(schema, base + spec.path)


def _raise_flaws(path: KeyPath, errors: Sequence[GraphQLError]) -> None:
    if errors:
        raise InvalidInputError([_flaw(path, error) for error in errors])


def _flaw(path: KeyPath, error: GraphQLError) -> Flaw:
    place = ""
    if error.source is not None and error.locations:
        place = f"{error.source.name}, line {error.locations[0].line}: "
    return Flaw(path, place + error.message.rstrip("."))


def field_of(apis: Sequence[GraphQLApi], path: str) -> FieldType:
    """Return the field of a request line, of the first API that has it. Raises InvalidInputError."""
    if not apis:
        raise invalid((), "there is no GraphQL schema", "Write graphql: schema.graphql in the scenario")
    reason: InvalidInputError | None = None
    for api in apis:
        try:
            return api.field(path)
        except InvalidInputError as error:
            reason = reason or error
    assert reason is not None
    raise reason
