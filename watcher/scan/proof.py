"""Whether a scan can be believed: nobody is missing, by shares; and the contract says the same of those who were looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from watcher.adapter import Accrued, Which
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.following.followed import Followed
from watcher.health.audit import Mismatch, compare
from watcher.model import BlockRef, PositionKey
from watcher.survey.coverage import Coverage, coverage

SAMPLE: Final = 50  # positions of a market that are looked at whatever their health is


@dataclass(frozen=True, slots=True)
class Audit:
    """`looked` positions were compared with the contract's own answers at the book's block. `silent` are those it has none for.

    `failure` says why it was not asked, or did not answer.
    """

    looked: int
    mismatches: Mapping[PositionKey, tuple[Mismatch, ...]]
    silent: tuple[PositionKey, ...] = ()
    failure: str | None = None

    @property
    def clean(self) -> bool:
        return self.failure is None and not self.mismatches and not self.silent


def covered(one: Followed) -> Coverage:
    """Debt shares of the book against the market's own totals, at its block."""
    return coverage(one.of, one.terms, one.quote, (held for _, held in one.book.holdings()))


def chosen(keys: Iterable[PositionKey], block: BlockRef, always: Iterable[PositionKey]) -> tuple[PositionKey, ...]:
    """`always`, and a random few of all: by the block's hash, so that a second look is at the same ones."""
    known = list(keys)
    some = Random(int(block.hash, 16)).sample(known, min(SAMPLE, len(known)))
    return tuple(dict.fromkeys((*always, *some)))


async def audited(line: Connection, one: Followed, keys: tuple[PositionKey, ...]) -> Audit:
    """These positions under the quote as it is. What has no valuation is left out: it is unknown, and said to be."""
    try:
        reported = await line.reader.run(one.of.reported(one.terms, keys), one.block)
    except WatcherError as error:
        return Audit(0, {}, failure=str(error))
    quotes: dict[Accrued, Any] = {Which.ALL: one.accrued()}
    mismatches: dict[PositionKey, tuple[Mismatch, ...]] = {}
    silent: list[PositionKey] = []
    looked = 0
    for key in keys:
        said = reported.get(key)
        which = Which.ALL if said is None else said.which
        if which not in quotes:
            quotes[which] = one.of.accrue(one.terms, one.quote, one.block, which)
        try:
            ours = one.of.value(one.terms, quotes[which], one.book.holding(one.book.row(key)))
        except WatcherError:  # around one position
            continue
        if said is None:
            silent.append(key)
            continue
        looked += 1
        if found := compare(ours, said):
            mismatches[key] = found
    return Audit(looked, mismatches, tuple(silent))
