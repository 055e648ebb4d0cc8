"""Opens the markets that a chain follows, one after another and beside its turns: the first time takes long, and wallets do not wait."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from watcher.config.watch import Follow
from watcher.errors import WatcherError
from watcher.following.followed import Followed
from watcher.following.opening import stored, surveyed
from watcher.following.proof import covered
from watcher.following.weigh import Scale
from watcher.health.bands import Bands
from watcher.health.fold import Standing
from watcher.health.rules import bands_for
from watcher.model import PositionKey
from watcher.survey.open import Step
from watcher.watching.chain import WatchedChain
from watcher.watching.policy import Policy, owner

log = logging.getLogger(__name__)

NOBODY: Final = owner(PositionKey("", bytes(20)))  # what is said of one wallet is not about a market's others
LOOK: Final = 5.0  # seconds between two looks at what is to be opened
PAUSE: Final = 60.0  # seconds after a failure


def scale(follow: Follow, policy: Policy, owners: tuple[str, ...]) -> Scale:
    """The bands of a followed market; `owners` are judged as wallets."""
    name = follow.market.name

    def choose(mode: int, together: bool) -> Bands:
        return bands_for(policy.rules, NOBODY, name, mode, policy.correlated if together else policy.volatile)

    by_mode = any(rule.mode is not None and rule.market == name for rule in policy.rules)
    apart = frozenset(bytes.fromhex(one[2:]) for one in owners)
    return Scale(choose, policy.groups, by_mode, follow.alert, apart)


@dataclass(slots=True)
class Opening:
    """What is still to be opened on one chain. `once` tries each market, `run` goes on until it is cancelled."""

    chain: WatchedChain
    follows: tuple[Follow, ...]

    async def run(self) -> None:
        """From the first turn on: what the chain has undone must be undone in the store before. What a deep reorg has thrown out of memory
        is opened again.
        """
        await self.chain.stood.wait()
        while True:
            await self.once()
            await asyncio.sleep(PAUSE if self.chain.follower.missing else LOOK)

    async def once(self) -> None:
        """Every market that is not open. One that fails is said, and tried again later."""
        for follow in self.follows:
            if follow.market.name in self.chain.follower.missing:
                try:
                    await self._open(follow)
                except WatcherError as error:
                    log.error("%s cannot be followed yet: %s", follow.market.name, error)

    async def _open(self, follow: Follow) -> None:
        line, store, market = self.chain.line, self.chain.journal.store, follow.market
        found = await stored(line, market, store)
        if found is None:
            log.info("%s: everybody who ever owed in it is looked for; this may take long", market.name)
            found = await surveyed(line, market, store, tell=_Progress(market.name).step)
        await self._resume(found)
        self.chain.follower.add(found)
        proof = covered(found)
        word = "exact" if proof.exact else "INCOMPLETE: somebody is missing"
        log.info("%s: %d accounts at block %d, coverage %s", market.name, len(found.book), found.block.number, word)

    async def _resume(self, found: Followed) -> None:
        """How its positions stood when they were followed last."""
        name = found.market.name
        known: dict[PositionKey, Standing] = await self.chain.journal.standings(self.chain.line.chain.id)
        apart = set(self.chain.owners)
        found.standings = {
            key: standing
            for key, standing in known.items()
            if key.market == name and key in found.book and owner(key) not in apart
        }
        found.told = bool(found.standings)


@dataclass(slots=True)
class _Progress:
    """A line in the log for each tenth of the way."""

    market: str
    last: tuple[str, int] = ("", -1)

    def step(self, step: Step) -> None:
        tenth = 10 * step.done // max(1, step.total)
        if (step.of, tenth) != self.last:
            self.last = step.of, tenth
            log.info("%s: %d of %d %s", self.market, step.done, step.total, step.of)
