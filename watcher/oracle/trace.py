"""Follows price sources inwards, level by level: what each answers at one block, by what rule, and from what.

Optional throughout: a source that says nothing costs its path and no price, and is shown by its address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.oracle.feed import NOBODY
from watcher.oracle.kinds import GETTERS, Found, Rates, found, parts, plain, vaults
from watcher.oracle.path import Step
from watcher.query import Query, ask, each, pairs

DEEP: Final = 6  # levels; the deepest path known has four, and a circle has no end


def trace(sources: Iterable[ChecksumAddress]) -> Query[dict[ChecksumAddress, Step]]:
    """The path of every source. One round trip for every level: one for plain feeds, two where some stand upon others."""
    wanted = tuple(dict.fromkeys(source for source in sources if source != NOBODY))
    known: dict[ChecksumAddress, Found] = {}
    rates: dict[tuple[ChecksumAddress, int], int] = {}
    level: tuple[ChecksumAddress, ...] = wanted
    asked: tuple[tuple[ChecksumAddress, int], ...] = ()
    for _ in range(DEEP):
        if not level and not asked:
            break
        *columns, assets = yield from ask(
            *(each(name, level, optional=True) for name in GETTERS),
            pairs("vault/vault.convertToAssets", ((vault, (shares,)) for vault, shares in asked), optional=True),
        )
        rates |= {one: row[0] for one, row in zip(asked, assets, strict=True) if row is not None}
        here = {source: found(source, [rows[place] for rows in columns]) for place, source in enumerate(level)}
        known |= here
        below = (feed for one in here.values() for feed in parts(one, {})[1])
        level = tuple(dict.fromkeys(feed for feed in below if feed not in known))
        asked = tuple(dict.fromkeys(vault for one in here.values() for vault in vaults(one)))
    return {source: _step(known, rates, source, ()) for source in wanted}


def _step(
    known: Mapping[ChecksumAddress, Found],
    rates: Rates,
    source: ChecksumAddress,
    above: tuple[ChecksumAddress, ...],
) -> Step:
    """A source that was not reached, or that stands upon itself, is a step of which nothing is known."""
    if source not in known or source in above:
        return Step(source, source, None, None, None, None)
    rule, below = parts(known[source], rates)
    stood = tuple(_step(known, rates, feed, (*above, source)) for feed in below)
    return replace(plain(known[source]), rule=rule, below=stood)
