"""An Aave V2 pool as its contracts: which code it runs, and what stands around it."""

from __future__ import annotations

from watcher.adapter import Makeup
from watcher.adapters.aave_v2.facts import Terms
from watcher.adapters.aave_v2.liquidated import FOREIGN
from watcher.adapters.aave_v2.words import UNNAMED
from watcher.adapters.aave_v3.makeup import limits, tokens


def makeup(terms: Terms) -> Makeup:
    """The pool's own revision where it tells one; oracles, configurator, collateral manager, and the tokens of every reserve."""
    revision = terms.words.head.revision
    said = f"revision {revision}" if revision != UNNAMED else "a pool that tells no revision"
    around = (
        ("oracle", terms.words.body.oracle),
        ("fallback oracle", terms.fallback),
        ("configurator", terms.words.body.configurator),
        ("collateral manager", terms.manager),
    )
    foreign = (f"it {FOREIGN}",) if terms.fee_to else ()
    return Makeup(
        f"Aave 2 ({said}), {len(terms.reserves)} reserves", (*around, *tokens(terms)), (*limits(terms), *foreign)
    )
