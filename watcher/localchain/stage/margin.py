"""How far a position is from its line, by the contracts' own figures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Margin:
    """`health` is made of the contract's own integers, None without debt.

    `lost` are the days of `truth.AHEAD` after which interest alone has taken it past its line, by the contract's word at that later
    time; none where nobody has asked. None where collateral and debt do not move together.
    """

    health: Fraction | None
    liquidatable: bool
    lost: frozenset[int] | None
