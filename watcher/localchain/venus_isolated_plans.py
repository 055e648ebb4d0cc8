"""Two isolated pools before they exist: what is listed, at which price, how it weighs and what it charges. Nothing here touches a chain."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.units import WAD

BLOCKS_PER_YEAR = 10_512_000  # of three seconds, as Venus counts them on its oldest chain
DECIMALS = {"WETH": 18, "WBTC": 8, "USDC": 6, "DAI": 18, "EURS": 2}


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate model: `JumpRateModelV2`, `WhitePaperInterestRateModel` or `TwoKinksInterestRateModel`, in percent a year."""

    model: str
    base: int
    slope: int
    jump: int = 0
    kink: int = 80
    middle: int = 0  # slope between the two kinks
    first: int = 40  # the first of two kinks


@dataclass(frozen=True, slots=True)
class Plan:
    """One vToken. Weights in percent, `price` in 1e-8 dollars, `liquidity` in whole tokens, caps in whole tokens (None: none)."""

    symbol: str
    price: int
    factor: int
    threshold: int
    rates: Rates
    liquidity: int
    supply_cap: int | None = None
    borrow_cap: int | None = None
    reserve_factor: int = 20


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """One comptroller. `timed` vTokens accrue by the second, others by the block; `minimum` in whole dollars."""

    name: str
    slug: str
    timed: bool
    close_factor: int
    incentive: int
    minimum: int
    markets: tuple[Plan, ...]


JUMP = Rates("JumpRateModelV2", 2, 10, 250)
STABLE = Rates("TwoKinksInterestRateModel", 1, 8, 300, middle=20)
STRAIGHT = Rates("WhitePaperInterestRateModel", 3, 15)

POOLS = (
    PoolPlan(
        "DeFi & Friends",
        "defi-friends",
        False,
        50,
        110,
        100,
        (
            Plan("WETH", 2_000 * 10**8, 75, 80, JUMP, 20_000),
            Plan("WBTC", 60_000 * 10**8, 70, 75, STRAIGHT, 1_000, supply_cap=100_000, borrow_cap=90_000),
            Plan("USDC", 10**8, 82, 88, STABLE, 40_000_000),
            Plan("EURS", 108_000_000, 0, 60, JUMP, 5_000_000),
        ),
    ),
    PoolPlan(
        "Stablecoins",
        "stablecoins",
        True,
        90,
        105,
        1_000,
        (
            Plan("USDC", 10**8, 87, 90, JUMP, 40_000_000, reserve_factor=10),
            Plan("DAI", 99_950_000, 80, 85, STABLE, 40_000_000),
            Plan("WETH", 2_000 * 10**8, 70, 75, STRAIGHT, 20_000),
        ),
    ),
)


def percent(number: int) -> int:
    """As a wad."""
    return number * WAD // 100
