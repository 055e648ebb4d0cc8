"""The path of a price as data: what a source multiplies, caps and discounts, down to the feeds that are posted. Exact integers.

An answer can be made again from the parts at any time, with a cap binding or gone. Where that does not give what the source itself
answers, the path is shown and nothing is concluded from it. Nothing here changes a price that anybody is judged by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

SCALING: Final = 10**6  # of a cap's growth in a second
WAD: Final = 10**18
YEAR: Final = 31_536_000  # seconds
STEPS: Final = 1_000_000  # room is told in millionths


@dataclass(frozen=True, slots=True)
class RatioCap:
    """The base feed times a rate, which counts for no more than a line that grows by the second (Aave's PriceCapAdapterBase, and
    Compound's, which then rescales to its own decimals).

    `ratio`, `snapshot` (at the time `since`) and `growth` (a second, times `scaling`) are integers of `decimals`.
    """

    provider: ChecksumAddress
    ratio: int
    snapshot: int
    since: int  # seconds
    growth: int
    decimals: int
    scaling: int = SCALING

    def most(self, at: int) -> int:
        """The largest ratio that counts at a time: snapshot + growth · (at - since) // scaling (PriceCapAdapterBase._getMaxRatio)."""
        return self.snapshot + self.growth * (at - self.since) // self.scaling


@dataclass(frozen=True, slots=True)
class StableCap:
    """The feed below, but never above `cap`, an integer of its own (Aave's PriceCapAdapterStable)."""

    cap: int


@dataclass(frozen=True, slots=True)
class PeggedCap:
    """The first feed below, but never above the second one times `ratio` (Aave's EURPriceCapAdapterStable)."""

    ratio: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Discount:
    """The feed below less a yearly `rate`, a wad, for every second until `maturity` (Aave's PendlePriceCapAdapter)."""

    token: ChecksumAddress  # the principal token
    rate: int
    maturity: int  # seconds

    def now(self, at: int) -> int:
        """The discount at a time, as a wad, rounded down: (maturity - at) · rate // 365 days."""
        return max(0, self.maturity - at) * self.rate // YEAR


@dataclass(frozen=True, slots=True)
class Scaled:
    """The feed below in the source's own decimals, rounded down (Compound's ScalingPriceFeed)."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """scale · base rate · base feeds // (quote rate · quote feeds), rounded down: Morpho's MorphoChainlinkOracleV2.price, and
    Compound's MultiplicativePriceFeed and its reverse, which have no vaults and divide by a scale.

    The first `bases` steps below are base feeds, the others quote feeds. A rate is what an ERC-4626 vault converts its sample of shares
    to, 1 without a vault.
    """

    scale: int
    bases: int
    base_vault: ChecksumAddress | None
    base_rate: int
    quote_vault: ChecksumAddress | None
    quote_rate: int


@dataclass(frozen=True, slots=True)
class Product:
    """Feeds and rates that are multiplied or rescaled in a way that only the source itself knows; `provider` gives a rate."""

    provider: ChecksumAddress | None = None


@dataclass(frozen=True, slots=True)
class Average:
    """A moving average that the source keeps: it moves with time, `seconds` being its window where that is known."""

    seconds: int | None


Rule: TypeAlias = RatioCap | StableCap | PeggedCap | Discount | Scaled | Quotient | Product | Average


@dataclass(frozen=True, slots=True)
class Step:
    """A source, what it answers now, and what that is made of; without a rule it is a feed of its own.

    `answer` is an integer of `decimals`, None where it does not answer. `updated` is its round's time in seconds (0: not complete),
    None for a source without rounds. `aggregator` is what a feed's proxy reads at present.
    """

    source: ChecksumAddress
    description: str
    answer: int | None
    decimals: int | None
    updated: int | None
    aggregator: ChecksumAddress | None
    rule: Rule | None = None
    below: tuple[Step, ...] = ()

    def walk(self) -> Iterator[Step]:
        """Itself, then everything below, source first."""
        yield self
        for step in self.below:
            yield from step.walk()


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap in a path at a time: what it limits (a ratio, or an answer), and at what.

    `bound` is the whole path's answer with this cap binding and everything else as it is: for a debt the worst that this part of the
    price can do. `free` is the answer with this cap gone. Both are None where only the source itself knows what it makes of them.
    """

    step: Step
    now: int
    limit: int
    bound: int | None
    free: int | None

    @property
    def binding(self) -> bool:
        """Strictly above the limit, as `isCapped` is."""
        return self.now > self.limit

    @property
    def room(self) -> int:
        """By how many millionths of its present value what it limits can rise before the cap binds, rounded down; 0 where it binds."""
        return max(0, self.limit - self.now) * STEPS // self.now


def answer(step: Step, at: int, *, bound: Step | None = None, free: Step | None = None) -> int | None:
    """What the source would answer at `at`, seconds: `bound` is a cap that is taken to bind, `free` one that is taken away.

    None where a part below is missing or the rule is the source's own secret. Zero for a base that is not above zero, as the
    adapters answer; divisions are rounded down, all factors being positive.
    """
    below = [answer(part, at, bound=bound, free=free) for part in step.below]
    match step.rule:
        case RatioCap() as rule if below and below[0] is not None:
            return _rescaled(step, _ratio(rule, below[0], at, step is bound, step is free))
        case StableCap(cap) if below and below[0] is not None:
            if step is bound:
                return cap
            return _positive(below[0] if step is free else min(below[0], cap))
        case PeggedCap(ratio, decimals) if len(below) == 2 and below[0] is not None and below[1] is not None:
            most = int(below[1] * ratio // 10**decimals)
            if step is bound:
                return most
            return below[0] if step is free else min(below[0], most)
        case Discount() as rule if below and below[0] is not None:
            return _positive(below[0]) * (WAD - rule.now(at)) // WAD
        case Scaled() if below and below[0] is not None:
            return _rescaled(step, below[0])
        case Quotient() as rule:
            return _quotient(rule, below)
        case None:
            return step.answer
        case _:
            return None


def _quotient(rule: Quotient, below: Sequence[int | None]) -> int | None:
    """None where the oracle reverts: a feed that is missing or below zero, or a divisor of zero."""
    feeds = [part for part in below if part is not None and part >= 0]
    over, under = prod(feeds[: rule.bases], start=rule.base_rate), prod(feeds[rule.bases :], start=rule.quote_rate)
    return rule.scale * over // under if len(feeds) == len(below) and under else None


def _ratio(rule: RatioCap, base: int, at: int, bound: bool, free: bool) -> int:
    most = rule.most(at)
    ratio = most if bound else rule.ratio if free else min(rule.ratio, most)
    return base * ratio // 10**rule.decimals if base > 0 and rule.ratio > 0 else 0


def _rescaled(step: Step, value: int) -> int | None:
    """A value of the feed below in the source's own decimals; None where either is not known."""
    inner, own = step.below[0].decimals, step.decimals
    if inner is None or own is None:
        return None
    return int(value * 10 ** (own - inner)) if own >= inner else int(value // 10 ** (inner - own))


def _positive(base: int) -> int:
    return max(base, 0)


def explained(step: Step, at: int) -> bool:
    """Whether the parts give exactly what the source answered at `at`, the time of the block that it was read at."""
    return step.answer is not None and answer(step, at) == step.answer


def caps(step: Step, at: int) -> tuple[Cap, ...]:
    """Every cap of a path, from the source inwards, as far as its parts give what they answer."""
    if explained(step, at):
        return tuple(_caps(step, at))
    return tuple(replace(cap, bound=None, free=None) for below in step.below for cap in caps(below, at))


def _caps(whole: Step, at: int) -> Iterator[Cap]:
    for step in whole.walk():
        limited = _limited(step, at)
        if limited is not None and limited[0] > 0:
            yield Cap(step, *limited, answer(whole, at, bound=step), answer(whole, at, free=step))


def _limited(step: Step, at: int) -> tuple[int, int] | None:
    """What a cap limits, and at what."""
    if isinstance(step.rule, RatioCap):
        return step.rule.ratio, step.rule.most(at)
    first = answer(step.below[0], at) if step.below else None
    if isinstance(step.rule, StableCap) and first is not None:
        return first, step.rule.cap
    if isinstance(step.rule, PeggedCap) and first is not None:
        base = answer(step.below[1], at)
        return None if base is None else (first, base * step.rule.ratio // 10**step.rule.decimals)
    return None


def moves(step: Step) -> bool:
    """Whether the price can change without any event of a feed: by time, or by what another contract does to a rate."""
    made = (part.rule for part in step.walk())
    vaults = any(isinstance(rule, Quotient) and (rule.base_vault or rule.quote_vault) for rule in made)
    return vaults or any(isinstance(part.rule, RatioCap | Discount | Product | Average) for part in step.walk())
