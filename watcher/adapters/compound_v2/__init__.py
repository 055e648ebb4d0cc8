"""Compound V2 and its near forks (Moonwell, Benqi): one comptroller with its cTokens, told apart by what they answer.

Proved on the real bytecode of Compound V2, with a comptroller of either rounding. Positions are addresses. What is shown accrues every
market; the comptroller's own view accrues none, and a liquidator two.
"""

from __future__ import annotations

from watcher.adapter import Adapter
from watcher.adapters.compound_v2.act import act
from watcher.adapters.compound_v2.events import borrowers, founding, moves, suppliers
from watcher.adapters.compound_v2.facts import Holding, Quote, Terms
from watcher.adapters.compound_v2.governance import GOVERNED
from watcher.adapters.compound_v2.holding import bare, holdings, positions, shares, totals
from watcher.adapters.compound_v2.linear import LINEAR
from watcher.adapters.compound_v2.liquidate import liquidate
from watcher.adapters.compound_v2.liquidated import BESIDE, liquidations, worth
from watcher.adapters.compound_v2.makeup import makeup
from watcher.adapters.compound_v2.market import panels, prices
from watcher.adapters.compound_v2.quote import accrue, quote, reprice
from watcher.adapters.compound_v2.report import reported
from watcher.adapters.compound_v2.terms import fresh, terms
from watcher.adapters.compound_v2.value import value


def truncates(_: Terms) -> bool:
    """Never: factors are whole, no average is cut."""
    return False


ADAPTER: Adapter[Terms, Quote, Holding] = Adapter(
    name="compound_v2",
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
    linear=LINEAR,
    liquidations=liquidations,
    beside=BESIDE,
    worth=worth,
    governance=GOVERNED,
)
