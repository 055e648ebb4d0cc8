"""An Aave V3 pool as its contracts: which release its code is, and what stands around it."""

from __future__ import annotations

from watcher.adapter import Makeup
from watcher.adapters.aave_v3.facts import Terms


def makeup(terms: Terms) -> Makeup:
    """The release by the pool's own revision; oracle, configurator and the tokens of every reserve."""
    around = [("oracle", terms.words.body.oracle), ("configurator", terms.words.body.configurator)]
    if terms.sentinel is not None:
        around.append(("sentinel", terms.sentinel))
    for reserve in terms.reserves:
        symbol = reserve.token.symbol
        around += [(f"{symbol} aToken", reserve.deposit), (f"{symbol} debt token", reserve.debt)]
    strange = [reserve.token.symbol for reserve in terms.reserves if reserve.strategy is None]
    limits = (f"rate curves of another make, not foretold: {', '.join(strange)}",) if strange else ()
    release = f"Aave {terms.version // 10}.{terms.version % 10} (revision {terms.words.head.revision})"
    return Makeup(f"{release}, {len(terms.reserves)} reserves", tuple(around), limits)
