"""Why a health factor moved: between two states one input is swapped after the other, and what each swap does to the margin is its part.

In integers, so that the parts add up exactly. The order decides who gets what two causes do together; the other order is told too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Generic

from eth_typing import ChecksumAddress

from watcher.adapter import Adapter, H, Price, Q, T, Which
from watcher.model import Moment, Token, Unit, Valuation


class Kind(StrEnum):
    """What was swapped."""

    TIME = "time"  # interest at the rates of the start
    PRICE = "price"
    SOURCE = "price source"  # the price changed together with where it comes from
    RATES = "rates"  # interest beyond that: rates and pool totals that moved on the way
    TERMS = "terms"
    OWN = "own action"
    LIQUIDATION = "liquidation"
    MIXED = "mixed"  # own actions and liquidations that cannot be told apart


@dataclass(frozen=True, slots=True)
class State(Generic[T, Q, H]):
    """The three facts at a moment; `quote` as stored. `change` names what made `holding` differ from the state before it."""

    at: Moment
    terms: T
    quote: Q
    holding: H
    change: Kind = Kind.OWN


@dataclass(frozen=True, slots=True)
class Cause:
    """One swap: `margin` is what it added to weighted collateral less debt, `health` to health (wad), None where an end owes nothing."""

    kind: Kind
    token: Token | None
    margin: int
    health: int | None


@dataclass(frozen=True, slots=True)
class Piece:
    """From one state to the next. Both orders add up to `after` less `before`."""

    before: Valuation
    after: Valuation
    causes: tuple[Cause, ...]  # time, prices, rates, terms, holdings
    reverse: tuple[Cause, ...]  # holdings, terms, prices from the last, time, rates


@dataclass(frozen=True, slots=True)
class _Step(Generic[T, Q, H]):
    kind: Kind
    token: Token | None
    terms: T
    quote: Q  # accrued
    holding: H


def explain(of: Adapter[T, Q, H], states: Sequence[State[T, Q, H]]) -> tuple[Piece, ...]:
    """A piece from every state to the next. The states are those where terms or holdings changed, and both ends.

    Raises what `value` raises where a state has no value (`MissingPrice`, `AnswerError`), and `ValueError` where two states are not
    counted in one unit: their difference means nothing.
    """
    return tuple(_piece(of, a, b) for a, b in pairwise(states))


def summed(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Causes of the same kind and token as one, the largest first. Health is None where it is so in any of them."""
    found: dict[tuple[Kind, ChecksumAddress | None], Cause] = {}
    for cause in causes:
        key = cause.kind, cause.token.address if cause.token else None
        old = found.get(key)
        if old is None:
            found[key] = cause
        else:
            health = None if old.health is None or cause.health is None else old.health + cause.health
            found[key] = Cause(cause.kind, cause.token, old.margin + cause.margin, health)
    return tuple(sorted(found.values(), key=lambda cause: -abs(cause.margin)))


def unit_of(pieces: Sequence[Piece]) -> Unit:
    """What margins are counted in."""
    return pieces[0].before.line.unit


def _piece(of: Adapter[T, Q, H], a: State[T, Q, H], b: State[T, Q, H]) -> Piece:
    start = _Step(Kind.TIME, None, a.terms, of.accrue(a.terms, a.quote, a.at, Which.ALL), a.holding)
    forward = list(_forward(of, start, a, b))
    reverse = list(_reverse(of, start, a, b)) if _same_assets(of, a, b) else forward
    before, causes = _causes(of, start, forward)
    _, back = _causes(of, start, reverse)
    last = forward[-1]
    return Piece(before, of.value(last.terms, last.quote, last.holding), causes, back)


def _forward(
    of: Adapter[T, Q, H], start: _Step[T, Q, H], a: State[T, Q, H], b: State[T, Q, H]
) -> Iterator[_Step[T, Q, H]]:
    aged = of.accrue(a.terms, a.quote, b.at, Which.ALL)
    yield _Step(Kind.TIME, None, a.terms, aged, a.holding)
    now = of.accrue(b.terms, b.quote, b.at, Which.ALL)
    for kind, price in _moved(of, a, b, now):
        assert price.answer is not None  # `_moved`
        aged = of.reprice(a.terms, aged, {price.token.address: price.answer})
        yield _Step(kind, price.token, a.terms, aged, a.holding)
    if _same_assets(of, a, b):
        aged = of.accrue(a.terms, b.quote, b.at, Which.ALL)
        yield _Step(Kind.RATES, None, a.terms, aged, a.holding)
    if a.terms != b.terms:
        yield _Step(Kind.TERMS, None, b.terms, now, a.holding)
    if a.holding != b.holding:
        yield _Step(b.change, None, b.terms, now, b.holding)


def _reverse(
    of: Adapter[T, Q, H], start: _Step[T, Q, H], a: State[T, Q, H], b: State[T, Q, H]
) -> Iterator[_Step[T, Q, H]]:
    if a.holding != b.holding:
        yield _Step(b.change, None, a.terms, start.quote, b.holding)
    if a.terms != b.terms:
        yield _Step(Kind.TERMS, None, b.terms, of.accrue(b.terms, a.quote, a.at, Which.ALL), b.holding)
    now = of.accrue(b.terms, b.quote, b.at, Which.ALL)
    young, aged = (of.accrue(b.terms, a.quote, at, Which.ALL) for at in (a.at, b.at))
    for kind, price in reversed(_moved(of, a, b, now)):
        assert price.answer is not None  # `_moved`
        young, aged = (of.reprice(b.terms, quote, {price.token.address: price.answer}) for quote in (young, aged))
        yield _Step(kind, price.token, b.terms, young, b.holding)
    yield _Step(Kind.TIME, None, b.terms, aged, b.holding)
    yield _Step(Kind.RATES, None, b.terms, now, b.holding)


def _moved(of: Adapter[T, Q, H], a: State[T, Q, H], b: State[T, Q, H], now: Q) -> list[tuple[Kind, Price]]:
    """The prices of `b` that differ from those of `a`, where both are there."""
    old = {price.token.address: price for price in of.prices(a.terms, of.accrue(a.terms, a.quote, a.at, Which.ALL))}
    found = []
    for price in of.prices(b.terms, now):
        was = old.get(price.token.address)
        if was is not None and price.answer is not None and was.answer not in (None, price.answer):
            found.append((Kind.PRICE if was.source == price.source else Kind.SOURCE, price))
    return found


def _same_assets(of: Adapter[T, Q, H], a: State[T, Q, H], b: State[T, Q, H]) -> bool:
    """Whether facts of one state fit those of the other. A reserve that was listed between them goes with the terms, as one."""
    first, second = (
        [price.token.address for price in of.prices(one.terms, of.accrue(one.terms, one.quote, one.at, Which.ALL))]
        for one in (a, b)
    )
    return first == second


def _causes(
    of: Adapter[T, Q, H], start: _Step[T, Q, H], steps: Sequence[_Step[T, Q, H]]
) -> tuple[Valuation, tuple[Cause, ...]]:
    before = seen = of.value(start.terms, start.quote, start.holding)
    causes = []
    for step in steps:
        then = of.value(step.terms, step.quote, step.holding)
        if then.line.unit != before.line.unit:
            raise ValueError("the two ends are not counted in one unit: their margins cannot be compared")
        health = None if then.health is None or seen.health is None else then.health - seen.health
        causes.append(Cause(step.kind, step.token, _margin(then) - _margin(seen), health))
        seen = then
    return before, tuple(cause for cause in causes if cause.margin or cause.health)


def _margin(seen: Valuation) -> int:
    return seen.line.weighted - seen.line.owed
