"""Once an hour what wallets risk is appraised and stored, beside the cycles and out of their way; a failure is said and stores nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby
from threading import Event
from typing import Final

from watcher.alerts.message import Subject as Owner
from watcher.config import Chain
from watcher.config.risk import Risk
from watcher.cycle import Row, priced
from watcher.errors import StoreError, WatcherError
from watcher.health.measure import Measure
from watcher.model import BlockRef, DoubtKind, PositionKey
from watcher.oracle.sight import Sight
from watcher.store import appraisals
from watcher.store.appraisals import REACTION, Appraised, Chance
from watcher.store.open import Store
from watcher.watching.chain import WatchedChain
from watcher.watching.concerns import Concerns, Subject
from watcher.watching.desk import Desk
from watcher.watching.journal import Journal
from watcher.watching.policy import Foretold, Told
from watcher.watching.prices import DEADLINE, Looks
from watcher.watching.prolong import prolong

log = logging.getLogger(__name__)

LOOK: Final = 2.0  # seconds between two looks whether anything is due
NO_REACTION: Final = "nobody said how fast the owner can act ([risk] reaction)"


class Ended(WatcherError):
    """The run ends, and what was being computed with it."""


@dataclass(slots=True)
class Appraising:
    """Appraises each chain's wallets at the newest block that was read, `risk.every` seconds after the last time, by the blocks' own time.

    `last` is when each chain was, by name; at the start out of the store, so that a restart appraises nothing twice.
    """

    desk: Desk
    journal: Journal
    risk: Risk
    who: Callable[[PositionKey], Owner]
    last: dict[str, int] = field(default_factory=dict)
    looks: dict[str, Looks] = field(default_factory=dict)
    untold: Concerns = field(default_factory=Concerns)
    ended: Event = field(default_factory=Event)

    async def recall(self) -> None:
        """The newest appraisals in the store, and before them those that told chances. Raises `StoreError`."""
        for name, chain in self.desk.chains.items():
            known = await self.journal.call(stored, chain.line.chain.id)
            chain.policy = replace(chain.policy, foretold=known)
            self.last[name] = max((one.at for one in known.values()), default=0)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(LOOK)

    async def once(self) -> None:
        """Every chain whose time has come, one after another."""
        for name, chain in list(self.desk.chains.items()):
            if name not in self.desk.stopped and chain.tip is not None and chain.done and self._due(name, chain.tip):
                await self.desk.write(self._appraise(name, chain, chain.tip))
                self._say(chain)

    def _due(self, name: str, tip: BlockRef) -> bool:
        last = self.last.get(name)
        return last is None or tip.timestamp - last >= self.risk.every

    async def _appraise(self, name: str, chain: WatchedChain, tip: BlockRef) -> None:
        rows = tuple(row for row in chain.rows.values() if row.reading.block == tip)
        self.last[name] = tip.timestamp  # what fails is tried again when the next is due
        if not rows:
            return
        try:
            new = await prolong(chain, tip, list(dict.fromkeys(row.market for row in rows)))
            sight = await self._sight(chain, tip, rows)
            found = await asyncio.to_thread(self._figures, rows, chain.line.chain, sight)
        except asyncio.CancelledError:
            self.ended.set()  # the thread hears of it at its next hour
            raise
        except StoreError:
            raise
        except Ended:
            return
        except WatcherError as error:
            log.error("%s: its wallets could not be appraised: %s", name, error)
            return
        await self._store(found, chain)
        self._keep(name, found)
        told = sum(bool(one.chances) for one in found)
        words = f"{len(found)} positions appraised, {told} with chances, {new} new prices"
        log.info("%s: block %d: %s", name, tip.number, words)

    async def _sight(self, chain: WatchedChain, tip: BlockRef, rows: Sequence[Row]) -> Sight | None:
        """What stands behind the prices; None where that cannot be read now."""
        looks = self.looks.setdefault(chain.line.chain.name, Looks())
        try:
            async with asyncio.timeout(DEADLINE):
                return await looks.look(chain, tip, [price for row in rows for price in priced(row)])
        except (TimeoutError, WatcherError) as error:
            log.warning("%s: what stands behind its prices could not be read: %s", chain.line.chain.name, error)
            return None

    def _figures(self, rows: Sequence[Row], chain: Chain, sight: Sight | None) -> tuple[Appraised, ...]:
        from watcher.watching.appraised import Ground, appraised  # loads numpy and scipy's parts

        chains = tuple(watched.line.chain for watched in self.desk.chains.values())
        return appraised(rows, chain, sight, Ground(chains, self.risk, self.journal.store, self._alive))

    def _alive(self) -> None:
        if self.ended.is_set():
            raise Ended("the run ends")

    async def _store(self, found: Sequence[Appraised], chain: WatchedChain) -> None:
        markets = {market.name: market for market in chain.markets}
        for name, some in groupby(sorted(found, key=_market), key=_market):
            await self.journal.call(appraisals.enter, markets[name], tuple(some))

    def _keep(self, name: str, found: Sequence[Appraised]) -> None:
        """The chances are what the next cycles judge by."""
        chain = self.desk.chains[name]
        known = dict(chain.policy.foretold)
        known |= {one.key: foretold(one, known.get(one.key)) for one in found}
        chain.policy = replace(chain.policy, foretold=known)
        self.last[name] = max((one.block.timestamp for one in found), default=self.last.get(name, 0))

    def _say(self, chain: WatchedChain) -> None:
        """Figures that somebody set a limit to and that nobody can tell: once when that begins, once when it is over."""
        seen: set[str] = set()
        found: dict[Subject, str] = {}
        for key, row in chain.rows.items():
            judgement = chain.policy.judge(row)
            if judgement is None or isinstance(judgement, WatcherError):
                continue
            about = f"{key.market} {key.key.hex()}"
            seen.add(about)
            for one in judgement.untold:
                subject = Subject(about, f"{DoubtKind.UNTOLD} {one.measure}")
                found[subject] = f"{self.who(key).name} · {key.market}: {one.measure} is not told: {one.reason}"
        changed = self.untold.after(seen, found)
        if changed.began:
            self.desk.warn("A FIGURE WITH A LIMIT IS NOT KNOWN", "\n".join(changed.began.values()))
        if changed.over:
            self.desk.tell("A FIGURE WITH A LIMIT IS KNOWN AGAIN", "\n".join(changed.over.values()))
        self.untold = changed.concerns


def stored(store: Store, chain: int) -> dict[PositionKey, Foretold]:
    """What the store knows of a chain's chances."""
    told = {key: foretold(one) for key, one in appraisals.latest_told(store, chain).items()}
    return told | {key: foretold(one, told.get(key)) for key, one in appraisals.latest(store, chain).items()}


def foretold(one: Appraised, before: Foretold | None = None) -> Foretold:
    """What limits on chances go by: these, and what was told before where these do not tell."""
    at = one.block.timestamp
    chances = {Measure(f"chance_{name}"): _told(at, said) for name, said in one.chances.items()}
    missing = NO_REACTION if one.chances and REACTION not in one.chances else "; ".join(one.missing)
    return Foretold(at, {**({} if before is None else before.chances), **chances}, missing)


def _told(at: int, said: Chance) -> Told:
    """As the decimals that the floats are written with."""
    return Told(at, Fraction(str(said.chance)), None if said.error is None else Fraction(str(said.error)))


def _market(one: Appraised) -> str:
    return one.key.market
