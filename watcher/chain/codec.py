"""Calls to bytes and bytes to rows. eth-abi is the codec of record; static words take the fixed layout of `words` first.

What eth-abi refuses is an `AnswerError`. Stricter than eth-abi in three places: a static answer must have exactly its length, no byte
of a dynamic answer may be used twice (so a small answer cannot grow into a large one), and strings come out cleaned and bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_abi.codec import ABICodec
from eth_abi.decoding import AddressDecoder, StringDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import ABIType, TupleType
from eth_abi.registry import BaseEquals, registry
from eth_typing import ChecksumAddress

from watcher.chain.abi import Function
from watcher.chain.words import ADDRESS_PADDING, Misfit, address, layout, parsed, write
from watcher.errors import AnswerError
from watcher.text import clean

LARGEST = 1 << 20  # bytes of one dynamic answer
LONGEST_TEXT = 256  # bytes of one string


class _Address(AddressDecoder):
    """Checksummed, as everywhere in this program; eth-abi's own decoder gives lower case."""

    @staticmethod
    def decoder_fn(data: bytes) -> ChecksumAddress:  # type: ignore[override]
        return address(ADDRESS_PADDING + data)


class _Text(StringDecoder):
    """Strings are written by strangers: bounded and cleaned where they enter."""

    @staticmethod
    def decoder_fn(data: bytes, handle_string_errors: str = "strict") -> str:
        return _text(data)


def _codec() -> ABICodec:
    own = registry.copy()  # type: ignore[no-untyped-call]
    own.unregister_decoder("address")
    own.unregister_decoder("string")
    own.register_decoder(BaseEquals("address"), _Address)  # type: ignore[no-untyped-call]
    own.register_decoder(BaseEquals("string"), _Text)  # type: ignore[no-untyped-call]
    return ABICodec(own)


_ABI = _codec()


def encode(function: Function, args: Sequence[Any]) -> bytes:
    """Selector and arguments. Arguments that do not fit the types are a bug of the caller: eth-abi's exception passes through."""
    try:
        return function.selector + write(function.inputs, args)
    except (Misfit, ValueError):
        return function.selector + _ABI.encode(function.inputs, args)


def decode(function: Function, data: bytes) -> tuple[Any, ...]:
    """The outputs in order; integers exact, addresses checksummed, strings cleaned.

    A function whose only output is a string may answer bytes32 instead, as old tokens do. Raises `AnswerError` for everything that is
    not exactly such an answer, the empty answer of an address without code among it.
    """
    if function.outputs == ("string",) and len(data) == 32:
        return (_text(data.rstrip(b"\0")),)
    if function.outputs and not data:
        raise AnswerError(f"{function.name} answered nothing; is there a contract at that address?")
    return decode_types(function.outputs, data, function.name)


def decode_types(types: tuple[str, ...], data: bytes, name: str) -> tuple[Any, ...]:
    """As `decode`, for the types of any payload; `name` is for the message."""
    fixed = layout(types)
    if fixed is None:
        _within_budget(types, data, name)
    else:
        try:
            return fixed.read(data)
        except Misfit:
            if len(data) != fixed.size:
                raise AnswerError(f"{name}: {len(data)} bytes where {fixed.size} belong") from None
    try:
        return tuple(_ABI.decode(types, data))
    except (DecodingError, AnswerError) as refusal:
        raise AnswerError(f"{name}: what its ABI does not allow: {str(refusal)[:120]}") from refusal


def _text(data: bytes) -> str:
    if len(data) > LONGEST_TEXT:
        raise AnswerError(f"a text of {len(data)} bytes is longer than {LONGEST_TEXT}")
    return clean(data)


def _within_budget(types: tuple[str, ...], data: bytes, name: str) -> None:
    """Refuse what would decode to more than its own size: pointers to the same bytes again, lengths beyond the end."""
    if len(data) > LARGEST:
        raise AnswerError(f"{name}: {len(data)} bytes, more than {LARGEST}")
    try:
        _measure_parts(parsed(types), data, 0, len(data))
    except Misfit:
        raise AnswerError(f"{name}: pointers or lengths that its {len(data)} bytes cannot hold") from None


def _measure_parts(parts: Sequence[ABIType], data: bytes, start: int, left: int) -> int:
    """What is left of the budget after a row of values whose head begins at `start`."""
    head = start
    for part in parts:
        if not part.is_dynamic:
            size = _static_size(part)
            head, left = head + size, left - size
            continue
        left = _measure(part, data, start + _number(data, head), left - 32)
        head += 32
    if left < 0:
        raise Misfit
    return left


def _measure(kind: ABIType, data: bytes, at: int, left: int) -> int:
    """What is left after one dynamic value at `at`; below zero when it does not fit."""
    if left < 0:
        raise Misfit
    if kind.is_array:
        (fixed,) = kind.arrlist[-1] or (None,)
        count = _number(data, at) if fixed is None else fixed
        start = at + 32 if fixed is None else at
        if not kind.item_type.is_dynamic:
            return left - (start - at) - count * _static_size(kind.item_type)
        if 32 * count > left:
            raise Misfit
        return _measure_parts((kind.item_type,) * count, data, start, left - (start - at))
    if isinstance(kind, TupleType):
        return _measure_parts(kind.components, data, at, left)
    return left - 32 - -(-_number(data, at) // 32) * 32


def _static_size(kind: ABIType) -> int:
    if kind.is_array:
        count: int = kind.arrlist[-1][0]
        return count * _static_size(kind.item_type)
    return sum(map(_static_size, kind.components)) if isinstance(kind, TupleType) else 32


def _number(data: bytes, at: int) -> int:
    if at + 32 > len(data):
        raise Misfit
    return int.from_bytes(data[at : at + 32])
