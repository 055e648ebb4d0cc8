"""Everything some owners and their proxies hold on one chain: the configured markets, those that registries list, those that the
holders' own logs say they have entered, and vault shares; with US dollar feeds for sums.

Reads through a `Connection`, keeps to a deadline, and says what it could not read and what nobody confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapters import adapter
from watcher.annex import annexed
from watcher.config import Chain
from watcher.confirm import Confirmed, Question, alike, confirmed
from watcher.connection import Connection, Pin, connect
from watcher.cycle import MarketCycle, Row, priced
from watcher.errors import BlockChanged, ChainError, Transient, WatcherError
from watcher.model import BlockRef, Market, Side
from watcher.oracle.dollar import Rates, dollars
from watcher.oracle.sight import Sight, look
from watcher.portfolio.beside import Beside
from watcher.portfolio.holders import Holder, Holders, holders
from watcher.portfolio.vaults import converted, deposits
from watcher.query import Query
from watcher.search import Entered, Search, Windows

DEADLINE = 20.0  # seconds for one chain, first request to last answer
RESERVE = 0.25  # share of the deadline kept for reading the markets that logs have named
LAST = 0.05  # share of it kept to show what there is when those are late
REPEATS = 3  # cycles, where the pinned block was replaced while it was read


@dataclass(frozen=True, slots=True)
class Wallet:
    """What the owners hold on one chain at one block. With `error` set nothing could be read and everything there is unknown.

    `confirmed_by` endpoints gave the very same facts, 1 being the only one that was asked; `notes` name the others, a line each.
    """

    chain: Chain
    block: BlockRef | None
    markets: tuple[MarketCycle, ...] = ()
    entered: tuple[Entered, ...] = ()
    error: WatcherError | None = None
    confirmed_by: int = 0
    notes: tuple[str, ...] = ()
    beside: Beside = field(default_factory=Beside)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every position of every market that was read."""
        return tuple(row for market in self.markets for row in market.rows)

    @property
    def complete(self) -> bool:
        """Nothing is missing: every market, proxy and position was read, and every log that could name another market."""
        read = all(m.error is None and all(row.reading.valuation for row in m.rows) for m in self.markets)
        found = all(entered.complete for entered in self.entered)
        return self.error is None and read and found and not self.beside.lost


@dataclass(frozen=True, slots=True)
class Limits:
    """The times of the running loop at which a wallet's steps must have ended."""

    search: float
    found: float
    all: float

    @classmethod
    def of(cls, deadline: float) -> Limits:
        end = asyncio.get_running_loop().time() + deadline
        return cls(end - RESERVE * deadline, end - LAST * deadline, end)


async def read_wallet(
    chain: Chain,
    owners: Sequence[ChecksumAddress],
    *,
    number: int | None = None,
    before: int | None = None,
    deadline: float = DEADLINE,
    known: Mapping[str, Any] | None = None,
    confirm: bool = True,
    windows: Windows | None = None,
    vaults: Sequence[ChecksumAddress] = (),
) -> Wallet:
    """The owners' positions on `chain`, at the head, at block `number`, or at the newest block not after `before` (Unix seconds).

    `known` are terms of an earlier cycle by market name. With `confirm` a second endpoint that was named in the same place as the first
    is asked the same. `windows` remembers what endpoints serve at once; pass the same one again. `vaults` are those whose shares are
    looked for in the addresses themselves. Never raises `WatcherError`: a chain that cannot be read within `deadline` seconds is a
    `Wallet` with its error.
    """
    limits = Limits.of(deadline)
    try:
        async with asyncio.timeout_at(limits.all), connect(chain) as line:
            asked = Asked(line, tuple(owners), tuple(vaults), number, before, known, confirm)
            return await _read(asked, limits, {} if windows is None else windows)
    except TimeoutError:
        names = ", ".join(dict.fromkeys(endpoint.name for endpoint in chain.endpoints))
        error = Transient(names, f"no answer within {deadline:g} s; try another endpoint with --rpc URL")
        return Wallet(chain, None, error=error)
    except WatcherError as error:
        return Wallet(chain, None, error=error)


@dataclass(frozen=True, slots=True)
class Asked:
    """What `read_wallet` was asked, with the line to ask it through."""

    line: Connection
    owners: tuple[ChecksumAddress, ...]
    vaults: tuple[ChecksumAddress, ...]
    number: int | None
    before: int | None
    known: Mapping[str, Any] | None
    confirm: bool

    async def settled(self, until: float) -> Settled:
        """The configured markets at a block that stays. Where it was replaced meanwhile, the endpoints agree on another."""
        for attempt in range(1, REPEATS + 1):
            pin = await self.line.pin(self.number, self.before)
            asked = pin if self.confirm else replace(pin, holders=pin.holders[:1])
            try:
                return await self._settled(pin, asked, until, last=attempt == REPEATS)
            except BlockChanged:
                continue
        raise ChainError(f"{self.line.chain.name}: its newest blocks keep being replaced; try again in a minute")

    async def _settled(self, pin: Pin, asked: Pin, until: float, *, last: bool) -> Settled:
        """Holders first: whose positions are read hangs on them. Dollars are read beside the markets."""
        chain = self.line.chain
        found, *lists = await self._listed(asked)
        if isinstance(found, BlockChanged) and not last:
            raise found
        lost = [f"the proxies of the addresses: {found}"] if isinstance(found, WatcherError) else [*found.cut]
        whose = Holders(tuple(map(Holder, self.owners))) if isinstance(found, WatcherError) else found
        known = {market.address for market in chain.markets}
        further: list[Market] = []
        for registry, markets in zip(chain.registries, lists, strict=True):
            if isinstance(markets, WatcherError):
                lost.append(f"the markets that {registry.name} lists: {markets}")
            else:
                further += [market for market in markets if market.address not in known]
        question = Question(asked, (*chain.markets, *further), whose.addresses, self.known, until)
        feeds = [(one.token, one.feed) for one in chain.usd]
        cycles, rates = await asyncio.gather(
            confirmed(question, last=last), alike(asked, lambda: dollars(feeds)), return_exceptions=True
        )
        if isinstance(cycles, BaseException):
            raise cycles
        if isinstance(rates, WatcherError):
            rates = Rates(reason=str(rates))
        elif isinstance(rates, BaseException):
            raise rates
        return Settled(pin, question, cycles, Beside(whose, rates, lost=tuple(lost)))

    async def _listed(self, pin: Pin) -> list[Any]:
        """The holders, then the markets of each registry, side by side; an error in the place of what failed."""
        chain = self.line.chain
        whose = alike(pin, lambda: holders(self.owners, chain.proxies.ds, chain.proxies.insta))
        return await asyncio.gather(whose, *(alike(pin, partial(_listing, one)) for one in chain.registries))


def _listing(registry: Market) -> Query[tuple[Market, ...]]:
    listed = adapter(registry.protocol).listed
    if listed is None:
        raise TypeError(f"{registry.protocol} has registries and lists no markets")
    return listed(registry)


@dataclass(frozen=True, slots=True)
class Settled:
    """The pinned block, what was asked there of whom, and what came of it."""

    pin: Pin
    question: Question
    markets: Confirmed
    beside: Beside


async def _read(asked: Asked, limits: Limits, windows: Windows) -> Wallet:
    """Configured markets first: the search for others takes what is left of the time and of the endpoints' patience."""
    settled = await asked.settled(limits.search)
    pin, configured, question = settled.pin, settled.markets, settled.question
    chain, head = asked.line.chain, pin.block.number
    searches = [Search(singleton, (singleton.start or 0) - 1) for singleton in chain.singletons]
    line = pin.line.through(*pin.holders)
    try:
        async with asyncio.timeout_at(limits.search):
            await asyncio.gather(*(search.walk(line, question.owners, head, windows) for search in searches))
    except TimeoutError:
        pass  # every search knows how far it got
    listed = {market.id for market in chain.markets if market.id}
    more = [market for search in searches for market in search.found.values() if market.id not in listed]
    further = replace(question, markets=more, until=limits.found)
    found = await _in_time(further) if more else Confirmed((), configured.by)
    lines = await annexed(replace(question, until=limits.found), configured.markets + found.markets, windows, _in_time)
    markets = lines.markets
    beside, sight = await asyncio.gather(
        _with_vaults(asked.vaults, question.pin, markets, settled.beside, limits.found),
        _behind(chain, question.pin, markets, settled.beside.rates, limits.found),
    )
    unseen = (f"what stands behind the prices could not be read: {sight}",) if isinstance(sight, WatcherError) else ()
    return Wallet(
        chain,
        pin.block,
        markets,
        (*(search.entered(head) for search in searches), *lines.known),
        confirmed_by=min(configured.by, found.by, lines.by or found.by),
        notes=tuple(dict.fromkeys((*pin.notes, *configured.notes, *found.notes, *unseen))),
        beside=replace(beside, sight=None if isinstance(sight, WatcherError) else sight),
    )


async def _in_time(question: Question) -> Confirmed:
    """A cycle that may not cost what has been read already: where it fails or is late, its markets are unknown, with the reason."""
    failure: WatcherError
    try:
        async with asyncio.timeout_at(question.until):
            return await confirmed(question, last=True)
    except TimeoutError:
        failure = Transient(question.pin.line.chain.name, "the time was up before this market was read")
    except ChainError as error:
        failure = error
    return Confirmed(tuple(MarketCycle(m, question.pin.block, error=failure) for m in question.markets), 1)


async def _with_vaults(
    vaults: Sequence[ChecksumAddress], pin: Pin, markets: Sequence[MarketCycle], beside: Beside, until: float
) -> Beside:
    """What vault shares convert to: those that positions hold, as labels, and those of `vaults` that the holders have themselves."""
    seen = [row.reading.valuation for cycle in markets for row in cycle.rows if row.reading.valuation is not None]
    held = [(leg.token.address, leg.amount) for one in seen for leg in one.legs if leg.side is not Side.DEBT]
    addresses = beside.holders.addresses
    try:
        async with asyncio.timeout_at(until):
            shares, own = await asyncio.gather(
                alike(pin, lambda: converted(held)), alike(pin, lambda: deposits(vaults, addresses))
            )
    except TimeoutError:
        shares = own = Transient(pin.line.chain.name, "the time was up before vault shares were read")
    if isinstance(own, WatcherError):
        if vaults:
            beside = replace(beside, lost=(*beside.lost, f"the vault shares of the addresses: {own}"))
        own = ()
    return replace(beside, shares={} if isinstance(shares, WatcherError) else shares, deposits=own)


async def _behind(
    chain: Chain, pin: Pin, markets: Sequence[MarketCycle], rates: Rates, until: float
) -> Sight | WatcherError:
    """What stands behind the prices of everything that is held or owed. One endpoint's word: it is shown, and nobody is judged by it."""
    prices = [price for cycle in markets for row in cycle.rows for price in priced(row)]
    beats = {beat.feed: beat.seconds for beat in chain.heartbeats}
    try:
        async with asyncio.timeout_at(until):
            sight = await pin.line.reader.run(look(prices, (), None, beats, pin.block.timestamp), pin.block)
    except TimeoutError:
        return Transient(chain.name, "the time was up")
    except WatcherError as error:
        return error
    return replace(sight, known=replace(sight.known, rates=rates))
