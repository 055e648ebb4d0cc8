"""Recognises the adaptive curve and the fixed rate by how they answer: an address proves nothing, and another model would mislead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from watcher.adapters.morpho_blue.facts import Model, Params
from watcher.errors import AnswerError, CallReverted, WatcherError
from watcher.formula.adaptive_curve import FASTEST, SLOWEST, rates
from watcher.model import Market
from watcher.oracle.feed import NOBODY
from watcher.query import Query, one
from watcher.units import WAD, YEAR

UNKNOWN: Final = (
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
    0,
)  # a market that never called a model: its rate at target is the initial one
USED: Final = (0, 45 * WAD // 100, 9 * WAD // 10, 95 * WAD // 100, WAD)
FIXED_MOST: Final = 8 * WAD // YEAR  # `FixedRateIrm.MAX_BORROW_RATE`, per second
AGES: Final = 10**9  # seconds; any longer time ends at the same bounds


def _market(used: int) -> tuple[int, ...]:
    """`Market` with this utilisation, last updated in 1970."""
    return (WAD, WAD, used, used, 0, 0)


def model(market: Market, params: Params) -> Query[Model]:
    """Adaptive when it serves this Morpho and answers as the adaptive curve does, fresh at five utilisations and aged at both ends.

    Fixed when it has a rate stored for this market, answers that at five utilisations, and has FixedRateIrm's bound.
    """
    if params.irm == NOBODY:
        return Model.NONE
    view = "morpho_blue/irm.borrowRateView"
    asked = [(UNKNOWN, _market(used)) for used in USED] + [(params.row(), _market(used)) for used in (0, WAD)]
    answers = yield (
        one("morpho_blue/irm.MORPHO", params.irm),
        one("morpho_blue/irm.rateAtTarget", params.irm, ((market.id,),)),
        one(view, params.irm, asked),
        one("morpho_blue/irm.MAX_BORROW_RATE", params.irm),
        one("morpho_blue/irm.borrowRateStored", params.irm, ((market.id,),)),
        one(view, params.irm, [(params.row(), _market(used)) for used in USED]),
    )
    rows: list[Any] = []
    for answer in answers:
        if isinstance(answer, WatcherError) and not isinstance(answer, CallReverted | AnswerError):
            raise answer
        rows.append(None if isinstance(answer, WatcherError) else answer)
    if _adaptive(market, rows[:3]):
        return Model.ADAPTIVE
    return Model.FIXED if _fixed(rows[3:]) else Model.OTHER


def _adaptive(market: Market, answers: Sequence[Any]) -> bool:
    if None in answers:
        return False
    ((morpho,),), ((at_target,),), views = answers
    if morpho != market.address or not SLOWEST <= at_target <= FASTEST:
        return False
    fresh = [rates(used, 0, 0).average for used in USED]
    aged = [rates(used, at_target, AGES).average for used in (0, WAD)]
    return [rate for (rate,) in views] == fresh + aged


def _fixed(answers: Sequence[Any]) -> bool:
    if None in answers:
        return False
    ((most,),), ((stored,),), views = answers
    return most == FIXED_MOST and stored > 0 and all(rate == stored for (rate,) in views)
