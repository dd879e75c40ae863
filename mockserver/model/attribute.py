"""Attributes that functions get and set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

T = TypeVar("T")


class Attribute(property, Generic[T]):
    """A property with the type of its value."""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type | None = None, /) -> T: ...  # type: ignore[override]

        def __set__(self, instance: object, value: T, /) -> None: ...
