"""Compound V3 (Comet): one contract per base token, any number of its collaterals, whole accounts absorbed at once.

Proved on a twin of ours in Solidity and by vectors that the real Comet gave. `isLiquidatable` looks at stored indices, `absorb` accrues
first: what is shown and audited is what `absorb` sees; under a quote that is not accrued, `value` says what the view does.
"""

from __future__ import annotations

from watcher.adapter import Adapter
from watcher.adapters.compound_v3.absorb import BESIDE, liquidation, liquidations
from watcher.adapters.compound_v3.acts import act
from watcher.adapters.compound_v3.facts import Holding, Quote, Terms
from watcher.adapters.compound_v3.governance import GOVERNED
from watcher.adapters.compound_v3.interest import accrue, panels
from watcher.adapters.compound_v3.linear import LINEAR
from watcher.adapters.compound_v3.logs import borrowers, founding, moves, suppliers
from watcher.adapters.compound_v3.makeup import makeup
from watcher.adapters.compound_v3.reads import holdings, positions, quote, reported, shares, totals
from watcher.adapters.compound_v3.terms import fresh, terms
from watcher.adapters.compound_v3.worth import prices, reprice, value, worth


def truncates(_: Terms) -> bool:
    """Never: each collateral counts by its own factor."""
    return False


ADAPTER = Adapter(
    name="compound_v3",
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
    makeup=makeup,
    borrowers=borrowers,
    suppliers=suppliers,
    founding=founding,
    totals=totals,
    shares=shares,
    linear=LINEAR,
    liquidations=liquidations,
    beside=BESIDE,
    worth=worth,
    governance=GOVERNED,
)
