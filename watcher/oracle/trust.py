"""What speaks against a price, as doubts with thresholds: a round that is overdue, a cap that binds or is near, a second price that
differs, a fallback that stands in, a feed that was replaced. A doubt stands beside a status; it changes no price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.model import Doubt, DoubtKind
from watcher.oracle.dollar import Rates
from watcher.oracle.feed import OLD
from watcher.oracle.path import STEPS, Cap, Step, caps

NEAR: Final = 5_000  # millionths of room: below it a cap is near
APART: Final = 20_000  # millionths between the protocol's price and the second one
FRESH: Final = 86_400  # seconds for which a replaced feed is said to be one


@dataclass(frozen=True, slots=True)
class Replaced:
    """A feed whose proxy was seen to read another aggregator: first at `at`, in seconds."""

    before: ChecksumAddress
    after: ChecksumAddress
    at: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides a price's own path: promised rounds in seconds by feed, US dollar feeds, replaced feeds."""

    heartbeats: Mapping[ChecksumAddress, int] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    replaced: Mapping[ChecksumAddress, Replaced] = field(default_factory=dict)


def doubts(price: Price, path: Step, known: Known, now: int) -> tuple[Doubt, ...]:
    """All that speaks against `price` at `now`, the time of its block in seconds; `path` is that of its source there."""
    found = (
        *_overdue(price, path, known, now),
        *(doubt for cap in caps(path, now) if (doubt := _capped(price, cap)) is not None),
        *_apart(price, known),
        *_stands_in(price, path),
        *_replaced(price, path, known, now),
    )
    return tuple(dict.fromkeys(found))


def late(step: Step, known: Known, now: int) -> bool:
    """Whether a round is overdue: by a tenth more than its heartbeat where that is known, else by the slowest usual one."""
    beat = known.heartbeats.get(step.source)
    limit = OLD if beat is None else beat + beat // 10
    return step.updated is not None and now - step.updated > limit


def _overdue(price: Price, path: Step, known: Known, now: int) -> Iterator[Doubt]:
    for step in path.walk():
        if step.below or step.updated is None:
            continue  # one that stands on others only repeats their times
        name = f"the price of {price.token.symbol}"
        name = name if step is path else f"{name} rests on {step.description}, which"
        if step.updated == 0:
            yield Doubt(DoubtKind.STALE, f"{name} is of a round that is not complete")
        elif late(step, known, now):
            beat = known.heartbeats.get(step.source)
            promise = "" if beat is None else f" and promises a round every {_spell(beat)}"
            yield Doubt(DoubtKind.STALE, f"{name} was last updated {_spell(now - step.updated)} ago{promise}")


def _capped(price: Price, cap: Cap) -> Doubt | None:
    name, what = price.token.symbol, cap.step.description
    if cap.binding:
        more = (cap.free - cap.bound) * STEPS // cap.bound if cap.bound and cap.free is not None else None
        without = "" if more is None else f": {_percent(more)} more without"
        return Doubt(DoubtKind.CAPPED, f"the price of {name} is held down by its cap ({what}){without}")
    if cap.room < NEAR:
        return Doubt(DoubtKind.NEAR_CAP, f"the price of {name} is {_percent(cap.room)} below its cap ({what})")
    return None


def _apart(price: Price, known: Known) -> Iterator[Doubt]:
    second, own = known.rates.known.get(price.token.address), protocol_dollars(price, known.rates)
    if second is None or second.rate is None or own is None:
        return
    apart = abs(own - second.rate) * STEPS
    if apart > APART * second.rate:
        way = "above" if own > second.rate else "below"
        text = f"the protocol's price of {price.token.symbol} is {_percent(apart // second.rate)} {way} Chainlink's"
        yield Doubt(DoubtKind.DEVIATES, text)


def _stands_in(price: Price, path: Step) -> Iterator[Doubt]:
    """AaveOracle.getAssetPrice asks its fallback oracle where a source answers nothing above zero."""
    if price.answer is not None and path.answer is not None and path.answer <= 0:
        text = f"the price of {price.token.symbol} is a fallback's: its own source, {path.description}, answers {path.answer}"
        yield Doubt(DoubtKind.FALLBACK, text)


def protocol_dollars(price: Price, rates: Rates) -> Fraction | None:
    """What the protocol's own price of a whole token is in US dollars; None where its unit is no currency with a known rate."""
    each = rates.of(price.unit, None).each if price.unit.symbol in ("USD", "ETH") else None
    return None if price.answer is None or each is None else price.answer * each


def _replaced(price: Price, path: Step, known: Known, now: int) -> Iterator[Doubt]:
    for step in path.walk():
        change = known.replaced.get(step.source)
        if change is not None and now - change.at < FRESH:
            text = f"the price of {price.token.symbol} rests on {step.description}, whose aggregator was replaced"
            yield Doubt(DoubtKind.REPLACED, f"{text}: {change.before} before, {change.after} now")


def replacements(
    before: Mapping[ChecksumAddress, ChecksumAddress], paths: Mapping[ChecksumAddress, Step], now: int
) -> dict[ChecksumAddress, Replaced]:
    """The feeds that read another aggregator than at the last look, by feed; a feed that was not seen then is none."""
    found = {}
    for step in (step for path in paths.values() for step in path.walk()):
        was = before.get(step.source)
        if step.aggregator is not None and was is not None and step.aggregator != was:
            found[step.source] = Replaced(was, step.aggregator, now)
    return found


def aggregators(paths: Mapping[ChecksumAddress, Step]) -> dict[ChecksumAddress, ChecksumAddress]:
    """What the proxies of some paths read at present, by feed."""
    steps = (step for path in paths.values() for step in path.walk())
    return {step.source: step.aggregator for step in steps if step.aggregator is not None}


def _percent(millionths: int) -> str:
    return f"{millionths // 10_000}.{millionths % 10_000 // 100:02} %"


def _spell(seconds: int) -> str:
    return f"{seconds // 3600} hours" if seconds >= 7200 else f"{seconds // 60} minutes"
