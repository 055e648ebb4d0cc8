"""Static ABI words at fixed offsets: the fast path beside eth-abi, with the same range checks as its strict decoder.

Whatever does not fit raises `Misfit`; the caller then asks eth-abi, which decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from operator import call
from struct import Struct
from typing import Any, TypeAlias

from eth_abi.grammar import ABIType, BasicType, TupleType, normalize, parse
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

Leaf: TypeAlias = Callable[[bytes], Any]
Shape: TypeAlias = "tuple[Shape | None, ...]"  # None stands for one word, a tuple for a struct or fixed array

from_bytes = int.from_bytes
ADDRESS_PADDING = bytes(12)
FALSE, TRUE = bytes(32), bytes(31) + b"\x01"


class Misfit(Exception):
    """A word, a length or an argument is not what the fixed layout expects."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`leaves` read one word each; `shape` nests their values, None where all of them stand at the top."""

    size: int
    split: Callable[[bytes], tuple[bytes, ...]]
    leaves: tuple[Leaf, ...]
    shape: Shape | None
    plain: bool  # every word is a uint256

    def read(self, data: bytes) -> tuple[Any, ...]:
        """The values of `data`, which must have exactly `size` bytes."""
        if len(data) != self.size:
            raise Misfit
        if self.plain:
            return tuple(map(from_bytes, self.split(data)))
        values = map(call, self.leaves, self.split(data))
        return tuple(values) if self.shape is None else _nest(values, self.shape)


@cache
def layout(types: tuple[str, ...]) -> Layout | None:
    """How to read these types as a row of words, or None when one of them is dynamic or of a kind not known here."""
    leaves: list[Leaf] = []
    shape = tuple(_shape(part, leaves) for part in parsed(types))
    if None in leaves:
        return None
    flat = all(part is None for part in shape)
    plain = flat and all(leaf is from_bytes for leaf in leaves)
    return Layout(32 * len(leaves), Struct("32s" * len(leaves)).unpack, tuple(leaves), None if flat else shape, plain)


@cache
def parsed(types: tuple[str, ...]) -> tuple[ABIType, ...]:
    return tuple(parse(normalize(kind)) for kind in types)  # type: ignore[no-untyped-call]


def _shape(kind: ABIType, leaves: list[Any]) -> Shape | None:
    """Append one leaf per word of `kind`, or None where it has no fixed layout."""
    if kind.is_dynamic:
        leaves.append(None)
        return None
    if kind.is_array:
        return tuple(_shape(kind.item_type, leaves) for _ in range(kind.arrlist[-1][0]))
    if isinstance(kind, TupleType):
        return tuple(_shape(part, leaves) for part in kind.components)
    leaves.append(_leaf(kind) if isinstance(kind, BasicType) else None)
    return None


def _leaf(kind: BasicType) -> Leaf | None:
    if kind.base == "uint":
        return from_bytes if kind.sub == 256 else _unsigned(kind.sub)
    if kind.base == "int":
        return _signed(kind.sub)
    if kind.base == "bytes":
        return _padded(kind.sub)
    if kind.base == "address":
        return address
    return boolean if kind.base == "bool" else None


def _nest(values: Iterator[Any], shape: Shape) -> tuple[Any, ...]:
    return tuple(next(values) if part is None else _nest(values, part) for part in shape)


@lru_cache(maxsize=1 << 16)
def address(word: bytes) -> ChecksumAddress:
    """The EIP-55 address in a word. Cached: a checksum costs a keccak, and the same addresses come again and again."""
    if word[:12] != ADDRESS_PADDING:
        raise Misfit
    return to_checksum_address(word[12:])


def boolean(word: bytes) -> bool:
    if word == TRUE:
        return True
    if word == FALSE:
        return False
    raise Misfit


def _unsigned(bits: int) -> Leaf:
    end = 1 << bits

    def read(word: bytes) -> int:
        value = from_bytes(word)
        if value >= end:
            raise Misfit
        return value

    return read


def _signed(bits: int) -> Leaf:
    end = 1 << bits - 1

    def read(word: bytes) -> int:
        value = from_bytes(word, signed=True)
        if not -end <= value < end:
            raise Misfit
        return value

    return read


def _padded(size: int) -> Leaf:
    zeros = bytes(32 - size)

    def read(word: bytes) -> bytes:
        if word[size:] != zeros:
            raise Misfit
        return word[:size]

    return read


def write(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Scalar arguments, structs of them, and `bytes`. Anything unusual (an array, a short bytesN, a wrong type) is a `Misfit`."""
    if len(types) != len(values):
        raise Misfit
    tails = [value for kind, value in zip(types, values, strict=True) if kind == "bytes"]
    if not tails:
        return b"".join([_word(kind, value) for kind, value in zip(types, values, strict=True)])
    if any(type(tail) is not bytes for tail in tails):
        raise Misfit
    heads = [None if kind == "bytes" else _word(kind, value) for kind, value in zip(types, values, strict=True)]
    offset = sum(32 if head is None else len(head) for head in heads)
    padded = [len(tail).to_bytes(32) + tail + bytes(-len(tail) % 32) for tail in tails]
    offsets = accumulate(map(len, padded), initial=offset)
    words = [next(offsets).to_bytes(32) if head is None else head for head in heads]
    return b"".join((*words, *padded))


def _word(kind: str, value: Any) -> bytes:
    if kind == "address" and type(value) is str:
        return address_word(value)
    if kind[:4] == "uint" and type(value) is int and 0 <= value < 1 << int(kind[4:]):
        return value.to_bytes(32)
    if kind == "bytes32" and type(value) is bytes and len(value) == 32:
        return value
    if kind == "bool" and type(value) is bool:
        return TRUE if value else FALSE
    if kind[0] == "(" and kind[-1] == ")" and type(value) is tuple:
        return _struct(kind, value)
    raise Misfit


def _struct(kind: str, values: tuple[Any, ...]) -> bytes:
    """The members of a struct in their places, as long as all of them have a fixed length."""
    members = _members(kind)
    if len(members) != len(values):
        raise Misfit
    return b"".join([_word(member, value) for member, value in zip(members, values, strict=True)])


@cache
def _members(kind: str) -> tuple[str, ...]:
    (struct,) = parsed((kind,))
    return tuple(part.to_type_str() for part in struct.components) if isinstance(struct, TupleType) else ()


@lru_cache(maxsize=1 << 16)
def address_word(text: str) -> bytes:
    """The word of an address that is already in its EIP-55 form."""
    if len(text) != 42 or to_checksum_address(text) != text:
        raise Misfit
    return ADDRESS_PADDING + bytes.fromhex(text[2:])
