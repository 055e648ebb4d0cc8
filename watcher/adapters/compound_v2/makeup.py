"""A comptroller as its contracts: how it rounds and counts time, what stands around it, and what of it can only be read."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Makeup
from watcher.adapters.compound_v2.facts import Terms
from watcher.oracle.feed import NOBODY


def makeup(terms: Terms) -> Makeup:
    """The library and the clocks as the contracts tell them; oracle, cTokens and their rate models."""
    clocks = " and ".join(sorted({listing.clock.value for listing in terms.listings}))
    head = terms.words.head
    around = [("oracle", head.oracle)]
    if head.code != NOBODY:
        around.append(("implementation", head.code))
    for listing in terms.listings:
        around += [(listing.symbol, listing.address), (f"{listing.symbol} rate model", listing.model)]
    rules = f"Compound V2, {terms.library.value} library, interest by {clocks}, {len(terms.listings)} markets"
    return Makeup(rules, tuple(around), tuple(_limits(terms)))


def _limits(terms: Terms) -> Iterator[str]:
    if not terms.told:
        yield "whether products are cut or rounded half up made no difference to any answer yet: cut is assumed, the audit verifies it"
    strange = [listing.symbol for listing in terms.listings if listing.curve is None]
    if strange:
        yield f"rate curves of another make, not foretold: {', '.join(strange)}"
    hidden = [listing.symbol for listing in terms.listings if listing.snapshots is None]
    if hidden:
        yield f"where debts are kept was not found, whoever owes there is unknown: {', '.join(hidden)}"
