"""Ranges of blocks, both ends included: which are read, which are missing, and in what pieces they are asked for. Arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]  # (first block, last block)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same blocks in as few ranges as there can be, in order."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def missing(first: int, last: int, read: Iterable[Span]) -> tuple[Span, ...]:
    """What of the blocks from `first` to `last` is in none of the ranges `read`."""
    found, at = [], first
    for low, high in merged(read):
        if at > last:
            break
        if low > at:
            found.append((at, min(low - 1, last)))
        at = max(at, high + 1)
    if at <= last:
        found.append((at, last))
    return tuple(found)


def pieces(spans: Iterable[Span], most: int) -> Iterator[Span]:
    """The same blocks in ranges of at most `most` blocks."""
    for first, last in spans:
        for low in range(first, last + 1, most):
            yield low, min(low + most - 1, last)


def blocks(spans: Iterable[Span]) -> int:
    """How many there are."""
    return sum(last - first + 1 for first, last in spans)
