"""Aave V2, on any pool of its code: priced in ETH or in USD as its oracle says, with variable and stable debt.

The generation before V3: its own contracts are read into V3's facts and valued by the same arithmetic, as version V2. Proved on the real
bytecode of @aave/protocol-v2 1.0.1. Positions are addresses. Prices are the oracle's, without any judgement of their age.
"""

from __future__ import annotations

from watcher.adapter import Adapter, Linear
from watcher.adapters.aave_v2.events import borrowers, founding, moves, suppliers
from watcher.adapters.aave_v2.facts import Holding, Quote, Terms
from watcher.adapters.aave_v2.governance import GOVERNED
from watcher.adapters.aave_v2.holding import holdings
from watcher.adapters.aave_v2.liquidated import liquidate, liquidations
from watcher.adapters.aave_v2.makeup import makeup
from watcher.adapters.aave_v2.quote import quote
from watcher.adapters.aave_v2.terms import fresh, terms
from watcher.adapters.aave_v3 import linear
from watcher.adapters.aave_v3.act import act
from watcher.adapters.aave_v3.holding import bare, positions, shares, totals
from watcher.adapters.aave_v3.liquidated import worth
from watcher.adapters.aave_v3.market import panels, prices
from watcher.adapters.aave_v3.quote import accrue, reprice
from watcher.adapters.aave_v3.report import reported
from watcher.adapters.aave_v3.value import value


def truncates(terms: Terms) -> bool:
    """The average threshold is cut to a whole basis point before it is used."""
    return True


ADAPTER: Adapter[Terms, Quote, Holding] = Adapter(
    name="aave_v2",
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
    liquidation=liquidate,
    reported=reported,
    truncates=truncates,
    makeup=makeup,
    borrowers=borrowers,
    suppliers=suppliers,
    founding=founding,
    totals=totals,
    shares=shares,
    bare=bare,
    linear=Linear(linear.scale, linear.columns, linear.shares, linear.factors, linear.slack),
    liquidations=liquidations,
    worth=worth,
    governance=GOVERNED,
)
