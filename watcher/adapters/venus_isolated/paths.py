"""Accounts whose collateral is worth the pool's minimum or less are liquidated whole: `Comptroller.liquidateAccount` where it covers all
debt with the incentive, else `healAccount`, which takes what there is and writes the rest off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from watcher.adapter import Refusal, Which, Whole
from watcher.adapters.venus_isolated.accrual import accrue
from watcher.adapters.venus_isolated.facts import Deed, Holding, Quote, Terms
from watcher.adapters.venus_isolated.liquidate import open_pair, ratio_of, shared
from watcher.adapters.venus_isolated.worth import USD, Part, Sums, sums
from watcher.figures import exact
from watcher.formula.compound.exponential import over, times
from watcher.formula.compound.liquidation import largest
from watcher.model import Blocked, Token
from watcher.units import WAD, Raw, mul_div_down

Order = tuple[Part, Part, int, int]  # debt, collateral, raw units repaid, vTokens seized


def whole(terms: Terms, quote: Quote, holding: Holding) -> tuple[Whole, ...] | Refusal:
    """What the comptroller would carry out now. It judges `liquidateAccount` by stored books and `healAccount` by accrued ones.

    So both may be there, while the interest since the last accruals is what the collateral lacks for the incentive. `MissingPrice` as in
    `value`.
    """
    view = accrue(terms, quote, quote.moment, Which.ALL)
    cash = {place: state.books.cash for place, state in enumerate(view.states)}
    now = sums(terms, view, holding)
    then = sums(terms, accrue(terms, quote, quote.moment, Which.NONE), holding)
    found = []
    if _spared(terms, then) is None and _needed(terms, then) < then.collateral:
        orders = _orders(terms, now)
        if orders is not None and _payable(terms, cash, orders):
            found.append(_liquidated(terms, now, orders))
    reason = _spared(terms, now)
    if reason is None:
        share = _share(terms, now)
        if share <= WAD and _payable(terms, cash, _takings(now)):
            found.append(_healed(terms, now, share))
        reason = "rounding leaves too little collateral, or a market too little cash for the protocol's share"
    return tuple(found) or Refusal(reason)


def _takings(total: Sums) -> list[Order]:
    """What healing seizes, before it repays anything of that market."""
    return [(part, part, 0, part.balance.tokens) for part in total.parts if part.balance.tokens]


def _payable(terms: Terms, cash: Mapping[int, int], orders: Sequence[Order]) -> bool:
    """Whether every market seized can pay the protocol's share at once, order by order."""
    left = dict(cash)
    for owed, held, repay, tokens in orders:
        left[owed.place] += repay
        left[held.place] -= times(held.rate, shared(terms, held, tokens))
        if left[held.place] < 0:
            return False
    return True


def _spared(terms: Terms, total: Sums) -> str | None:
    if total.collateral > terms.minimum:
        return f"collateral is above {exact(terms.minimum, 18)} USD: liquidated pair by pair"
    return None if total.short else "there is no shortfall"


def _needed(terms: Terms, total: Sums) -> int:
    """⌊incentive · debt / 1e18⌋: what would have to be seized for all debt."""
    return times(terms.incentive, total.debt)


def _orders(terms: Terms, total: Sums, *, paused: bool = True) -> list[Order] | None:
    """Every debt repaid to the last unit out of the collaterals in turn; None where rounding leaves too little.

    Without `paused` only pairs of which nothing is paused.
    """
    left = {part.place: part.balance.tokens for part in total.parts if part.balance.tokens}
    held = [part for part in total.parts if part.place in left]
    orders: list[Order] = []
    for owed in total.parts:
        rest = owed.owes
        for collateral in held:
            if rest == 0:
                break
            ratio = ratio_of(terms, owed, collateral)
            if ratio is None or not (paused or open_pair(terms, owed, collateral)):
                continue
            done = largest(ratio, rest, left[collateral.place], 0)
            if done.repay:
                orders.append((owed, collateral, done.repay, done.tokens))
                left[collateral.place] -= done.tokens
                rest -= done.repay
        if rest:
            return None
    return orders


def _liquidated(terms: Terms, total: Sums, orders: Sequence[Order]) -> Whole:
    open = _orders(terms, total, paused=False)
    seized = [(held, tokens) for _, held, _, tokens in open or orders]
    return Whole(
        path="liquidateAccount",
        repays=_added((_token(terms, owed), repay) for owed, _, repay, _ in open or orders),
        seizes=_seized(terms, seized),
        fees=_fees(terms, seized),
        written_off=(),
        orders=tuple(
            (_token(terms, owed).address, _token(terms, held).address, Raw(repay))
            for owed, held, repay, _ in open or orders
        ),
        bonus=_gained(terms, seized) - sum(times(owed.price, repay) for owed, _, repay, _ in open or orders),
        unit=USD,
        blocked=None if open is not None else Blocked.PAUSED,
    )


def _share(terms: Terms, total: Sums) -> int:
    """⌊collateral · 1e18 / (debt · incentive)⌋: what of every debt is repaid by whoever heals; above 1 there is nothing to heal."""
    return over(total.collateral, mul_div_down(total.debt, terms.incentive, WAD))


def _healed(terms: Terms, total: Sums, share: int) -> Whole:
    """All vTokens go; of every debt the share is repaid, the rest becomes bad debt."""
    owing = [(part, times(share, part.owes)) for part in total.parts if part.owes]
    seized = [(part, part.balance.tokens) for part in total.parts if part.balance.tokens]
    left = [(_token(terms, part), part.owes - repay) for part, repay in owing]
    return Whole(
        path="healAccount",
        repays=_added((_token(terms, part), repay) for part, repay in owing),
        seizes=_seized(terms, seized),
        fees=_fees(terms, seized),
        written_off=_added(left),
        orders=(),
        bonus=_gained(terms, seized) - sum(times(part.price, repay) for part, repay in owing),
        unit=USD,
        blocked=None if _open_heal(terms, total, share) else Blocked.PAUSED,
    )


def _open_heal(terms: Terms, total: Sums, share: int) -> bool:
    """Every vToken held must be seizable, and every debt of which anything is repaid repayable."""
    return not any(
        (part.balance.tokens and terms.vtokens[part.place].stopped(Deed.SEIZE))
        or (times(share, part.owes) and terms.vtokens[part.place].stopped(Deed.REPAY))
        for part in total.parts
    )


def blocked(terms: Terms, total: Sums) -> Blocked | None:
    """Of an account that can be liquidated by these sums: paused when each of its ways is. Who has nothing to seize is healed of it."""
    if total.collateral > terms.minimum or any(terms.vtokens[part.place].forced and part.owes for part in total.parts):
        owing = [part for part in total.parts if part.owes]
        held = [part for part in total.parts if part.balance.tokens]
        open = any(open_pair(terms, debt, collateral) for debt in owing for collateral in held)
        return None if open else Blocked.PAUSED if held else Blocked.EMPTY
    if _needed(terms, total) < total.collateral:
        return None if _orders(terms, total, paused=False) is not None else Blocked.PAUSED
    return None if _open_heal(terms, total, _share(terms, total)) else Blocked.PAUSED


def _token(terms: Terms, part: Part) -> Token:
    return terms.vtokens[part.place].token


def _seized(terms: Terms, seized: Sequence[tuple[Part, int]]) -> tuple[tuple[Token, Raw], ...]:
    return _added((_token(terms, part), times(part.rate, tokens)) for part, tokens in seized)


def _fees(terms: Terms, seized: Sequence[tuple[Part, int]]) -> tuple[tuple[Token, Raw], ...]:
    """Each seizure is shared by itself, so each rounds by itself."""
    return _added((_token(terms, part), times(part.rate, shared(terms, part, tokens))) for part, tokens in seized)


def _gained(terms: Terms, seized: Sequence[tuple[Part, int]]) -> int:
    return sum(times(part.unit, tokens - shared(terms, part, tokens)) for part, tokens in seized)


def _added(amounts: Iterable[tuple[Token, int]]) -> tuple[tuple[Token, Raw], ...]:
    """Summed by token, without those of which there is nothing."""
    found: dict[Token, int] = {}
    for token, amount in amounts:
        found[token] = found.get(token, 0) + amount
    return tuple((token, Raw(amount)) for token, amount in found.items() if amount)
