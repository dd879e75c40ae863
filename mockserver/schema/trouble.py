"""
Injected failures (troubles), as written, and files of them.

A trouble is separate from the routes that it affects: `before` replaces the processing of the request, `after` changes
the answer afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic_core import CoreSchema

from mockserver.errors import WrongValueError, near, shown
from mockserver.schema.base import DurationS, SchemaOf, Spec, SpecSchema, without_extensions
from mockserver.schema.policies import NONE
from mockserver.schema.reply import ReplySpec
from mockserver.schema.webhook import MOST_REPEATS

ALWAYS = "always"
NAME_PATTERN = r"^[^\s/*#,]+$"
"""Names of troubles are in names of cells, between slashes, and on command lines."""
_NO_ANSWER = ("times", "for", "set", "set_ttl", "effect", "webhook", "choose", "cases")
"""Keys of a reply with side effects or choices, which a trouble can't have."""


def _answer(value: object) -> object:
    written = [key for key in _NO_ANSWER if isinstance(value, dict) and key in value]
    if written:
        words = " and ".join(f"`{key}`" for key in written)
        raise WrongValueError(
            f"{words} has no place here", "A trouble is one answer: status, headers, body, delay, fault"
        )
    return value


class _AnswerSchema:
    """The JSON Schema of a reply without the keys that a trouble can't have."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = deepcopy(handler.resolve_ref_schema(handler(core)))
        for choice in whole["anyOf"]:
            for key in _NO_ANSWER:
                choice.get("properties", {}).pop(key, None)
        return whole


Answer = Annotated[ReplySpec, BeforeValidator(_answer), _AnswerSchema()]


def _times(value: object) -> object:
    if value == ALWAYS:
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise WrongValueError(f"expected a number of calls, got {shown(value)}", f"Write 1, 2, … or {ALWAYS}")
    return value


class WebhookTroubleSpec(Spec):
    """Changes of the webhooks of a call."""

    repeat: Annotated[int, Field(ge=2, le=MOST_REPEATS)] | None = Field(
        default=None, description="Number of times that each webhook is sent."
    )
    delay_s: DurationS | None = Field(
        default=None,
        alias="delay",
        description="Additional delay of each webhook, by the virtual clock.",
        examples=["2s"],
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.repeat is None and self.delay_s is None:
            raise WrongValueError("it has no effect", "Write {repeat: 2}, or {delay: 2s}")
        return self


_ANY_KEY, _AFTER_KEY = (
    {"anyOf": [{"required": [key]} for key in keys]}
    for keys in (("before", "after", "webhook"), ("after", "webhook"))
)
_SAYS_ONE_THING: dict[str, Any] = {
    "not": {"anyOf": [{"not": _ANY_KEY}, {"required": ["before"], **_AFTER_KEY}]}
}
"""In a separate place below `not`, so that hints still find the other keys."""


class TroubleSpec(Spec):
    """One kind of trouble."""

    model_config = ConfigDict(json_schema_extra=_SAYS_ONE_THING)

    before: Answer | None = Field(
        default=None,
        description="A reply before the service processes the request: no step, set, effect, webhook; no auth, limit, idempotency.",
        examples=[503],
    )
    after: Answer | None = Field(
        default=None,
        description=(
            "Changes the answer after the service processed the request: with `fault`, `throttle` or `delay`, "
            "the original answer; with a status or a body, another answer."
        ),
        examples=[{"fault": "reset"}],
    )
    webhook: WebhookTroubleSpec | None = Field(default=None, description="Changes the webhooks of the call.")
    times: Annotated[
        int | str,
        BeforeValidator(_times),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": ALWAYS}]}),
    ] = Field(
        default=1,
        description="Number of consecutive calls of the route, or `always`; default: 1, with a share of calls always.",
    )

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.before is None and self.after is None and self.webhook is None:
            raise WrongValueError(
                "it has no effect", "Write before: 503, after: {fault: reset}, or webhook: {repeat: 2}"
            )
        if self.before is not None and (self.after is not None or self.webhook is not None):
            other = "after" if self.after is not None else "webhook"
            raise WrongValueError(
                f"with `before`, the request is not processed, so `{other}` can't apply", "Keep one of them"
            )
        return self


class FaultShareSpec(Spec):
    """Which share of the calls an injected failure affects, and for how long."""

    probability: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0,
        description="The share of the calls that are affected, selected by the seed; default: all.",
        examples=[0.5],
    )
    ramp_s: DurationS | None = Field(
        default=None,
        alias="ramp",
        description="The probability grows from 0 during this time, by the virtual clock.",
        examples=["30s"],
    )
    for_s: DurationS | None = Field(
        default=None, alias="for", description="It ends after this time, by the virtual clock."
    )


class PlacedTroubleSpec(TroubleSpec, FaultShareSpec):
    """A trouble, and which calls it affects: what `PUT /troubles` takes."""

    name: str | None = Field(default=None, description="For people.", max_length=200)
    route: Annotated[str, Field(min_length=1)] = Field(
        description="Id or name of the route.", examples=["create-charge"]
    )
    call: Annotated[int, Field(ge=1)] = Field(
        default=1, description="The first affected call of that route, counted from now."
    )
    later: bool = Field(
        default=False, description="The route may be created later; then name it by its complete id."
    )
    lasting: bool = Field(default=False, description="It remains after a reset.")
    optional: bool = Field(default=False, description="A test does not fail if it affects no call.")

    @property
    def last_call(self) -> int | None:
        """The last call that it may affect; None if there is no limit."""
        narrowed = self.has("probability") or self.has("ramp_s") or self.has("for_s")
        if self.times == ALWAYS or (narrowed and not self.has("times")):
            return None
        return self.call + int(self.times) - 1


class SweepTroubleSpec(TroubleSpec):
    """A trouble of the sweep."""

    routes: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="Names or ids of routes; `*` matches anything. Default: all routes."
    )


def _trouble(value: object) -> object:
    if value == NONE:
        return None
    if not isinstance(value, dict | SweepTroubleSpec):
        hint = f"Write what it does, such as {{before: 503}}, or {NONE} to leave a shipped one out"
        raise WrongValueError(
            "it has no effect" if value is None else f"expected a trouble, got {shown(value)}", hint
        )
    return value


SweepTrouble = Annotated[
    SweepTroubleSpec | None, BeforeValidator(_trouble), SchemaOf(SweepTroubleSpec, {"const": NONE})
]
"""None for `none`."""


def _shipped(value: object) -> object:
    if value in ("all", NONE) or isinstance(value, list):
        return value
    hint = near(value, ("all", NONE)) if isinstance(value, str) else ""
    raise WrongValueError(f"expected all, none or a list of names, got {shown(value)}", hint)


class TroubleEffectsSpec(Spec):
    """Facts about effects that the sweep can't detect."""

    undone_by: dict[str, str | list[str]] = Field(
        default={}, description="A kind of effect, and the kinds that reverse it: {charge: refund}."
    )
    alone: list[str] = Field(
        default=[], description="Kinds of effects that may exist without the other effects of the clean run."
    )


class TroublesFileSpec(Spec):
    """A trouble file for the sweep."""

    shipped: Annotated[
        Literal["all", "none"] | list[str],
        BeforeValidator(_shipped),
        WithJsonSchema({"anyOf": [{"enum": ["all", NONE]}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(default="all", description="Shipped troubles to use: all, none, or a list of names.")
    troubles: dict[str, SweepTrouble] = Field(
        default={}, description="Additional troubles by name; a shipped name replaces it, `none` disables it."
    )
    effects: TroubleEffectsSpec = Field(
        default=TroubleEffectsSpec(), description="Facts about effects for the verdicts."
    )

    @model_validator(mode="before")
    @classmethod
    def _own_keys(cls, value: object) -> object:
        if isinstance(value, dict):
            return without_extensions(value)
        if value is None:
            raise WrongValueError(
                "the file is empty", "Write at least: troubles: {slow: {after: {delay: 2s}}}"
            )
        return value


def troubles_schema(shipped: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the JSON Schema (2020-12) of a trouble file, for editors.

    `shipped` are descriptions of shipped troubles by name.
    """
    document = TroublesFileSpec.model_json_schema(by_alias=True, schema_generator=SpecSchema)
    properties = document["properties"]
    properties["shipped"]["anyOf"][1]["items"] = {"enum": list(shipped)}
    troubles = properties["troubles"]
    trouble = troubles["additionalProperties"]
    troubles["properties"] = {
        name: {**trouble, "description": f"Shipped: {says}."} for name, says in shipped.items()
    }
    troubles["propertyNames"] = {"pattern": NAME_PATTERN}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mockserver:troubles:1",
        **document,
        "patternProperties": {"^x-": {}},
        "title": "mockserver file of troubles, version 1",
    }
