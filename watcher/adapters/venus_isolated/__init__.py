"""Venus isolated pools: one comptroller is one market, found through the pool registry; interest by the block or by the second.

Proved on the bytecode of @venusprotocol/isolated-pools 4.4.0 with the resilient oracle of @venusprotocol/oracle 2.16.0.
"""

from __future__ import annotations

from watcher.adapter import Adapter
from watcher.adapters.venus_isolated.accrual import accrue, panels
from watcher.adapters.venus_isolated.act import act
from watcher.adapters.venus_isolated.facts import Holding, Quote, Terms
from watcher.adapters.venus_isolated.governance import GOVERNED
from watcher.adapters.venus_isolated.linear import LINEAR
from watcher.adapters.venus_isolated.liquidate import liquidation
from watcher.adapters.venus_isolated.liquidated import BESIDE, liquidations
from watcher.adapters.venus_isolated.logs import borrowers, founding, moves, suppliers
from watcher.adapters.venus_isolated.makeup import makeup
from watcher.adapters.venus_isolated.paths import whole
from watcher.adapters.venus_isolated.reads import bare, holdings, listed, positions, quote, shares, totals
from watcher.adapters.venus_isolated.report import reported
from watcher.adapters.venus_isolated.terms import fresh, terms
from watcher.adapters.venus_isolated.value import value
from watcher.adapters.venus_isolated.worth import prices, reprice, worth


def truncates(_: Terms) -> bool:
    """Never: the sums are compared, no average is."""
    return False


ADAPTER = Adapter(
    name="venus_isolated",
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
    linear=LINEAR,
    liquidations=liquidations,
    beside=BESIDE,
    worth=worth,
    governance=GOVERNED,
    whole=whole,
    listed=listed,
)
