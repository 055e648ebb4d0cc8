"""Morpho Blue: one contract per chain, one market per 32-byte id, one collateral and one debt per position.

Proved on the bytecode of Morpho 1.0.0; the adaptive-curve interest model is ported from its source and proved by vectors of its own
bytecode. Morpho has no pause, no caps and no close factor: nothing blocks a liquidation.
"""

from __future__ import annotations

from watcher.adapter import Adapter
from watcher.adapters.morpho_blue.acts import act, liquidation
from watcher.adapters.morpho_blue.early import annexes, early
from watcher.adapters.morpho_blue.facts import Holding, Quote, Terms
from watcher.adapters.morpho_blue.governance import GOVERNED
from watcher.adapters.morpho_blue.interest import accrue, panels
from watcher.adapters.morpho_blue.linear import LINEAR
from watcher.adapters.morpho_blue.liquidated import liquidations, worth
from watcher.adapters.morpho_blue.logs import borrowers, discover, founding, moves, suppliers
from watcher.adapters.morpho_blue.makeup import makeup
from watcher.adapters.morpho_blue.reads import fresh, holdings, positions, quote, reported, shares, terms, totals
from watcher.adapters.morpho_blue.worth import money, prices, reprice, value


def truncates(_: Terms) -> bool:
    """Never: the threshold is one wad, used whole."""
    return False


ADAPTER = Adapter(
    name="morpho_blue",
    terms_type=Terms,
    quote_type=Quote,
    holding_type=Holding,
    terms=terms,
    fresh=fresh,
    quote=quote,
    accrue=accrue,
    positions=positions,
    holdings=holdings,
    moves=moves,
    value=value,
    prices=prices,
    reprice=reprice,
    panels=panels,
    act=act,
    liquidation=liquidation,
    reported=reported,
    truncates=truncates,
    discover=discover,
    makeup=makeup,
    borrowers=borrowers,
    suppliers=suppliers,
    founding=founding,
    totals=totals,
    shares=shares,
    linear=LINEAR,
    liquidations=liquidations,
    worth=worth,
    governance=GOVERNED,
    annexes=annexes,
    early=early,
    money=money,
)
