"""The doubts about the prices that tracked positions hang on, as the newest block that was read shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from watcher.cycle import Row
from watcher.model import BlockRef, DoubtKind
from watcher.watching.concerns import Subject


@dataclass(frozen=True, slots=True)
class Doubted:
    """`seen` are the markets whose prices were looked at, `found` what is doubted there, in words."""

    seen: frozenset[str]
    found: Mapping[Subject, str]


def doubted(rows: Iterable[Row], newest: BlockRef) -> Doubted:
    """Rows of an older block say nothing about the present: their positions could not be read since, which is told as unknown."""
    seen: set[str] = set()
    found: dict[Subject, str] = {}
    for row in rows:
        if row.reading.block == newest:
            seen.add(row.market.name)
            found |= {subject: f"{row.market.name}: {text}" for subject, text in _doubts(row)}
    return Doubted(frozenset(seen), found)


def _doubts(row: Row) -> Iterator[tuple[Subject, str]]:
    """Of the prices of what it holds and owes, and of the oracle as a whole."""
    worth, position = row.reading.valuation, row.position
    held = set() if worth is None else {leg.token.address for leg in worth.legs}
    for price in position.adapter.prices(position.terms, position.quote):
        if price.token.address in held:
            for doubt in price.doubts:
                yield Subject(row.market.name, f"{doubt.kind} {price.token.address}"), doubt.text
    for doubt in row.reading.doubts:
        if doubt.kind is DoubtKind.SEQUENCER:
            yield Subject(row.market.name, doubt.kind), doubt.text
