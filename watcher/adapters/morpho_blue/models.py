"""Recognises the adaptive curve by how it answers: an address proves nothing, and another curve under the same interface would mislead."""

from __future__ import annotations

from typing import Any, Final

from watcher.adapters.morpho_blue.facts import Model, Params
from watcher.errors import AnswerError, CallReverted, WatcherError
from watcher.formula.adaptive_curve import FASTEST, SLOWEST, rates
from watcher.model import Market
from watcher.oracle.feed import NOBODY
from watcher.query import Query, one
from watcher.units import WAD

UNKNOWN: Final = (
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
    0,
)  # a market that never called a model: its rate at target is the initial one
USED: Final = (0, 45 * WAD // 100, 9 * WAD // 10, 95 * WAD // 100, WAD)
AGES: Final = 10**9  # seconds; any longer time ends at the same bounds


def _market(used: int) -> tuple[int, ...]:
    """`Market` with this utilisation, last updated in 1970."""
    return (WAD, WAD, used, used, 0, 0)


def model(market: Market, params: Params) -> Query[Model]:
    """Adaptive when it serves this Morpho and answers as the adaptive curve does, fresh at five utilisations and aged at both ends."""
    if params.irm == NOBODY:
        return Model.NONE
    view = "morpho_blue/irm.borrowRateView"
    asked = [(UNKNOWN, _market(used)) for used in USED] + [(params.row(), _market(used)) for used in (0, WAD)]
    answers = yield (
        one("morpho_blue/irm.MORPHO", params.irm),
        one("morpho_blue/irm.rateAtTarget", params.irm, ((market.id,),)),
        one(view, params.irm, asked),
    )
    rows: list[Any] = []
    for answer in answers:
        if isinstance(answer, CallReverted | AnswerError):
            return Model.OTHER
        if isinstance(answer, WatcherError):
            raise answer
        rows.append(answer)
    ((morpho,),), ((at_target,),), views = rows
    if morpho != market.address or not SLOWEST <= at_target <= FASTEST:
        return Model.OTHER
    fresh = [rates(used, 0, 0).average for used in USED]
    aged = [rates(used, at_target, AGES).average for used in (0, WAD)]
    return Model.ADAPTIVE if [rate for (rate,) in views] == fresh + aged else Model.OTHER
