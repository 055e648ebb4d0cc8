"""How long interest alone leaves a position above its line: the clock of correlated positions, whose prices hardly part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Panel
from watcher.model import Leg, Runway, Side, Status, Valuation
from watcher.units import RAY, YEAR

DAY: Final = 86_400
CENTURY: Final = 100 * YEAR
UNIT: Final = 6 * (RAY * YEAR) ** 3  # what growth factors are multiplied by, so that they stay whole

# Below so many seconds the clock alone makes it so.
CLOCK: Final = ((DAY, Status.CRITICAL), (7 * DAY, Status.DANGER), (30 * DAY, Status.WARN))


def runway(valuation: Valuation, panels: Iterable[Panel]) -> Runway:
    """Seconds until the line, at present rates and with the debt assets fully used; prices and what is held stay as they are.

    Collateral grows as in Aave's `MathUtils.calculateLinearInterest`, debt as in `calculateCompoundedInterest` and Morpho's
    `wTaylorCompounded`: (1 + x + x²/2 + x³/6), x = rate · seconds / year. The yield inside a token's price is not in it. Collateral
    earns its present rate in both: full use of what is owed promises nothing about what is held.
    """
    curves = {panel.token.address: panel.curve.points for panel in panels}
    owed = {leg.token for leg in valuation.legs if leg.side is Side.DEBT}
    blank = sorted(token.symbol for token in owed if not curves.get(token.address))
    present = _seconds(valuation, {})
    if blank:
        return Runway(present, None, f"no rate curve is known for {', '.join(blank)}")
    return Runway(present, _seconds(valuation, {token.address: curves[token.address][-1][1] for token in owed}))


def by_clock(seconds: int | None) -> Status:
    """*safe* where interest alone never reaches the line, or not within thirty days."""
    return next((status for limit, status in CLOCK if seconds is not None and seconds < limit), Status.SAFE)


def cleared_by_clock(seconds: int | None) -> Status:
    """The best that the clock lets a worse status rise to: limits twice as long."""
    return by_clock(None if seconds is None else seconds // 2)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both sides of the contract's comparison as they grow. `line` holds both at the start, in the contract's own integers."""

    weighted: Callable[[int], int]
    owed: Callable[[int], int]
    line: tuple[int, int]

    def crossed(self, seconds: int) -> bool:
        """weighted · W(t)/W(0) < owed · D(t)/D(0), without a division."""
        held, debt = self.line
        return held * self.weighted(seconds) * self.owed(0) < debt * self.owed(seconds) * self.weighted(0)


def _seconds(valuation: Valuation, rates: Mapping[ChecksumAddress, int]) -> int | None:
    """The first second past the line. What is held grows straight and what is owed ever faster: once crossed, it stays crossed."""
    if valuation.health is None:
        return None
    if valuation.liquidatable:
        return 0
    held = tuple(leg for leg in valuation.legs if leg.side is Side.COLLATERAL)
    owed = tuple(leg for leg in valuation.legs if leg.side is Side.DEBT)
    sides = _Sides(
        lambda seconds: sum(leg.value * leg.threshold * _linear(leg.rate * seconds) for leg in held),
        lambda seconds: sum(leg.value * _compound(_rate(leg, rates) * seconds) for leg in owed),
        (valuation.line.weighted, valuation.line.owed),
    )
    if not sides.crossed(CENTURY):
        return None
    near, far = 0, CENTURY
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (near, middle) if sides.crossed(middle) else (middle, far)
    return far


def _rate(leg: Leg, rates: Mapping[ChecksumAddress, int]) -> int:
    return rates.get(leg.token.address, leg.rate)


def _linear(x: int) -> int:
    """UNIT · (1 + x), x in RAY · YEAR."""
    return UNIT // (RAY * YEAR) * (RAY * YEAR + x)


def _compound(x: int) -> int:
    """UNIT · (1 + x + x²/2 + x³/6), x in RAY · YEAR."""
    one = RAY * YEAR
    return 6 * one**3 + 6 * one**2 * x + 3 * one * x**2 + x**3
