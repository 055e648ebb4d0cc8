"""The same position in another world: other prices, then actions of its owner, then a later time, always in that order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Action, H, Position, Q, Refusal, T, Which
from watcher.errors import AnswerError, MissingPrice, UsageError
from watcher.model import DoubtKind, Moment, Valuation

Change: TypeAlias = (
    int | Fraction
)  # an oracle answer, or a change relative to the present one: -1/5 is a fall of a fifth


@dataclass(frozen=True, slots=True)
class Scenario:
    """Prices change first, `actions` follow one after another at those prices, and then time passes until `at`.

    Until `at` nobody else acts and no price moves further: a forecast of interest alone.
    """

    prices: Mapping[ChecksumAddress, Change] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The world asked for lies beyond what the terms can tell."""

    reason: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    before: Valuation
    after: Valuation | Refusal | Unknown


def what_if(position: Position[T, Q, H], scenario: Scenario) -> WhatIf:
    """Before and after, both exact. Raises what `Position.value` raises for the position as it is, and `UsageError` as `under` does."""
    before = position.value()
    try:
        moved = under(position, scenario)
        after = moved if isinstance(moved, Refusal) else moved.value()
    except AnswerError as error:
        return WhatIf(before, Unknown(str(error)))
    if isinstance(after, Refusal):
        return WhatIf(before, after)
    forecast = [doubt.text for doubt in after.doubts if doubt.kind is DoubtKind.FORECAST]
    return WhatIf(before, Unknown("; ".join(forecast)) if forecast else after)


def under(position: Position[T, Q, H], scenario: Scenario) -> Position[T, Q, H] | Refusal:
    """The position in the scenario's world, to be valued or searched further; the first action that the contract refuses ends it.

    Raises `UsageError` for an asset that the market has no price for, for a fall of everything, and for a time that has passed;
    `AnswerError` for a time that the terms cannot tell.
    """
    adapter, terms = position.adapter, position.terms
    quote, holding = adapter.reprice(terms, position.quote, answers(position, scenario.prices)), position.holding
    for action in scenario.actions:
        acted = adapter.act(terms, quote, holding, action)
        if isinstance(acted, Refusal):
            return acted
        quote, holding = acted.quote, acted.holding
    if scenario.at is not None:
        now = position.value().at
        if scenario.at.timestamp < now.timestamp:
            raise UsageError("a what-if looks ahead: ask for a time after the block's, or read an earlier block")
        quote = adapter.accrue(terms, quote, scenario.at, Which.ALL)
    return replace(position, quote=quote, holding=holding)


def answers(position: Position[T, Q, H], changes: Mapping[ChecksumAddress, Change]) -> dict[ChecksumAddress, int]:
    """The oracle answers that `changes` come to; a relative one rounds down."""
    known = {price.token.address: price for price in position.adapter.prices(position.terms, position.quote)}
    changed = {}
    for asset, change in changes.items():
        if asset not in known:
            raise UsageError(f"no price of {asset} is read in this market: name one of {', '.join(sorted(known))}")
        if isinstance(change, Fraction):
            present = known[asset].answer
            if present is None:
                raise MissingPrice(asset, "there is no present answer to change: name an absolute one")
            change = int(present * (1 + change) // 1)
        if change <= 0:
            raise UsageError(f"{known[asset].token.symbol} would have no price left: a contract reads 0 as missing")
        changed[asset] = change
    return changed
