"""Facts as bytes: any frozen dataclass of integers, text, bytes, enums, tuples and others like it, exactly and by its type alone.

Equal facts have equal bytes and the other way round. The bytes begin with the shape of their type (names, types and order of all
fields): what was written by a program with other facts is refused by name, never misread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import DecodeError, msgpack

from watcher.errors import StoreError

T = TypeVar("T")
WORD: Final = (
    2**63
)  # integers from here on are written as their big-endian bytes, those below its negative as a list of these
MARK: Final = 8  # bytes of the shape at the beginning


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one type become plain ones and come back. `shape` tells types apart that would be written differently."""

    shape: str
    plain: Callable[[Any], Any]
    whole: Callable[[Any], Any]


def encode(fact: object) -> bytes:
    """The bytes of a fact. `TypeError` for a type that cannot be written exactly: that is a bug of the adapter."""
    kind: Any = type(fact)
    return _mark(kind) + msgpack.encode(_codec(kind).plain(fact))


def decode(kind: type[T], body: bytes) -> T:
    """The fact of this type again. `StoreError` when the bytes are of another shape, or damaged."""
    known: Any = kind
    if body[:MARK] != _mark(known):
        raise StoreError(
            f"a stored {_name(kind)} has the shape {body[:MARK].hex()} and this program knows {_mark(known).hex()}: "
            "it was written by another version of watcher; read it with that one"
        )
    try:
        fact: T = _codec(known).whole(msgpack.decode(body[MARK:]))
    except (DecodeError, ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"a stored {_name(kind)} is damaged ({error}): restore the store from a backup") from error
    return fact


def shape(kind: Any) -> str:
    """All that the bytes of a type depend on, for people."""
    return _codec(kind).shape


@cache
def _mark(kind: Any) -> bytes:
    return blake2b(shape(kind).encode(), digest_size=MARK).digest()


def _name(kind: type) -> str:
    return f"{kind.__name__} ({kind.__module__})"


def _same(value: Any) -> Any:
    return value


def _int_out(value: int) -> int | bytes | list[bytes]:
    if -WORD <= value < WORD:
        return value
    size = abs(value).to_bytes((value.bit_length() + 7) // 8)
    return size if value > 0 else [size]


def _int_in(value: int | bytes | list[bytes]) -> int:
    match value:
        case bytes():
            return int.from_bytes(value)
        case [bytes() as size]:
            return -int.from_bytes(size)
        case int():
            return value
    raise ValueError("an integer is written as neither")


_PLAIN: Final = {
    int: Codec("int", _int_out, _int_in),
    bool: Codec("bool", _same, _same),
    str: Codec("str", _same, _same),
    bytes: Codec("bytes", _same, _same),
}


@cache
def _codec(kind: Any) -> Codec:
    while hasattr(kind, "__supertype__"):  # NewType
        kind = kind.__supertype__
    if kind in _PLAIN:
        return _PLAIN[kind]
    if get_origin(kind) in (Union, UnionType):
        return _optional(kind)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Codec(
            kind.__name__, attrgetter("value"), kind
        )  # a member that this program lacks is refused by its value
    if isinstance(kind, type) and issubclass(kind, (int, str, bytes)):
        raise TypeError(f"{kind} is no plain type: it would come back as another")
    if isinstance(kind, type) and is_dataclass(kind):
        return _record(kind)
    raise TypeError(f"{kind} cannot be written exactly")


def _optional(kind: Any) -> Codec:
    """One type or None. Others cannot be told apart again."""
    inner = [one for one in get_args(kind) if one is not NoneType]
    if len(inner) != 1 or len(get_args(kind)) != 2:
        raise TypeError(f"{kind} cannot be told from its bytes")
    of = _codec(inner[0])
    return Codec(
        f"{of.shape}?",
        lambda value: None if value is None else of.plain(value),
        lambda value: None if value is None else of.whole(value),
    )


def _tuple(items: tuple[Any, ...]) -> Codec:
    if len(items) == 2 and items[1] is Ellipsis:
        of = _codec(items[0])
        if of.plain is _same:
            return Codec(f"({of.shape}…)", _same, tuple)
        return Codec(
            f"({of.shape}…)",
            lambda values: [of.plain(value) for value in values],
            lambda values: tuple([of.whole(value) for value in values]),
        )
    return _row(tuple, "", [_codec(item) for item in items], _same)


def _record(kind: type) -> Codec:
    names = [field.name for field in fields(kind)]
    hints = get_type_hints(kind)
    codecs = [_codec(hints[name]) for name in names]
    values = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

    def get(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{type(value)} would come back as {kind}")
        return values(value)

    made = _row(lambda values: kind(*values), kind.__name__, codecs, get)
    shapes = ",".join(f"{name}:{codec.shape}" for name, codec in zip(names, codecs, strict=True))
    return Codec(f"{kind.__name__}({shapes})", made.plain, made.whole)


def _row(build: Callable[[Any], Any], name: str, codecs: list[Codec], get: Callable[[Any], Any]) -> Codec:
    """Values of given types in a given order; their number is checked when they come back."""
    out, back = [codec.plain for codec in codecs], [codec.whole for codec in codecs]
    return Codec(
        f"{name}({','.join(codec.shape for codec in codecs)})",
        lambda value: [f(x) for f, x in zip(out, get(value), strict=True)],
        lambda values: build([f(x) for f, x in zip(back, values, strict=True)]),
    )
