"""The first step of a walk at which a position reaches a goal, proved and not assumed, whatever rounding does on the way.

A walk changes one input step by step: a price by one unit, prices by a millionth, an amount by one raw unit. Each leg's value only
rises or only falls along it and stays within a band of width `grain` around a straight line. Health itself need not be monotone: a
contract may cut the average threshold to whole steps, or have the same asset on both sides. So whole stretches are dismissed only
where these two facts rule the goal out; the rest is looked at step by step, within a budget, and a spent budget is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import H, Position, Q, T
from watcher.model import Side, Valuation
from watcher.units import WAD, Wad

BUDGET: Final = 20_000  # valuations for one search
ROUNDING: Final = (
    2  # units of value by which one rounding up or down, and one to the nearest, can leave a straight line
)

Part: TypeAlias = tuple[ChecksumAddress, Side]


@dataclass(frozen=True, slots=True)
class Miss:
    """No step reaches the goal; or, with `budget_spent`, none could be proved to be the first. `reason` is one line."""

    reason: str
    budget_spent: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """Liquidatable, by the contract's own comparison, when `health` is None; otherwise a health of at least `health`."""

    health: Wad | None = None

    def reached(self, valuation: Valuation) -> bool:
        """A position that owes nothing has no ratio left to fall short of: it reaches every health."""
        if self.health is None:
            return valuation.liquidatable
        return valuation.health is None or valuation.health >= self.health


@dataclass(frozen=True, slots=True)
class Walk:
    """`at(n)` is the position after n steps, 0 the present; `last` the farthest step that makes sense.

    `truncates` is the adapter's. `grain` says, in units of value, how wide the band around a straight line is that a leg
    stays in; `ROUNDING` where unnamed.
    """

    at: Callable[[int], Valuation]
    last: int
    truncates: bool
    grain: Mapping[Part, int]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Two ends of a part of a walk, and what moves between them."""

    walk: Walk
    ends: tuple[Valuation, Valuation]
    moving: Mapping[Part, int]  # thresholds of the legs whose value differs between the ends

    @property
    def straight(self) -> bool:
        """Every moving collateral has one threshold, so that the average threshold only rises or only falls in between."""
        return len({threshold for (_, side), threshold in self.moving.items() if side is Side.COLLATERAL}) <= 1

    @property
    def monotone(self) -> bool:
        """Health only rises or only falls in between: one side moves, under one average threshold where that is cut."""
        if {Side.COLLATERAL, Side.DEBT} <= {side for _, side in self.moving}:
            return False
        first, last = self.ends
        if first.line.weighted != last.line.weighted and first.line.owed != last.line.owed:
            return False  # what the contract weighs may move where no leg's value does: it rounds elsewhere
        return not self.walk.truncates or (self.straight and first.threshold == last.threshold)


def first(walk: Walk, goal: Goal) -> int | Miss:
    """The smallest step from 0 to `walk.last` at which `goal` is reached."""
    seen: dict[int, Valuation] = {}

    def look(step: int) -> Valuation:
        if step not in seen:
            seen[step] = walk.at(step)
        return seen[step]

    if goal.reached(look(0)):
        return 0
    stretches = [(0, walk.last)] if walk.last > 0 else []
    while stretches:
        if len(seen) > BUDGET:
            return Miss(f"not found exactly within {BUDGET} valuations", budget_spent=True)
        near, far = stretches.pop()  # `near` is not at the goal, nor is any step before it
        stretch = _stretch(walk, look(near), look(far))
        if not goal.reached(look(far)):
            if far - near > 1 and not (stretch.monotone or _ruled_out(stretch, goal)):
                middle = (near + far) // 2
                stretches += [(middle, far), (near, middle)]
        elif stretch.monotone:
            return _bisect(look, goal, near, far)
        elif far - near == 1:
            return far
        else:
            middle = (near + far) // 2
            stretches += [(middle, far), (near, middle)]
    return Miss("no step reaches it")


def revalued(position: Position[T, Q, H], answers: Mapping[ChecksumAddress, int]) -> Valuation:
    """The position under other prices, everything else as it is."""
    adapter = position.adapter
    quote = adapter.reprice(position.terms, position.quote, answers)
    return adapter.value(position.terms, quote, position.holding)


def parts(valuation: Valuation) -> dict[Part, int]:
    """Value by token and side, in the valuation's unit."""
    values: dict[Part, int] = {}
    for leg in valuation.legs:
        part = leg.token.address, leg.side
        values[part] = values.get(part, 0) + leg.value
    return values


def _stretch(walk: Walk, near: Valuation, far: Valuation) -> _Stretch:
    a, b = parts(near), parts(far)
    thresholds = {(leg.token.address, leg.side): leg.threshold for v in (near, far) for leg in v.legs}
    moving = {part: threshold for part, threshold in thresholds.items() if a.get(part, 0) != b.get(part, 0)}
    return _Stretch(walk, (near, far), moving)


def _bisect(look: Callable[[int], Valuation], goal: Goal, near: int, far: int) -> int:
    while far - near > 1:
        middle = (near + far) // 2
        if goal.reached(look(middle)):
            far = middle
        else:
            near = middle
    return far


def _ruled_out(stretch: _Stretch, goal: Goal) -> bool:
    """Whether no step between the ends can be at the goal.

    Weighted collateral less debt, as the contract weighs it, is a straight line in the step but for each moving leg's grain and for the
    contract's own last roundings: one unit of value, and two of health where it looks at health. So what both ends are clear of by more
    than that noise, the whole stretch is clear of.
    """
    line = WAD if goal.health is None else goal.health
    scale = stretch.ends[0].scale
    grain = sum(stretch.walk.grain.get(part, ROUNDING) for part in stretch.moving)
    quotient = 0 if goal.health is None and all(map(_bare, stretch.ends)) else max(end.debt for end in stretch.ends)
    noise = scale * (max(WAD, line) * (grain + 1) + 2 * quotient)
    sign = 1 if goal.health is None else -1
    return all(
        sign * (WAD * weighted - line * scale * end.debt) > noise
        for end, weighted in zip(stretch.ends, _weighted(stretch, worst=goal.health is None), strict=True)
    )


def _weighted(stretch: _Stretch, worst: bool) -> tuple[int, int]:
    """Weighted collateral (value × scale) at both ends, under the worst, or best, average threshold in between if that is cut.

    Elsewhere it is the contract's own figure: one that rounds weights before it multiplies is not the sum of weighted values.
    """
    if not stretch.walk.truncates:
        return _own(stretch.ends[0]), _own(stretch.ends[1])
    sums = _sums(stretch.ends[0]), _sums(stretch.ends[1])
    candidates = _averages(stretch, sums, -1 if worst else 1)
    threshold = min(candidates) if worst else max(candidates)
    return stretch.ends[0].collateral * threshold, stretch.ends[1].collateral * threshold


def _bare(valuation: Valuation) -> bool:
    """Whether the contract compares weighted collateral with the debt itself, and no quotient: then health's rounding decides nothing."""
    return (valuation.line.unit, valuation.line.owed) == (valuation.unit, valuation.debt)


def _own(valuation: Valuation) -> int:
    line, unit = valuation.line, valuation.unit
    return line.weighted * valuation.scale * int(10**unit.decimals) // int(10**line.unit.decimals)


def _sums(valuation: Valuation) -> int:
    return sum(leg.value * leg.threshold for leg in valuation.legs if leg.side is Side.COLLATERAL)


def _averages(stretch: _Stretch, sums: tuple[int, int], sign: int) -> tuple[int, int]:
    """Bounds of the cut average threshold by both ends: exact while it runs straight, else it may tremble by the legs' grain."""
    if stretch.straight:
        return stretch.ends[0].threshold, stretch.ends[1].threshold
    grain = sum(stretch.walk.grain.get(part, ROUNDING) for part in stretch.moving if part[1] is Side.COLLATERAL)
    first, last = stretch.ends
    scale, least = first.scale, min(first.collateral, last.collateral)
    if least == 0:
        edge = 0 if sign < 0 else scale
        return edge, edge
    tremble = sign * scale * grain
    bounds = [
        (total * least + tremble * end.collateral) // (end.collateral * least)
        for total, end in zip(sums, stretch.ends, strict=True)
    ]
    return max(0, bounds[0]), max(0, bounds[1])
