"""Aave V3, from 3.0 to 3.7, told apart by the pool's own revision.

Proved on the real bytecode of 3.0 and 3.6; the other versions are ported from their source and held against vectors made by it.
Positions are addresses. Prices are the oracle's, without any judgement of their age: the pool makes none either.
"""

from __future__ import annotations

from watcher.adapter import Adapter
from watcher.adapters.aave_v3.act import act
from watcher.adapters.aave_v3.events import borrowers, founding, moves, suppliers
from watcher.adapters.aave_v3.facts import Holding, Quote, Terms
from watcher.adapters.aave_v3.governance import GOVERNED
from watcher.adapters.aave_v3.holding import bare, holdings, positions, shares, totals
from watcher.adapters.aave_v3.linear import LINEAR
from watcher.adapters.aave_v3.liquidate import liquidate
from watcher.adapters.aave_v3.liquidated import BESIDE, liquidations, worth
from watcher.adapters.aave_v3.makeup import makeup
from watcher.adapters.aave_v3.market import panels, prices
from watcher.adapters.aave_v3.quote import accrue, quote, reprice
from watcher.adapters.aave_v3.report import reported
from watcher.adapters.aave_v3.terms import fresh, terms
from watcher.adapters.aave_v3.value import value
from watcher.formula.aave.version import Version


def truncates(terms: Terms) -> bool:
    """Until 3.4 the average threshold is cut to a whole basis point before it is used."""
    return terms.version < Version.V3_5


def mode(holding: Holding) -> int:
    return holding.mode


ADAPTER: Adapter[Terms, Quote, Holding] = Adapter(
    name="aave_v3",
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
    mode=mode,
    linear=LINEAR,
    liquidations=liquidations,
    beside=BESIDE,
    worth=worth,
    governance=GOVERNED,
)
