"""Frozen facts made cheaply. A frozen dataclass sets each field through `object.__setattr__`, which costs several times the field; where
one is made for every account of a market that is most of the work."""

from __future__ import annotations

from dataclasses import fields, make_dataclass
from typing import Any, TypeVar, cast

F = TypeVar("F")


def thawed(frozen: type[F]) -> type[F]:
    """A class with the fields of a frozen one with slots, and not frozen: an instance becomes the real thing with ``made.__class__ = F``.

    The two have the same layout, so that nothing is copied, and from then on it is frozen like any other.
    """
    names: list[Any] = [(field.name, field.type, field) for field in fields(cast(Any, frozen))]
    return cast(type[F], make_dataclass(frozen.__name__, names, slots=True))
