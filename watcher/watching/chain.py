"""One watched chain: its head is compared with what was stored, read where it is new, and written down in one transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.confirm import Confirmed, Question, confirmed
from watcher.connection import Connection, Pin
from watcher.cycle import Row
from watcher.errors import BlockChanged, ChainError, StoreError, Transient, WatcherError
from watcher.following.follower import Follower, Strides, agreeing, merged
from watcher.following.stages import stage
from watcher.health.fold import Standing, retractions
from watcher.model import BlockRef, Market, PositionKey, Transition
from watcher.search import AnnexSearch, Search, Windows, annex_searches
from watcher.watching.journal import Journal
from watcher.watching.policy import Policy, owner
from watcher.watching.trunk import Canonical, behind, fork, missed
from watcher.watching.turn import Turn
from watcher.watching.weighing import Scales, Weighed

log = logging.getLogger(__name__)

DEADLINE: Final = 30.0  # seconds for the reading of one block
SEARCH: Final = 8.0  # of them for the logs that name more markets
REPEATS: Final = 3  # readings, where the pinned block was replaced meanwhile
SKEW: Final = 60  # seconds that a block may be ahead of this machine's clock before it is said
QUICKEST: Final = 5.0  # seconds: a chain that is faster is looked at so often where nothing else is said


class Broken(ChainError):
    """Blocks that finality had passed are gone. Nothing of this chain is read or deleted any more until somebody says so."""


Read: TypeAlias = tuple[Pin, Confirmed, Strides]


@dataclass(slots=True)
class WatchedChain:
    """`turn` is called again and again, never twice at once. What it remembers can all be had again from the store and the chain.

    `every` is the wanted pace in seconds, None for every new head. `accept` lets a reorg below finality pass, once.
    """

    line: Connection
    owners: tuple[ChecksumAddress, ...]
    policy: Policy
    journal: Journal
    every: int | None = None
    accept: bool = False
    follower: Follower = field(default_factory=Follower)
    clock: Callable[[], float] = time.time
    terms: dict[str, Any] = field(default_factory=dict)
    windows: Windows = field(default_factory=dict)
    searches: list[Search] = field(default_factory=list)
    annexes: list[AnnexSearch] = field(default_factory=list)
    stored: tuple[Market, ...] = ()  # markets of singletons that earlier runs have read
    standings: Mapping[PositionKey, Standing] | None = None
    rows: Mapping[PositionKey, Row] = field(default_factory=dict)
    tip: BlockRef | None = None
    stood: asyncio.Event = field(default_factory=asyncio.Event)  # the store was held against the chain by this run
    done: bool = False  # the tip was read by this very run, after whatever failed
    served: tuple[str, ...] = ()  # endpoints that the tip was read from
    trouble: str = "it was not running"

    @property
    def pace(self) -> float:
        """Seconds between two blocks that are read."""
        return self.every or max(QUICKEST, float(self.line.chain.block_time))

    @property
    def thinned(self) -> float | None:
        """The pace, where not every block is to be read."""
        return self.pace if self.every or self.line.chain.block_time < QUICKEST else None

    async def turn(self) -> Turn:
        """One look at the head, and a cycle where it is new.

        Raises `StoreError` where nothing could be recorded, `Broken`, and no other `WatcherError`.
        """
        began = time.monotonic()
        try:
            await self._recall()
            try:
                found = await self._in_time()
            except (Broken, StoreError):
                raise
            except WatcherError as error:
                done = await self._blind(error)
            else:
                done = found if isinstance(found, Turn) else await self._recorded(*found)
        except StoreError as error:
            self.standings, self.trouble = None, f"the store failed: {error}"  # whatever was written is found out anew
            raise
        return replace(done, seconds=time.monotonic() - began)

    async def _in_time(self) -> Turn | Read:
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._read()
        except TimeoutError:
            raise Transient(self.line.chain.name, f"not read within {DEADLINE:g} s") from None

    async def _recall(self) -> None:
        """What the store knows of the chain, at the start and after a reorg."""
        if self.standings is not None:
            return
        chain = self.line.chain
        self.tip = await self.journal.tip(chain.id)
        homes = {(single.protocol, single.address): single for single in chain.singletons}
        listed = {market.id for market in chain.markets if market.id}
        self.stored = tuple(
            replace(homes[market.protocol, market.address], name=market.name, id=market.id)
            for market in await self.journal.markets(chain.id)
            if (market.protocol, market.address) in homes and market.id and market.id not in listed
        )
        if not self.searches:
            self.searches = [Search(single, (single.start or 0) - 1) for single in chain.singletons]
            self.annexes = annex_searches((*chain.markets, *chain.singletons))
        self.standings = {
            key: standing
            for key, standing in (await self.journal.standings(chain.id)).items()
            if owner(key) in self.owners
        }

    @property
    def markets(self) -> tuple[Market, ...]:
        """The configured ones, and those that the owners have entered."""
        found = {market.id: market for market in self.stored}
        listed = {market.id for market in self.line.chain.markets if market.id}
        found |= {id: market for search in self.searches for id, market in search.found.items() if id not in listed}
        return tuple(self._annexed(market) for market in (*self.line.chain.markets, *found.values()))

    def _annexed(self, market: Market) -> Market:
        """With its annex's contracts, but for one that is followed: there wallets and everybody are read alike."""
        if market.annex is None or market.name in self.follower.scales:
            return market
        return next((made for one in self.annexes if (made := one.annexed(market)) != market), market)

    async def _read(self) -> Turn | Read:
        for attempt in range(1, REPEATS + 1):
            pin = await self.line.pin()
            if self.tip is not None:
                idle = await self._stand(pin, self.tip)
                if idle is not None:
                    return idle
            await self._opened(pin)
            self.stood.set()
            try:
                await self._search(pin)
                with stage("wallets read"):
                    found = await confirmed(self._question(pin), last=attempt == REPEATS)
                return pin, found, await self.follower.read(pin)
            except BlockChanged:
                continue
        raise ChainError(f"{self.line.chain.name}: its newest blocks keep being replaced")

    async def _stand(self, pin: Pin, tip: BlockRef) -> Turn | None:
        """Compares the head with what is stored, and undoes what the chain has undone. A turn where there is nothing to read."""
        head, name = pin.block, self.line.chain.name

        async def canonical(block: BlockRef) -> bool:
            return (
                (await pin.line.reader.head(block.number)).hash == block.hash if block.number <= head.number else False
            )

        if head.hash == tip.hash:
            return Turn(name, head) if self.done else None
        if head.number > tip.number and await canonical(tip):
            return None
        stored = await self._stored(tip, canonical)
        if head.number < tip.number and await behind(head, stored, canonical):
            return Turn(name, head, notes=(f"the head is {tip.number - head.number} blocks behind what was read",))
        found = await fork(stored, canonical, self.line.chain.finality)
        if found.deep and not self.accept:
            raise Broken(
                f"{name}: blocks that were final are gone, up to {tip.number}; it is not watched any more and its data is kept: "
                "ask another endpoint, or take the new chain with --accept-reorg"
            )
        await self._undo(found.ancestor, tip)
        return None

    async def _opened(self, pin: Pin) -> None:
        """Undoes what the store has above the tip, of markets that were opened there, where the chain has other blocks by now."""
        since = 0 if self.tip is None else self.tip.number + 1
        above = await self.journal.blocks(self.line.chain.id, since)
        newest = next((block for block in above if block.number <= pin.block.number), None)
        if newest is not None and (await pin.line.reader.head(newest.number)).hash != newest.hash:
            await self._undo(self.tip, newest)

    async def _stored(self, tip: BlockRef, canonical: Canonical) -> tuple[BlockRef, ...]:
        """The newest stored blocks, so many that the chain still has the oldest of them, or all."""
        for back in (4 * self.line.chain.finality, tip.number):
            stored = await self.journal.blocks(tip.chain, max(0, tip.number - back))
            if stored and await canonical(stored[-1]):
                break
        return stored

    async def _undo(self, ancestor: BlockRef | None, tip: BlockRef) -> None:
        above = -1 if ancestor is None else ancestor.number
        log.warning(
            "%s: a reorg took back what was stored of blocks %d to %d", self.line.chain.name, above + 1, tip.number
        )
        await self.journal.orphan(tip.chain, above)
        self.follower.rolled_back(above)
        for search in self.searches:
            search.known = min(search.known, above)
        for annex in self.annexes:
            annex.known = min(annex.known, above)
        self.standings, self.rows = None, {}
        await self._recall()

    async def _search(self, pin: Pin) -> None:
        """Markets that the owners have entered since the last block, and contracts beside them; what is not reached in time is taken up in
        the next turn. Terms of a market that has more contracts now are read again.
        """
        for search in self.searches:
            search.error = None
        for annex in self.annexes:
            annex.error = None
        holders, head, before = pin.line.through(*pin.holders), pin.block.number, {m.name: m for m in self.markets}
        try:
            async with asyncio.timeout(SEARCH):
                await asyncio.gather(
                    *(search.walk(holders, self.owners, head, self.windows) for search in self.searches),
                    *(annex.walk(holders, head, self.windows) for annex in self.annexes if self.owners),
                )
        except TimeoutError:
            pass  # every search knows how far it got
        for market in self.markets:
            if before.get(market.name) != market:
                self.terms.pop(market.name, None)

    def _question(self, pin: Pin) -> Question:
        also: dict[str, list[PositionKey]] = {}
        for key in self.standings or {}:
            also.setdefault(key.market, []).append(key)
        until = asyncio.get_running_loop().time() + DEADLINE
        return Question(pin, self.markets if self.owners else (), self.owners, self.terms, until, also)

    async def _recorded(self, pin: Pin, found: Confirmed, strides: Strides) -> Turn:
        """All of it in one transaction, or none; what was not written is not remembered either."""
        settle = self.follower.back
        try:
            done = await self._record(pin, found, strides)
            settle = self.follower.keep
        finally:
            settle()
        return done

    async def _record(self, pin: Pin, found: Confirmed, strides: Strides) -> Turn:
        read_at, head, chain = int(self.clock()), pin.block, self.line.chain
        scales = Scales(self.policy, self.standings or {}, self.rows)
        with stage("wallets weighed"):
            weighed = await asyncio.to_thread(scales.weigh, found, head, read_at)
        taken_back = await self._retractions(head, read_at)
        confirmed = len(pin.holders) > 1
        wallets = {one.market.name: (one.terms, one.stored) for one in found.markets if one.error is None}
        strides = agreeing(strides, wallets)
        followed = await asyncio.to_thread(self.follower.weigh, strides, head, read_at, confirmed=confirmed)
        gap = missed(self.tip, head, self.thinned, self.trouble)
        changes = (*taken_back, *weighed.transitions, *followed.transitions)
        with stage("store"):
            await self.journal.record(head, merged((*weighed.entries, *followed.entries)), read_at, changes, gap)
        self._keep(weighed, pin, found)
        failed = tuple(cycle.market.name for cycle in found.markets if cycle.error is not None)
        failed = tuple(dict.fromkeys((*failed, *followed.failed, *self.follower.missing)))
        late = tuple(
            f"{one.singleton.name}: {one.what} are known up to block {one.known}"
            for search in (*self.searches, *(self.annexes if self.owners else ()))
            if not (one := search.entered(head.number)).complete
        )
        gone = () if gap is None else (f"missed blocks {gap.first} to {gap.last}: {gap.reason}",)
        early = head.timestamp - read_at
        ahead = (f"the block is {early} s ahead of this machine's clock",) if early > SKEW else ()
        notes = (*pin.notes, *found.notes, *late, *gone, *ahead)
        return Turn(
            chain.name, head, True, weighed.statuses, changes, found.by, failed, notes=notes, moved=followed.moved
        )

    async def _retractions(self, head: BlockRef, read_at: int) -> tuple[Transition, ...]:
        """What takes back the changes that a reorg has made void, also where a crash came in between."""
        gone: dict[PositionKey, list[Transition]] = {}
        for one in await self.journal.unretracted(head.chain):
            gone.setdefault(one.key, []).append(one)
        return tuple(
            change
            for key, changes in gone.items()
            for change in retractions(changes, self._standing(key), head, read_at)
        )

    def _standing(self, key: PositionKey) -> Standing | None:
        known = (self.standings or {}).get(key)
        return self.follower.standing(key) if known is None else known

    def _keep(self, weighed: Weighed, pin: Pin, found: Confirmed) -> None:
        """Only what is recorded is remembered: after a failed write the next turn starts from the same point."""
        self.standings, self.rows, self.tip = weighed.standings, weighed.rows, pin.block
        self.done, self.trouble, self.served = True, "a cycle came late", pin.holders[:2]
        self.terms |= {cycle.market.name: cycle.terms for cycle in found.markets if cycle.terms is not None}

    async def _blind(self, error: WatcherError) -> Turn:
        """Nothing was read: error rows, and every known position unknown as of the last block."""
        read_at, name = int(self.clock()), self.line.chain.name
        self.trouble, self.done = str(error), False
        await self.journal.fail(self.markets, error, read_at)
        if self.tip is None:
            return Turn(name, None, error=error)
        scales = Scales(self.policy, self.standings or {}, self.rows)
        weighed = scales.blind(tuple(self.standings or {}), self.tip, error, read_at)
        if weighed.transitions:
            await self.journal.record(self.tip, (), read_at, weighed.transitions)
        self.standings = weighed.standings
        return Turn(name, None, statuses=weighed.statuses, transitions=weighed.transitions, error=error)
