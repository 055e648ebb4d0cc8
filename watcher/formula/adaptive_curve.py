"""Morpho's adaptive-curve interest rate model, in the contract's own signed integers.

Ported from morpho-org/morpho-blue-irm v1.0.0 (AdaptiveCurveIrm.sol, ExpLib.sol, ConstantsLib.sol); later tags differ in imports and
formatting only. Proved by vectors that this contract's own bytecode answered. Rates are per second, as wads.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from watcher.errors import Overflow
from watcher.units import WAD, YEAR

STEEPNESS: Final = 4 * WAD
SPEED: Final = 50 * WAD // YEAR  # per second, at an error of one
TARGET: Final = 9 * WAD // 10  # utilisation
INITIAL: Final = 4 * WAD // 100 // YEAR  # rate at target before the first interaction
SLOWEST: Final = WAD // 1000 // YEAR  # least rate at target
FASTEST: Final = 2 * WAD // YEAR  # greatest rate at target

_LN_2: Final = 693147180559945309
_LN_WEI: Final = -41446531673892822312
_EXP_BOUND: Final = 93859467695000404319
_EXP_MAX: Final = 57716089161558943949701069502944508345128422502756744429568


class Rates(NamedTuple):
    average: int  # what Morpho charges for the time that has passed
    at_target: int  # what the model stores for the next time


def to_zero(numerator: int, denominator: int) -> int:
    """The quotient rounded towards zero, as Solidity divides signed integers; `Overflow` where the numerator leaves int256."""
    if not -(2**255) <= numerator < 2**255:
        raise Overflow("overflow of a signed 256-bit integer")
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def exp(x: int) -> int:
    """About eˣ for wads, as `ExpLib.wExp`: x = q·ln 2 + r, then 2^q · (1 + r + r²/2). Zero below ln(1e-18), clipped above."""
    if x < _LN_WEI:
        return 0
    if x >= _EXP_BOUND:
        return _EXP_MAX
    half = _LN_2 // 2
    q = to_zero(x + (half if x >= 0 else -half), _LN_2)
    r = x - q * _LN_2
    series = WAD + r + r * r // WAD // 2
    return series << q if q >= 0 else series >> -q


def utilisation(borrowed: int, supplied: int) -> int:
    """Borrowed over supplied assets, as a wad, rounded down; 0 in an empty market."""
    return borrowed * WAD // supplied if supplied else 0


def distance(used: int) -> int:
    """How far utilisation is from its target, from -1 (nothing borrowed) to 1 (everything), as a wad rounded towards zero."""
    return to_zero((used - TARGET) * WAD, WAD - TARGET if used > TARGET else TARGET)


def curve(at_target: int, error: int) -> int:
    """The rate at a distance from the target: `at_target` at 0, a quarter of it at -1, four times at 1."""
    slope = WAD - to_zero(WAD * WAD, STEEPNESS) if error < 0 else STEEPNESS - WAD
    return to_zero((to_zero(slope * error, WAD) + WAD) * at_target, WAD)


def rates(used: int, at_target: int, elapsed: int) -> Rates:
    """`AdaptiveCurveIrm._borrowRate`: the average rate over `elapsed` seconds at utilisation `used` and the rate at target after them.

    ``at_target`` is what the model stores (0: never touched). The average is the trapezoidal rule over two halves of the time.
    """
    error = distance(used)
    if at_target == 0:
        return Rates(curve(INITIAL, error), INITIAL)
    adaptation = to_zero(SPEED * error, WAD) * elapsed
    if adaptation == 0:
        return Rates(curve(at_target, error), at_target)
    end = _moved(at_target, adaptation)
    middle = _moved(at_target, to_zero(adaptation, 2))
    return Rates(curve((at_target + end + 2 * middle) // 4, error), end)


def _moved(at_target: int, adaptation: int) -> int:
    return max(SLOWEST, min(FASTEST, to_zero(at_target * exp(adaptation), WAD)))
