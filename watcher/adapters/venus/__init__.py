"""Venus core pool: one comptroller, a diamond, with many vTokens, VAI, and e-mode pools.

Proved on the bytecode of @venusprotocol/venus-protocol 10.3.0. Interest runs by blocks. The comptroller's views look at books as they are
stored, a liquidation at those of its own pair brought up to date. Positions are addresses.
"""

from __future__ import annotations

from watcher.adapter import Adapter
from watcher.adapters.venus.act import act
from watcher.adapters.venus.events import borrowers, founding, moves, suppliers
from watcher.adapters.venus.facts import Holding, Quote, Terms
from watcher.adapters.venus.governance import GOVERNED
from watcher.adapters.venus.holding import bare, holdings, mode, positions, shares, totals
from watcher.adapters.venus.linear import LINEAR
from watcher.adapters.venus.liquidate import liquidation
from watcher.adapters.venus.liquidated import liquidations, worth
from watcher.adapters.venus.makeup import makeup
from watcher.adapters.venus.market import panels, prices
from watcher.adapters.venus.quote import accrue, quote, reprice
from watcher.adapters.venus.report import reported
from watcher.adapters.venus.terms import fresh, terms
from watcher.adapters.venus.value import value


def truncates(_: Terms) -> bool:
    """Never: every collateral is weighed by its own threshold, a wad, used whole."""
    return False


ADAPTER: Adapter[Terms, Quote, Holding] = Adapter(
    name="venus",
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
    bare=bare,
    mode=mode,
    linear=LINEAR,
    liquidations=liquidations,
    worth=worth,
    governance=GOVERNED,
)
