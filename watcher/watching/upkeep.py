"""What the wall clock is for, beside the cycles: old rows go, stored words are audited, and doubted prices are said."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from watcher.alerts.message import Subject as Owner
from watcher.errors import ChainError
from watcher.model import Doubt, DoubtKind, PositionKey
from watcher.store import doubts, upkeep
from watcher.watching.audit import Finding, audited
from watcher.watching.chain import WatchedChain
from watcher.watching.concerns import Changed, Concerns, Subject
from watcher.watching.desk import Desk
from watcher.watching.journal import Journal
from watcher.watching.prices import Looks
from watcher.watching.proofs import proved

log = logging.getLogger(__name__)

LISTED: Final = 20  # lines of one message; the rest is counted


@dataclass(slots=True)
class Upkeep:
    """Jobs of one run, none of which runs twice at once. What was said is forgotten with the run: a doubt that lasts is said again."""

    desk: Desk
    journal: Journal
    keep: Mapping[str, int | None]
    who: Callable[[PositionKey], Owner]
    looks: dict[str, Looks] = field(default_factory=dict)  # by chain
    prices_open: Concerns = field(default_factory=Concerns)
    audits_open: Concerns = field(default_factory=Concerns)
    proofs_open: Concerns = field(default_factory=Concerns)

    async def prune(self) -> None:
        """What the file does not keep any longer goes."""
        if any(seconds is not None for seconds in self.keep.values()):
            await self.desk.write(self.journal.call(upkeep.prune, self.keep, int(time.time())))

    async def prices(self) -> None:
        """Of the newest block of every chain, with what stands behind each price. What could not be looked behind is not over."""
        seen: set[str] = set()
        found: dict[Subject, str] = {}
        for chain in self._watched():
            if chain.tip is not None and chain.done:
                name = chain.line.chain.name
                here = await self.looks.setdefault(name, Looks()).doubted(chain, chain.tip)
                if here.error is not None:
                    log.warning("%s: what stands behind its prices could not be read: %s", name, here.error)
                seen |= here.seen
                found |= here.found
        changed = self.prices_open.after(seen, found)
        self._say(changed, "A PRICE IS IN DOUBT", "A PRICE IS NOT DOUBTED ANY MORE")
        self.prices_open = changed.concerns

    async def audit(self) -> None:
        """Every position of every chain, and every market that is followed."""
        await self.desk.write(self._audit())
        await self.desk.write(self._prove())

    async def _prove(self) -> None:
        """Followed markets: somebody missing, or somebody of whom the contract says otherwise."""
        seen: set[str] = set()
        found: dict[Subject, str] = {}
        for chain in self._watched():
            for proof in await proved(chain):
                failures = tuple(proof.failures())
                seen.add(proof.market)
                word = (
                    "; ".join(failures) or f"coverage exact, {proof.audit.looked} positions are what the contract says"
                )
                log.info("%s: %s", proof.market, word)
                if failures:
                    found[Subject(proof.market, DoubtKind.MISMATCH)] = "; ".join(failures)
        changed = self.proofs_open.after(seen, found)
        self._say(changed, "A FOLLOWED MARKET IS NOT PROVED", "A FOLLOWED MARKET IS PROVED AGAIN")
        self.proofs_open = changed.concerns

    async def _audit(self) -> None:
        """What could not be compared is said, and is no word on what was wrong before."""
        seen: set[str] = set()
        found: dict[Subject, str] = {}
        for chain in self._watched():
            name = chain.line.chain.name
            try:
                findings = await audited(chain)
            except ChainError as error:
                found[Subject(name, DoubtKind.UNAUDITED)] = f"{name}: nothing of it could be audited: {error}"
                continue
            seen.add(name)
            same = sum(one.doubt is None for one in findings)
            log.info("%s: audit: %d of %d stored readings are what the contracts say", name, same, len(findings))
            for one in findings:
                about = f"{one.key.market} {one.key.key.hex()}"
                if one.doubt is None or one.doubt.kind is DoubtKind.MISMATCH:
                    seen.add(about)
                if one.doubt is not None:
                    subject = Subject(about, one.doubt.kind)
                    found[subject] = f"{self.who(one.key).name} · {one.key.market}, {one.doubt.text}"
                    await self._keep(one, one.doubt)
        changed = self.audits_open.after(seen, found)
        self._say(changed, "THE AUDIT DOES NOT AGREE", "THE AUDIT AGREES AGAIN")
        self.audits_open = changed.concerns

    async def _keep(self, one: Finding, doubt: Doubt) -> None:
        """A difference stays with the reading that it is about, which is left as it was read."""
        if doubt.kind is DoubtKind.MISMATCH and one.number is not None:
            await self.journal.call(doubts.add, one.market, one.key, one.number, doubt)

    def _watched(self) -> list[WatchedChain]:
        return [chain for name, chain in self.desk.chains.items() if name not in self.desk.stopped]

    def _say(self, changed: Changed, began: str, over: str) -> None:
        """One message for all that began, and one for all that is over."""
        if changed.began:
            self.desk.warn(began, "\n".join(_listed(changed.began.values())))
        if changed.over:
            self.desk.tell(over, "\n".join(f"no longer: {text}" for text in _listed(changed.over.values())))


def _listed(texts: Collection[str]) -> list[str]:
    more = [f"{len(texts) - LISTED} more"] if len(texts) > LISTED else []
    return [*list(texts)[:LISTED], *more]
