"""Which markets of a singleton some owners have entered, by their own logs, and which contracts an annex has; how far these were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters import adapter
from watcher.chain.logs import Window, logs
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.model import Market

ENTERED: Final = "entered markets"
Windows = dict[str, Window]  # what was learned about log ranges, by endpoint


@dataclass(frozen=True, slots=True)
class Entered:
    """How far logs were read that name more of a singleton: what came after block `known` may be missing, be it markets or `what` says."""

    singleton: Market
    known: int  # the last block whose logs are certainly read; below `singleton.start` when none was
    complete: bool
    reason: str | None = None
    what: str = ENTERED


@dataclass(slots=True)
class Search:
    """A walk through one singleton's logs that may be cut off at any time: `found` and `known` are right after every window."""

    singleton: Market
    known: int
    found: dict[bytes, Market] = field(default_factory=dict)
    error: WatcherError | None = None

    def entered(self, head: int) -> Entered:
        return _entered(self.singleton, self.known, head, self.error)

    async def walk(self, line: Connection, owners: Sequence[ChecksumAddress], head: int, windows: Windows) -> None:
        """Forward from the singleton's first block, so that everything up to `known` is settled."""
        discover = adapter(self.singleton.protocol).discover
        if discover is None:
            raise TypeError(f"{self.singleton.protocol} has singletons but no discover")
        query = discover(self.singleton, owners)
        try:
            async for upto, rows in logs(line.w3, query, self.known + 1, head, windows=windows):
                self.found.update({market.id: market for _, market in rows})
                self.known = upto
        except WatcherError as error:
            self.error = error


@dataclass(slots=True)
class AnnexSearch:
    """A walk through what the factory of a market's annex has made, for all markets with that factory; it may be cut off as well."""

    market: Market  # any of them
    known: int
    made: dict[bytes, dict[ChecksumAddress, None]] = field(
        default_factory=dict
    )  # by market id, in the order of the chain
    error: WatcherError | None = None

    def entered(self, head: int) -> Entered:
        return replace(_entered(self.market, self.known, head, self.error), what="pre-liquidation contracts")

    async def walk(self, line: Connection, head: int, windows: Windows) -> None:
        """Forward from the factory's first block."""
        annexes = adapter(self.market.protocol).annexes
        if annexes is None:
            raise TypeError(f"{self.market.protocol} has annexes and does not say what is in them")
        try:
            async for upto, rows in logs(line.w3, annexes(self.market), self.known + 1, head, windows=windows):
                for _, (identity, contract) in rows:
                    self.made.setdefault(identity, {})[contract] = None
                self.known = upto
        except WatcherError as error:
            self.error = error

    def annexed(self, market: Market) -> Market:
        """The market with what was made for it so far; itself where that is nothing, or where its annex is another one."""
        mine = market.annex is not None and _factory(market) == _factory(self.market)
        made = tuple(self.made.get(market.id, ()))
        if not mine or market.annex is None or not made:
            return market
        return replace(market, annex=replace(market.annex, made=made))


def annex_searches(markets: Iterable[Market]) -> list[AnnexSearch]:
    """One for each factory; nothing has been read yet."""
    one_of = {_factory(market): market for market in markets if market.annex is not None}
    return [
        AnnexSearch(market, (market.annex.start or 0) - 1) for market in one_of.values() if market.annex is not None
    ]


def _factory(market: Market) -> tuple[str, ChecksumAddress, ChecksumAddress | None]:
    return market.protocol, market.address, None if market.annex is None else market.annex.factory


def _entered(market: Market, known: int, head: int, error: WatcherError | None) -> Entered:
    complete = known >= head and error is None
    return Entered(
        market,
        known,
        complete,
        None if complete else str(error or "the time was up before its logs were read to the head"),
    )
