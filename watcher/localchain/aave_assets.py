"""What both Aave markets of the local chain list: one place for reserves and e-modes. Ratios in basis points, prices in 1e-8 USD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

USD: Final = 10**8  # the oracle's base unit


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Yearly rates in basis points: `base` at zero utilisation, plus `slope1` at `optimal`, plus `slope2` at full."""

    optimal: int
    base: int
    slope1: int
    slope2: int


@dataclass(frozen=True, slots=True)
class Asset:
    """A reserve before it exists.

    `threshold` 0 means no collateral outside e-mode. `ceiling` isolates the asset: the debt it may back, in 1e-2 USD.
    `supply_cap` and `borrow_cap` are in whole tokens, 0 without a cap. `stable_rate` is heard by V3.0 only.
    """

    symbol: str
    decimals: int
    price: int
    ltv: int
    threshold: int
    bonus: int
    curve: RateCurve
    reserve_factor: int = 1_000
    borrowable: bool = True
    in_isolation: bool = False  # may be borrowed against isolated collateral
    stable_rate: bool = False
    ceiling: int = 0
    supply_cap: int = 0
    borrow_cap: int = 0


@dataclass(frozen=True, slots=True)
class Mode:
    """An e-mode category.

    In V3.0 `collateral` and `borrowable` together are its members and `priced` gives it its own price source; from V3.2 on the two
    are separate and `ltv_zero` names collateral that counts, but backs no new debt.
    """

    id: int
    label: str
    ltv: int
    threshold: int
    bonus: int
    collateral: tuple[str, ...]
    borrowable: tuple[str, ...]
    ltv_zero: tuple[str, ...] = ()
    priced: bool = False


ETHER = RateCurve(8_000, 0, 380, 8_000)
DOLLAR = RateCurve(9_000, 0, 550, 6_000)
OTHER = RateCurve(4_500, 0, 700, 30_000)

COMMON: Final = (
    Asset("WETH", 18, 2_000 * USD, 8_000, 8_250, 10_500, ETHER, 1_500),
    Asset("wstETH", 18, 2_400 * USD, 7_800, 8_100, 10_600, OTHER, 500),
    Asset("WBTC", 8, 60_000 * USD, 7_000, 7_500, 10_650, OTHER, 2_000, supply_cap=1_000_000, borrow_cap=500_000),
    Asset("USDC", 6, 1 * USD, 7_500, 7_800, 10_450, DOLLAR, in_isolation=True, stable_rate=True),
    Asset("USDT", 6, 1 * USD, 0, 7_800, 10_450, DOLLAR),  # LTV 0: counts where it was enabled before
    Asset("DAI", 18, 1 * USD, 6_300, 7_700, 10_500, DOLLAR, in_isolation=True, stable_rate=True),
    Asset("LINK", 18, 14 * USD, 6_600, 7_100, 10_700, OTHER, 2_000, supply_cap=50_000_000, borrow_cap=20_000_000),
    Asset("AAVE", 18, 100 * USD, 6_000, 7_000, 10_750, OTHER, borrowable=False, ceiling=5_000_000_00),
    Asset("sUSDe", 18, 110_000_000, 0, 0, 0, OTHER, borrowable=False),  # base threshold 0, counts in the dollar e-mode
    Asset("GHO", 18, 1 * USD, 0, 0, 0, RateCurve(9_900, 300, 0, 0)),  # can only be borrowed or held
)
V30_ONLY: Final = (
    Asset("EURS", 2, 108_000_000, 6_500, 7_000, 10_750, DOLLAR),
)  # 2 decimals: V3.6 refuses fewer than 6
V36_ONLY: Final = (Asset("EURC", 6, 108_000_000, 6_500, 7_000, 10_750, DOLLAR),)

MODES: Final = (
    Mode(1, "ETH correlated", 9_300, 9_500, 10_100, ("WETH", "wstETH"), ("WETH",)),
    Mode(
        2,
        "Dollars",
        9_000,
        9_200,
        10_200,
        ("USDC", "USDT", "DAI", "sUSDe"),
        ("USDC", "USDT", "DAI", "GHO"),
        ltv_zero=("DAI",),
        priced=True,
    ),
)
