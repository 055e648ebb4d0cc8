"""What is said of a change besides the change itself: why it came, how far the line is, and what would take it back to comfort."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from watcher.adapter import Position
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.correlated import correlated
from watcher.health.fall import fall
from watcher.health.judge import Judgement
from watcher.health.target import remedies
from watcher.model import Distance, Fix, Transition, Valuation
from watcher.units import WAD
from watcher.watching.policy import Policy

MILLION: Final = 1_000_000
NAMED: Final = 3  # prices in one sentence
LEAST: Final = 100  # millionths that a price must have moved to be named


def told(change: Transition, row: Row, judgement: Judgement, before: Row | None, policy: Policy) -> Transition:
    """The transition with its cause, distance, runway and fixes, as far as each can be told; nothing of it decides anything."""
    return replace(
        change,
        cause="; ".join(filter(None, ("" if before is None else cause(before, row), first_line(row)))),
        distance=_distance(row.position, policy),
        runway=judgement.runway,
        fixes=_fixes(row.position, judgement),
    )


def cause(before: Row, now: Row) -> str:
    """What differs between two readings of one position, in words: terms, its own amounts, prices; else interest alone."""
    if before.reading.valuation is None or now.reading.valuation is None:
        return ""
    said = []
    if before.position.terms != now.position.terms:
        said.append("the market's terms were changed")
    if before.position.holding != now.position.holding:
        said.append("its amounts were changed by a transaction")
    moved = ", ".join(_moves(before.position, now.position, now.reading.valuation))
    if moved:
        said.append(f"the protocol's prices moved ({moved})")
    return "; ".join(said) or "interest alone"


def first_line(row: Row) -> str:
    """The line before the protocol's own that its band goes by, where there is one; health cut to four decimals."""
    seen = row.reading.valuation
    if seen is None or seen.first is None or seen.first.health is None:
        return ""
    at, acts = seen.first.health, "acts now" if seen.first.open else "acts below 1"
    return f"its first line is that of {seen.first.contract}, which {acts}: health {at // WAD}.{at % WAD // 10**14:04d} there"


def _moves(before: Position[Any, Any, Any], now: Position[Any, Any, Any], valuation: Valuation) -> Iterator[str]:
    """The prices of what it holds and owes that moved most, each with its change, rounded down, in hundredths of a percent."""
    held = {leg.token.address for leg in valuation.legs}
    old = {price.token.address: price.answer for price in before.adapter.prices(before.terms, before.quote)}
    steps = []
    for price in now.adapter.prices(now.terms, now.quote):
        was = old.get(price.token.address)
        if price.answer and was and price.token.address in held:
            steps.append(((price.answer - was) * MILLION // was, price.token.symbol))
    for step, symbol in sorted(steps, key=lambda one: -abs(one[0]))[:NAMED]:
        if abs(step) >= LEAST:
            sign = "−" if step < 0 else "+"
            yield f"{symbol} {sign}{abs(step) // 10_000}.{abs(step) % 10_000 // 100:02d} %"


def _distance(position: Position[Any, Any, Any], policy: Policy) -> Distance | None:
    """The fall of all collateral; for a correlated pair the fall of its ratio, since its prices fall together."""
    try:
        pair = next((one for one in correlated(position, policy.groups) if one.closed), None)
        if pair is None:
            steps = fall(position).steps
            return None if steps is None else Distance(steps, "the price of all collateral")
    except WatcherError:
        return None  # a price that spoils the search spoils this sentence only
    if pair.ratio is None:
        return None
    ratio = pair.ratio
    steps = max(0, ratio.present - ratio.answer) * MILLION // ratio.present
    return Distance(steps, f"{ratio.collateral.symbol}/{ratio.debt.symbol}")


def _fixes(position: Position[Any, Any, Any], judgement: Judgement) -> tuple[Fix, ...]:
    """What takes health to the threshold of *watch*: each asset alone."""
    target = judgement.bands.watch
    try:
        found = remedies(position, target)
    except WatcherError:
        return ()
    return tuple(Fix(one.side, one.token, one.amount, target, one.reason) for one in found)
