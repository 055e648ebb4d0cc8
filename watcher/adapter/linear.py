"""A protocol's valuation as sums over columns, for whole markets at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter.which import H, Q, T
from watcher.model import Side, Token

Ratio: TypeAlias = tuple[int, int]  # a numerator over a denominator, exact


@dataclass(frozen=True, slots=True)
class Column:
    """What positions of a market have in common: one token on one side, at one price.

    `priced` is the asset whose answer moves its value in proportion, None where no oracle does. A DEPOSIT column counts for nothing:
    the contract only reads its price.
    """

    token: Token
    side: Side
    priced: ChecksumAddress | None


@dataclass(frozen=True, slots=True)
class Share:
    """One entry of a position: `amount` of a column as the contract stores it (scaled balance, shares), also if it is 0.

    `weight` is what of its value protects debt, in the linear's scale; 0 for debt.
    """

    column: int
    amount: int
    weight: int


@dataclass(frozen=True, slots=True)
class Factor:
    """`value` of one stored unit of a column, in the valuation's unit, and `grain`, which the chain's rounding of one entry stays within.

    `limit` is the largest amount with which the contract's products stay in 256 bits; negative where not even 0 surely does. `spread` is
    what rounding takes or adds for each stored unit, weights considered: above 0 where the contract rounds value or weight per unit first.
    """

    value: Ratio
    grain: Ratio
    limit: int
    spread: Ratio = (0, 1)


@dataclass(frozen=True, slots=True)
class Slack:
    """What the contract's last step may do to the weighted collateral: take `part` of the unweighted one away, and `units` either way."""

    part: Ratio
    units: int


@dataclass(frozen=True, slots=True)
class Linear(Generic[T, Q, H]):
    """A protocol's valuation as sums over columns, for whole markets at once: what hangs on a holding apart from what hangs on a quote.

        weighted ≈ Σ amount · value · weight / scale        debt ≈ Σ amount · value        health ≈ weighted / debt

    off by no more than a grain (times its weight) and amount · spread per entry, and the slack. All figures are exact integers;
    whoever sums in floats adds their error.
    Health's own rounding is within two wad units. `shares` is None for a position that these sums do not tell (stable debt): it is
    valued in integers. A factor is None where the contract finds no price: whoever has an entry there, of any amount, is unknown.
    """

    scale: Callable[[T], int]
    columns: Callable[[T], tuple[Column, ...]]
    shares: Callable[[T, H], tuple[Share, ...] | None]
    factors: Callable[[T, Q], tuple[Factor | None, ...]]
    slack: Callable[[T], Slack]
