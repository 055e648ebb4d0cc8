"""What is said of a change besides the change itself: why it came, how far the line is, and what would take it back to comfort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapter import Position
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.figures import age, fixed, percent
from watcher.health.correlated import correlated
from watcher.health.fall import fall
from watcher.health.judge import Judgement
from watcher.health.measure import RUNWAYS, Measure
from watcher.health.target import remedies
from watcher.model import Distance, Fix, Transition, Valuation
from watcher.risk.explain import Cause, Kind, State, explain, summed
from watcher.units import WAD
from watcher.watching.policy import Policy

MILLION: Final = 1_000_000
NAMED: Final = 3  # causes in one sentence
SLIGHT: Final = 10**14  # health that a cause must have moved to be named beside a larger one
WORDS: Final[Mapping[Kind, str]] = {
    Kind.TIME: "interest",
    Kind.RATES: "interest",
    Kind.PRICE: "the price",
    Kind.SOURCE: "the price, from another source,",
    Kind.TERMS: "the market's terms were changed",
    Kind.OWN: "its amounts were changed by a transaction",
    Kind.LIQUIDATION: "a liquidation",
    Kind.MIXED: "its amounts were changed by a transaction",
}


def told(change: Transition, row: Row, judgement: Judgement, before: Row | None, policy: Policy) -> Transition:
    """The transition with its cause, distance, runway and fixes, as far as each can be told; nothing of it decides anything."""
    return replace(
        change,
        cause="; ".join(
            filter(None, (crossed(judgement), "" if before is None else cause(before, row), first_line(row)))
        ),
        distance=_distance(row.position, policy),
        runway=judgement.runway,
        fixes=_fixes(row.position, judgement),
    )


def cause(before: Row, now: Row) -> str:
    """Why it differs from the reading before, in words, the largest cause first, each with what it did to health.

    Where nothing was owed at one of the two, with what it did to the margin. "" where either reading has no value, or nothing moved.
    """
    if before.reading.valuation is None or now.reading.valuation is None:
        return ""
    try:
        (piece,) = explain(now.position.adapter, (_state(before), _state(now)))
    except (WatcherError, ValueError):  # facts that do not fit each other: a market that counts in another unit by now
        return ""
    found = sorted(_interest(piece.causes), key=lambda one: -abs(one.margin))
    steps = dict(_moves(before.position, now.position))
    telling = [one for one in found if one.health is None or abs(one.health) >= SLIGHT] or found[:1]
    return "; ".join(_said(one, steps, now.reading.valuation) for one in telling[:NAMED])


def _state(row: Row) -> State[Any, Any, Any]:
    return State(row.reading.block, row.position.terms, row.position.quote, row.position.holding)


def _interest(causes: Sequence[Cause]) -> Sequence[Cause]:
    """Time and rates are one cause to whoever reads an alert."""
    return summed([replace(one, kind=Kind.TIME) if one.kind is Kind.RATES else one for one in causes])


def _said(one: Cause, steps: Mapping[ChecksumAddress, int], worth: Valuation) -> str:
    """ "the price of WETH −1.31 % (health −0.0137)"; rounded towards zero."""
    words = WORDS[one.kind]
    if one.token is not None:
        step = steps.get(one.token.address, 0)
        words = f"{words} of {one.token.symbol} {_sign(step)}{abs(step) // 10_000}.{abs(step) % 10_000 // 100:02d} %"
    if one.health is not None:
        places = 4 if abs(one.health) >= SLIGHT else 18
        part = abs(one.health) % WAD // 10 ** (18 - places)
        return f"{words} (health {_sign(one.health)}{abs(one.health) // WAD}.{part:0{places}d})"
    size, unit = abs(one.margin), worth.line.unit
    return f"{words} (margin {_sign(one.margin)}{size // 10**unit.decimals:,} {unit.symbol})"


def _sign(amount: int) -> str:
    return "−" if amount < 0 else "+"


def first_line(row: Row) -> str:
    """The line before the protocol's own that its band goes by, where there is one; health cut to four decimals."""
    seen = row.reading.valuation
    if seen is None or seen.first is None or seen.first.health is None:
        return ""
    at, acts = seen.first.health, "acts now" if seen.first.open else "acts below 1"
    return f"its first line is that of {seen.first.contract}, which {acts}: health {at // WAD}.{at % WAD // 10**14:04d} there"


def crossed(judgement: Judgement) -> str:
    """The figure that alone made the status, with its number: health did not."""
    found = judgement.crossed
    if found is None:
        return ""
    measure, value = found.figure.measure, found.figure.value
    limit = f"{found.status} {'below' if measure.falls else 'above'} {_shown(measure, found.number)}"
    if value is None:
        return f"{measure} is beyond any number ({found.figure.reason}), {limit}"
    error = "" if found.figure.error is None else f" ± {_shown(measure, found.figure.error)}"
    return f"{measure} is {_shown(measure, value)}{error}, {limit}"


def _shown(measure: Measure, value: Fraction) -> str:
    """Rounded down: a time, a plain ratio of four places, or per cent."""
    if measure in RUNWAYS:
        return age(int(value))
    if measure in (Measure.EQUITY_OVER_MM, Measure.LEVERAGE):
        return fixed(value.numerator * 10**4 // value.denominator, 4, 4)
    return percent(value.numerator, value.denominator)


def _moves(before: Position[Any, Any, Any], now: Position[Any, Any, Any]) -> Iterator[tuple[ChecksumAddress, int]]:
    """By how much every price moved, in millionths of what it was, rounded down."""
    old = {price.token.address: price.answer for price in before.adapter.prices(before.terms, before.quote)}
    for price in now.adapter.prices(now.terms, now.quote):
        was = old.get(price.token.address)
        if price.answer and was:
            yield price.token.address, (price.answer - was) * MILLION // was


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
    if judgement.crossed is not None and not any(one.amount for one in found):
        return ()  # health is fine, and its bands say nothing of another figure
    return tuple(Fix(one.side, one.token, one.amount, target, one.reason) for one in found)
