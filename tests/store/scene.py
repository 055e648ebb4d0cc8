"""A market and a position of any adapter whose facts take a few forms, read at made-up blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from eth_typing import HexStr
from hypothesis import Phase, given, settings

from tests.adapters.situations import SITUATIONS, AnyPosition
from watcher.adapter import Adapter, Which
from watcher.adapters import names
from watcher.health.status import read
from watcher.model import BlockRef, Market, PositionKey, Reading, Sighting
from watcher.store.entry import Entry, Seen
from watcher.store.recall import Recalled

CHAINS = count(10_000)
BEGAN = 1_700_000_000  # seconds; block 0


def block(chain: int, number: int, fork: int = 0) -> BlockRef:
    return BlockRef(number, BEGAN + 12 * number, chain, HexStr(f"0x{fork:032x}{number:032x}"))


def drawn(protocol: str) -> AnyPosition:
    """A position with debt, the same in every run."""
    found: list[AnyPosition] = []

    @given(SITUATIONS[protocol].positions)
    @settings(max_examples=30, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    def draw(position: AnyPosition) -> None:
        if position.value().health is not None:
            found.append(position)

    draw()
    return max(found, key=lambda position: len(position.value().legs))


DRAWN = {protocol: drawn(protocol) for protocol in names()}


@dataclass(frozen=True, slots=True)
class Scene:
    """One market on a chain of its own. A form is a small number: the same form gives the same words."""

    chain: int
    market: Market
    position: AnyPosition

    @classmethod
    def of(cls, protocol: str) -> Scene:
        chain, position = next(CHAINS), DRAWN[protocol]
        market = replace(position.terms.market, chain=chain)
        return cls(chain, market, replace(position, terms=replace(position.terms, market=market)))

    @property
    def adapter(self) -> Adapter[Any, Any, Any]:
        return self.position.adapter

    @property
    def key(self) -> PositionKey:
        key: PositionKey = self.position.holding.key
        return key

    def other(self) -> PositionKey:
        return PositionKey(self.key.market, b"\x0b" * 20)

    def quote(self, form: int) -> Any:
        """Another price, and nothing accrued."""
        of, terms = self.adapter, self.position.terms
        stored = replace(of.accrue(terms, self.position.quote, self.position.value().at, Which.NONE), at=None)
        price = next(price for price in of.prices(terms, stored) if price.answer)
        assert price.answer is not None
        return of.reprice(terms, stored, {price.token.address: price.answer + form})

    def holding(self, form: int, key: PositionKey | None = None) -> Any:
        """Twice as much, so many times."""
        held = self.position.holding
        for _ in range(form):
            held = SITUATIONS[self.market.protocol].doubled(held)
        return replace(held, key=key or self.key)

    def reading(self, at: BlockRef, quote: int, holding: int, key: PositionKey | None = None) -> Reading:
        held = self.holding(holding, key)
        return self.read(at, self.position.terms, self.quote(quote), held)

    def read(self, at: BlockRef, terms: Any, quote: Any, holding: Any) -> Reading:
        accrued = self.adapter.accrue(terms, quote, at, Which.ALL)
        return read(holding.key, at, replace(self.position, terms=terms, quote=accrued, holding=holding))

    def again(self, found: Recalled[Any, Any, Any]) -> Reading:
        """The reading, out of the stored facts."""
        return self.read(found.kept.block, found.terms, found.quote, found.holding)

    def entry(
        self, at: BlockRef, quote: int = 0, holding: int = 0, keys: Sequence[PositionKey] = (), **values: Any
    ) -> Entry:
        seen = tuple(
            Seen(
                self.reading(at, quote, holding, key),
                self.holding(holding, key),
                self.sighting(at, quote, holding, key),
            )
            for key in keys or (self.key,)
        )
        return Entry(self.market, self.position.terms, self.quote(quote), seen, **values)

    def sighting(self, at: BlockRef, quote: int, holding: int, key: PositionKey | None = None) -> Sighting:
        reading = self.reading(at, quote, holding, key)
        health = None if reading.valuation is None else reading.valuation.health
        return Sighting(reading.key, at, at.timestamp + 3, reading.status, reading.status, health, True, reading.reason)
