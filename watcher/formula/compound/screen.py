"""What one stored unit of collateral or debt is worth, with bounds of all that the contract's rounding does to it."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Factor
from watcher.formula.compound.pool import Pool
from watcher.units import MAX, WAD

SHARE: Final = (
    10**36
)  # debts are counted in principal · SHARE / index: so finely that cutting the rest off is next to nothing
_WAD2: Final = WAD * WAD
_WAD3: Final = WAD**3
_WORTH: Final = MAX // WAD  # what is below leaves room to multiply by one more wad


def debt_share(principal: int, index: int) -> int:
    """⌊principal · SHARE / index⌋: a debt in units that interest does not change. `index` is the one of its last change, above 0."""
    return principal * SHARE // index


def debt_astray(pool: Pool, ticks: int) -> int:
    """How far, in shares, a market's total debt may be from what its accounts owe, after so many ticks.

    Each accrual cuts the interest of the total by less than one raw unit, and the index by less than one, which all debts carry; each
    action of an account cuts its balance by less than one. Four actions a tick are allowed for, and the market as large as it is now;
    nothing where its last tick lies before the first one known, as on a chain of one's own.
    """
    return 4 * max(0, ticks) * ((pool.cash + pool.borrows) // pool.index + 1) * SHARE // pool.index


def collateral_factor(rate: int, price: int) -> Factor:
    """Of one raw cToken: rate · price / 1e36, its weight apart.

    The contract multiplies weight, rate and price before the tokens, and rounds after each product: weight · rate by less than one, which
    the price carries on, then that · price by less than one. So a raw cToken comes to less than (price / 1e18 + 1) / 1e18 more or less,
    in both libraries, whatever its weight; and the product with the tokens is cut by less than one unit, which is `Slack.units`.
    """
    dear = rate * price // _WAD2 + 2  # the most that tokensToDenom can be, under a weight of 1
    fits = WAD * rate + WAD <= MAX and (rate + 1) * price + WAD <= MAX
    return Factor((rate * price, _WAD2), (0, 1), _WORTH // dear if fits else -1, (price + WAD, _WAD2))


def debt_factor(index: int, price: int) -> Factor:
    """Of one share: price · index / (1e18 · SHARE).

    Cutting the share loses less than one share, the contract's balance less than one raw unit, its value less than one unit.
    """
    grain = (price * (SHARE + index) + WAD * SHARE, WAD * SHARE)
    most = min(MAX, _WORTH // price) * SHARE // index - SHARE
    return Factor((price * index, WAD * SHARE), grain, min(most, MAX * SHARE // (index * index) - SHARE))
