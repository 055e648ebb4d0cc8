"""Logs to events. Known events have a fixed layout; what does not fit is asked of eth-abi, and its refusal is an `AnswerError`."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from eth_typing import ChecksumAddress, HexStr

from watcher.adapter import Event
from watcher.chain.abi import EventLayout, event
from watcher.chain.codec import decode_types
from watcher.chain.log import Log
from watcher.chain.words import ADDRESS_PADDING, Layout, Misfit, address, layout
from watcher.errors import AnswerError


@dataclass(frozen=True, slots=True)
class Known:
    """One event ready to be read: `topics` has a reader per indexed value, `data` the layout of the others; None where none is fixed.

    `order` puts the values, indexed ones first, back as in the ABI; None where they stand so already.
    """

    name: str
    indexed: tuple[str, ...]
    plain: tuple[str, ...]
    topics: tuple[Callable[[str], Any], ...] | None
    data: Layout | None
    order: Callable[[Sequence[Any]], tuple[Any, ...]] | None


Book = Mapping[tuple[str, int], Known]  # by topic 0 and the number of topics


def known(names: Iterable[str]) -> Book:
    """The events to recognise, by name below `abis/`. The same topic with another number of indexed values is another event."""
    return {(f"0x{shape.topic.hex()}", 1 + sum(shape.indexed)): _known(shape) for shape in map(event, names)}


def _known(shape: EventLayout) -> Known:
    indexed = tuple(_topic(kind) for kind, is_topic in zip(shape.types, shape.indexed, strict=True) if is_topic)
    plain = tuple(kind for kind, is_topic in zip(shape.types, shape.indexed, strict=True) if not is_topic)
    places = [i for i, is_topic in enumerate(shape.indexed) if is_topic]
    places += [i for i, is_topic in enumerate(shape.indexed) if not is_topic]
    order = tuple(places.index(i) for i in range(len(places)))
    in_order = None if order == tuple(sorted(order)) else itemgetter(*order)
    return Known(shape.name, indexed, plain, _readers(indexed), layout(plain), in_order)


def _readers(indexed: tuple[str, ...]) -> tuple[Callable[[str], Any], ...] | None:
    found = [layout((kind,)) for kind in indexed]
    return None if None in found else tuple(_reader(one) for one in found if one is not None)


@cache
def _reader(kind: Layout) -> Callable[[str], Any]:
    """Reads one topic. Cached, because the same users and reserves come again and again."""

    @lru_cache(maxsize=1 << 14)
    def read(topic: str) -> Any:
        if len(topic) != 66:
            raise Misfit
        return kind.read(unhexlify(topic[2:]))[0]

    return read


def _topic(kind: str) -> str:
    """What stands in a topic: the value itself, or the hash of a value that has no fixed size or more than one word."""
    return "bytes32" if kind in ("string", "bytes") or kind.endswith((")", "]")) else kind


def decode_logs(book: Book, logs: Iterable[Log]) -> list[Event]:
    """As `decode_log` for each of many, those of one event together: their order is not kept."""
    alike: dict[tuple[str, int], list[Log]] = {}
    for log in logs:
        alike.setdefault((log.topics[0] if log.topics else "", len(log.topics)), []).append(log)
    return [event for group in alike.values() for event in _together(book, group)]


def _together(book: Book, group: Sequence[Log]) -> list[Event]:
    """Logs of one event, column by column: at that size Python's own loops are what costs. Any surprise is left to `decode_log`."""
    found = _found(book, group[0])
    try:
        values = _rows(found, group)
    except (Misfit, ValueError):
        return [decode_log(book, log) for log in group]
    return [_event(found, log, args) for log, args in zip(group, values, strict=True)]


def _rows(found: Known, group: Sequence[Log]) -> list[tuple[Any, ...]]:
    """The values of each log, where all are words of a fixed layout. `Misfit` or ValueError where one does not fit."""
    if found.topics is None or found.data is None or found.data.shape is not None or not found.indexed + found.plain:
        raise Misfit
    data = [unhexlify(log.data[2:]) for log in group]
    if set(map(len, data)) != {found.data.size}:
        raise Misfit
    words = [
        *list(zip(*[log.topics for log in group], strict=True))[1:],
        *zip(*map(found.data.split, data), strict=True),
    ]
    readers: tuple[Callable[[Any], Any], ...] = (*found.topics, *found.data.leaves)
    columns = [list(map(read, column)) for read, column in zip(readers, words, strict=True)]
    return list(zip(*(columns if found.order is None else found.order(columns)), strict=True))


def decode_log(book: Book, log: Log) -> Event:
    """One log as an `Event`, its exact values in the ABI's order.

    `AnswerError` for an unknown topic, a wrong count of topics, a value that does not fit, and a block number, hash or index that is none.
    """
    found = _found(book, log)
    return _event(found, log, _values(found, log))


def _event(found: Known, log: Log, args: tuple[Any, ...]) -> Event:
    number, index = _quantity(log.blockNumber), _quantity(log.logIndex)
    return Event(found.name, _emitter(log.address), args, number, _hash(log.blockHash), index)


def _found(book: Book, log: Log) -> Known:
    topics = log.topics
    found = book.get((topics[0], len(topics))) if topics else None
    if found is None:
        raise AnswerError(f"a log of {log.address[:42]} with {len(topics)} topics is none of the events asked for")
    return found


def _values(found: Known, log: Log) -> tuple[Any, ...]:
    try:
        topics, data = [unhexlify(topic[2:]) for topic in log.topics[1:]], unhexlify(log.data[2:])
    except ValueError as wrong:
        raise AnswerError(f"a log of {found.name} is not hexadecimal") from wrong
    if any(len(topic) != 32 for topic in topics):
        raise AnswerError(f"a topic of {found.name} is not 32 bytes")
    values = [*decode_types(found.indexed, b"".join(topics), found.name), *decode_types(found.plain, data, found.name)]
    return tuple(values) if found.order is None else found.order(values)


@lru_cache(maxsize=1 << 12)
def _emitter(text: str) -> ChecksumAddress:
    try:
        raw = unhexlify(text[2:])
    except ValueError as wrong:
        raise AnswerError("a log without an address") from wrong
    if len(raw) != 20:
        raise AnswerError("a log without an address")
    return address(ADDRESS_PADDING + raw)


@lru_cache(maxsize=1 << 12)
def _quantity(text: str) -> int:
    try:
        number = int(text, 16)
    except ValueError as wrong:
        raise AnswerError("a log without a block number or index") from wrong
    if not text.startswith("0x") or not 0 <= number < 1 << 63:
        raise AnswerError("a log without a block number or index")
    return number


@lru_cache(maxsize=1 << 12)
def _hash(text: str) -> HexStr:
    if len(text) != 66 or not text.startswith("0x") or not set(text[2:]) <= set("0123456789abcdefABCDEF"):
        raise AnswerError("a log without a block hash")
    return HexStr(text.lower())
