"""What a liquidation did to a position and what the owner did beside it, told apart by the amounts of the liquidation's own logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Acted, Action, Adapter, H, Liquidated, Q, Repay, T, Which, Withdraw
from watcher.errors import WatcherError
from watcher.model import Leg, Side
from watcher.risk.explain import Kind, State
from watcher.units import Raw

RICH: Final = (
    10**6
)  # by which collateral is repriced, so that nothing is refused to a liquidator that would be to the owner
DUST: Final = 10**6  # a part in this many, and two units for each liquidation, is rounding and no action
Place: TypeAlias = tuple[ChecksumAddress, Side]


def parted(
    of: Adapter[T, Q, H], a: State[T, Q, H], b: State[T, Q, H], told: Sequence[Liquidated] | None
) -> tuple[State[T, Q, H], ...]:
    """`b` with what made its holding differ from that of `a`, which the liquidations `told` between them say; None: nobody knows them.

    Where the owner acted too there are two states at the moment of `b`, the one that the liquidations alone would have led to first.
    What cannot be told apart (amounts that no log says, or that the adapter cannot take away) is `Kind.MIXED`.
    """
    if a.holding == b.holding:
        return (b,)
    if told is None:
        return (replace(b, change=Kind.MIXED),)
    if not told:
        return (replace(b, change=Kind.OWN),)
    try:
        between = _liquidated(of, a, b, told)
        if between is None:
            return (replace(b, change=Kind.MIXED),)
        if _same(of, b, between, len(told)):
            return (replace(b, change=Kind.LIQUIDATION),)
    except WatcherError:  # it has no value without the other half
        return (replace(b, change=Kind.MIXED),)
    return replace(b, holding=between, change=Kind.LIQUIDATION), replace(b, change=Kind.OWN)


def _liquidated(of: Adapter[T, Q, H], a: State[T, Q, H], b: State[T, Q, H], told: Sequence[Liquidated]) -> H | None:
    """The holding of `a` less what the liquidations took and repaid, at the indices of `b`; None where it cannot be had."""
    quote = of.accrue(b.terms, b.quote, b.at, Which.ALL)
    owed = {leg.token.address for leg in of.value(b.terms, quote, a.holding).legs if leg.side is Side.DEBT}
    answers = {
        price.token.address: price.answer * RICH
        for price in of.prices(b.terms, quote)
        if price.answer is not None and price.token.address not in owed
    }
    holding, quote = a.holding, of.reprice(b.terms, quote, answers)
    for one in told:
        for action in _actions(of, b.terms, quote, holding, one):
            if action is None:
                return None
            acted = of.act(b.terms, quote, holding, action)
            if not isinstance(acted, Acted):
                return None
            holding, quote = acted.holding, acted.quote
    return holding


def _actions(of: Adapter[T, Q, H], terms: T, quote: Q, holding: H, told: Liquidated) -> Iterator[Action | None]:
    """What the liquidation did, as if the owner had; None where its logs do not say. Debt first, as every protocol does."""
    legs = of.value(terms, quote, holding).legs
    taken = _taken(of, terms, quote, legs, told)
    if told.fee is None or taken is None:
        yield None
        return
    owed = _amounts(legs)
    for token, amount in ((told.debt, told.repay), *(told.written_off or ())):
        if paid := min(amount, owed.get((token, Side.DEBT), 0)):
            yield Repay(token, Raw(paid))
    fees = dict(told.fees)
    for token, amount in ((told.collateral, Raw(taken + told.fee)), *told.along):
        if gone := amount + fees.get(token, 0):
            yield Withdraw(token, Raw(gone))


def _taken(of: Adapter[T, Q, H], terms: T, quote: Q, legs: Sequence[Leg], told: Liquidated) -> int | None:
    """The collateral that the liquidator was given; of a receipt as much as it is worth."""
    if told.receipt is None:
        return told.taken
    leg = next((one for one in legs if one.token.address == told.collateral and one.side is Side.COLLATERAL), None)
    if of.worth is None or leg is None or not leg.value:
        return None
    return of.worth(terms, quote, Side.COLLATERAL, told.receipt, told.taken) * leg.amount // leg.value


def _same(of: Adapter[T, Q, H], b: State[T, Q, H], between: H, count: int) -> bool:
    """Whether the liquidations alone led to what is held at `b`, up to rounding."""
    quote = of.accrue(b.terms, b.quote, b.at, Which.ALL)
    ours, theirs = (_amounts(of.value(b.terms, quote, one).legs) for one in (between, b.holding))
    return all(
        abs(ours.get(place, 0) - theirs.get(place, 0))
        <= 2 * count + max(ours.get(place, 0), theirs.get(place, 0)) // DUST
        for place in ours.keys() | theirs.keys()
    )


def _amounts(legs: Sequence[Leg]) -> dict[Place, int]:
    found: dict[Place, int] = {}
    for leg in legs:
        side = Side.DEBT if leg.side is Side.DEBT else Side.COLLATERAL  # a deposit is one whether it protects or not
        found[leg.token.address, side] = found.get((leg.token.address, side), 0) + leg.amount
    return found
