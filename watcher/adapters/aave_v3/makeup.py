"""An Aave V3 pool as its contracts: which release its code is, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator

from eth_typing import ChecksumAddress

from watcher.adapter import Makeup
from watcher.adapters.aave_v3.facts import Terms


def makeup(terms: Terms) -> Makeup:
    """The release by the pool's own revision; oracle, configurator and the tokens of every reserve."""
    around = [("oracle", terms.words.body.oracle), ("configurator", terms.words.body.configurator)]
    if terms.sentinel is not None:
        around.append(("sentinel", terms.sentinel))
    release = f"Aave {terms.version // 10}.{terms.version % 10} (revision {terms.words.head.revision})"
    return Makeup(f"{release}, {len(terms.reserves)} reserves", (*around, *tokens(terms)), limits(terms))


def tokens(terms: Terms) -> Iterator[tuple[str, ChecksumAddress]]:
    """The receipt and debt tokens of every reserve, by role."""
    for reserve in terms.reserves:
        symbol = reserve.token.symbol
        yield f"{symbol} aToken", reserve.deposit
        yield f"{symbol} debt token", reserve.debt


def limits(terms: Terms) -> tuple[str, ...]:
    """Which rates cannot be foretold."""
    strange = [reserve.token.symbol for reserve in terms.reserves if reserve.strategy is None]
    return (f"rate curves of another make, not foretold: {', '.join(strange)}",) if strange else ()
