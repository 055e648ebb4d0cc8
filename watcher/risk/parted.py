"""What a liquidation did to a position and what the owner did beside it, told apart by the amounts of the liquidation's own logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Acted, Adapter, H, Liquidated, Q, Repay, Supply, T, Which, Withdraw
from watcher.errors import WatcherError
from watcher.model import Leg, Side
from watcher.risk.explain import Kind, State
from watcher.units import Raw

RICH: Final = (
    10**6
)  # by which collateral is repriced, so that nothing is refused to a liquidator that would be to the owner
DUST: Final = 10**6  # a part in this many, and two units for each liquidation, is rounding and no action
Place: TypeAlias = tuple[ChecksumAddress, Side]
Deed: TypeAlias = Supply | Withdraw | Repay


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
        quote = of.accrue(b.terms, b.quote, b.at, Which.ALL)
        left = _left(of, b.terms, quote, a.holding, told)
        if left is not None and _close(left, _amounts(of.value(b.terms, quote, b.holding).legs), len(told)):
            return (replace(b, change=Kind.LIQUIDATION),)
        between = None if left is None else _liquidated(of, b.terms, quote, a.holding, told)
    except WatcherError:  # one of the two holdings has no value without the other half
        between = None
    if between is None:
        return (replace(b, change=Kind.MIXED),)
    return replace(b, holding=between, change=Kind.LIQUIDATION), replace(b, change=Kind.OWN)


def _left(of: Adapter[T, Q, H], terms: T, quote: Q, holding: H, told: Sequence[Liquidated]) -> dict[Place, int] | None:
    """What the liquidations alone leave of a holding, in raw units; below zero where they took more than was there.

    None where their logs do not say.
    """
    legs = of.value(terms, quote, holding).legs
    found = _amounts(legs)
    for one in told:
        actions = _actions(of, terms, quote, legs, found, one)
        if actions is None:
            return None
        for action in actions:
            side = Side.DEBT if isinstance(action, Repay) else Side.COLLATERAL
            more = action.amount if isinstance(action, Supply) else -action.amount
            found[action.token, side] = found.get((action.token, side), 0) + more
    return found


def _liquidated(of: Adapter[T, Q, H], terms: T, quote: Q, holding: H, told: Sequence[Liquidated]) -> H | None:
    """The holding less what the liquidations took and repaid; None where the adapter refuses that to an owner, however rich."""
    owed = {leg.token.address for leg in of.value(terms, quote, holding).legs if leg.side is Side.DEBT}
    answers = {
        price.token.address: price.answer * RICH
        for price in of.prices(terms, quote)
        if price.answer is not None and price.token.address not in owed
    }
    quote = of.reprice(terms, quote, answers)
    for one in told:
        legs = of.value(terms, quote, holding).legs
        for action in _actions(of, terms, quote, legs, _amounts(legs), one) or ():
            acted = of.act(terms, quote, holding, action)
            if not isinstance(acted, Acted):
                return None
            holding, quote = acted.holding, acted.quote
    return holding


def _actions(
    of: Adapter[T, Q, H], terms: T, quote: Q, legs: Sequence[Leg], held: Mapping[Place, int], told: Liquidated
) -> tuple[Deed, ...] | None:
    """What the liquidation did, as if the owner had; None where its logs do not say. Debt first, as every protocol does."""
    taken = _taken(of, terms, quote, legs, told)
    if told.fee is None or taken is None:
        return None
    found: list[Deed] = []
    owed = {token: amount for (token, side), amount in held.items() if side is Side.DEBT}
    lost = () if told.absorbed else told.written_off or ()  # who absorbs pays for what is lost too
    for token, amount in ((told.debt, told.repay), *lost):
        paid = min(amount, owed.get(token, 0))
        owed[token] = owed.get(token, 0) - paid
        found.append(Repay(token, Raw(paid)))
        if told.absorbed:
            found.append(Supply(token, Raw(amount - paid)))  # what is left of the collateral's worth is the borrower's
    fees = dict(told.fees)
    for token, amount in ((told.collateral, Raw(taken + told.fee)), *told.along):
        found.append(Withdraw(token, Raw(amount + fees.get(token, 0))))
    return tuple(one for one in found if one.amount)


def _taken(of: Adapter[T, Q, H], terms: T, quote: Q, legs: Sequence[Leg], told: Liquidated) -> int | None:
    """The collateral that the liquidator was given; of a receipt as much as it is worth."""
    if told.receipt is None:
        return told.taken
    leg = next((one for one in legs if one.token.address == told.collateral and one.side is Side.COLLATERAL), None)
    if of.worth is None or leg is None or not leg.value:
        return None
    return of.worth(terms, quote, Side.COLLATERAL, told.receipt, told.taken) * leg.amount // leg.value


def _close(ours: Mapping[Place, int], theirs: Mapping[Place, int], count: int) -> bool:
    """Whether raw amounts are the same up to the rounding of so many liquidations."""
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
