"""US dollars for totals and second prices: Chainlink's USD feeds of a chain, and what they make of a value in another unit.

Never part of a health: what liquidates is the protocol's own price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from eth_typing import ChecksumAddress

from watcher.model import Unit
from watcher.oracle.feed import OLD
from watcher.query import Query, ask, each

QUOTED: Final = "USD"  # what the description of such a feed ends with: "ETH / USD"


@dataclass(frozen=True, slots=True)
class Dollar:
    """One feed: a whole token is worth ``answer · 10**-decimals`` US dollars. `answer` is None where it gives no usable one, for `reason`.

    `base` is what its description says it is about ("ETH"), empty where it says nothing of the kind. `updated` is in seconds.
    """

    feed: ChecksumAddress
    base: str
    answer: int | None
    decimals: int
    updated: int | None
    reason: str | None = None

    @property
    def rate(self) -> Fraction | None:
        """Dollars for one whole token, exact."""
        return None if self.answer is None else Fraction(self.answer, 10**self.decimals)

    def old(self, now: int, heartbeat: int | None) -> bool:
        """Whether a round is overdue at `now`, seconds: by its heartbeat and a tenth where that is known, else by the slowest usual one."""
        limit = OLD if heartbeat is None else heartbeat + heartbeat // 10
        return self.updated is None or now - self.updated > limit


@dataclass(frozen=True, slots=True)
class Rates:
    """The feeds of a chain by token; `reason` says why none is known where they could not be read."""

    known: Mapping[ChecksumAddress, Dollar] = field(default_factory=dict)
    reason: str | None = None

    def of(self, unit: Unit, token: ChecksumAddress | None) -> Rate:
        """What one integer of a value in `unit` is worth. `token` is what that unit is made of, None where it is a currency.

        US dollars are dollars; another currency is what a feed of this chain describes itself as ("ETH / USD"); a unit that an oracle
        names by a token's address, or a token, has that token's feed.
        """
        if token is None and unit.symbol == QUOTED:
            return Rate(Fraction(1, 10**unit.decimals))
        found = self._feed(unit, token)
        if found is None:
            missing = f"the US dollar feeds could not be read: {self.reason}"
            return Rate(None, reason=missing if self.reason else f"no US dollar feed of {unit.symbol} is known here")
        if found.rate is None:
            return Rate(None, found, f"the US dollar feed of {unit.symbol} is of no use: {found.reason}")
        return Rate(found.rate * Fraction(1, 10**unit.decimals), found)

    def _feed(self, unit: Unit, token: ChecksumAddress | None) -> Dollar | None:
        if token is not None:
            return self.known.get(token)
        named = next((feed for address, feed in self.known.items() if address == unit.symbol), None)
        return named or next((feed for feed in self.known.values() if feed.base == unit.symbol), None)


@dataclass(frozen=True, slots=True)
class Rate:
    """Dollars for one integer of a value, exact; None with a `reason` where that is not known. `feed` is None for dollars themselves."""

    each: Fraction | None
    feed: Dollar | None = None
    reason: str | None = None


def dollars(feeds: Iterable[tuple[ChecksumAddress, ChecksumAddress]]) -> Query[Rates]:
    """The feeds, as (token, feed), in one round trip. A feed that does not answer is one without an answer, never zero."""
    asked = tuple(feeds)
    if not asked:
        return Rates()
    where = [feed for _, feed in asked]
    names, places, rounds = yield from ask(
        *(
            each(f"chainlink/feed.{name}", where, optional=True)
            for name in ("description", "decimals", "latestRoundData")
        )
    )
    found = {}
    for (token, feed), name, decimals, answer in zip(asked, names, places, rounds, strict=True):
        found[token] = _dollar(feed, "" if name is None else name[0], decimals, answer)
    return Rates(found)


def _dollar(
    feed: ChecksumAddress, description: str, decimals: tuple[int] | None, answer: tuple[int, int, int, int, int] | None
) -> Dollar:
    base, slash, quote = (part.strip() for part in description.partition("/"))
    base = base if slash and quote == QUOTED else ""
    if decimals is None or answer is None:
        return Dollar(feed, base, None, 0, None, "it does not answer")
    if slash and quote != QUOTED:
        return Dollar(feed, "", None, decimals[0], answer[3], f"it is {description}")
    if answer[1] <= 0:
        return Dollar(feed, base, None, decimals[0], answer[3], f"it answers {answer[1]}")
    if not answer[3]:
        return Dollar(feed, base, None, decimals[0], None, "its round is not complete")
    return Dollar(feed, base, answer[1], decimals[0], answer[3])
