"""Which of the listed cases an account stands for at a block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from eth_typing import ChecksumAddress

from tests.onchain.acceptance.ours import owner, valued
from watcher.cycle import MarketCycle, Row
from watcher.localchain.aave_assets import MODES
from watcher.localchain.aave_market import AaveMarket
from watcher.model import Side
from watcher.units import WAD

DONE = (
    "supply", "borrow", "repay", "repay all", "withdraw", "transfer", "enable collateral", "disable collateral", "switch e-mode",
    "liquidate", "threshold",
)  # fmt: skip
LATER = ("no time", "a second or two", "minutes to a week", "a month or more")
BOTH = (
    "no debt", "supply only", "receipts transferred in", "dust", "several collaterals", "several debts", "e-mode", "isolation",
    "collateral disabled", "LTV 0", "base threshold 0", "within 1e-6 above the line", "within 1e-6 below the line", "liquidatable",
    "terms renewed",
)  # fmt: skip
NOT_V2 = ("e-mode", "isolation", "base threshold 0", "done: switch e-mode")
ONLY_V30 = ("e-mode with its own price source", "stable debt", "done: borrow stable", "done: swap rate")


def required(version: str) -> tuple[str, ...]:
    """The cases that a run must meet."""
    common = (*BOTH, *(f"done: {name}" for name in DONE), *(f"{name} later" for name in LATER))
    if version == "2.0":
        return (*(case for case in common if case not in NOT_V2), *ONLY_V30[1:])
    return (*common, *ONLY_V30) if version == "3.0" else common


def cases(local: AaveMarket, seen: MarketCycle, received: Collection[ChecksumAddress]) -> Counter[str]:
    """One for every account and case it is."""
    met: Counter[str] = Counter()
    for row in seen.rows:
        met["receipts transferred in"] += owner(row) in received
        met.update(_debtless(row) if not valued(row).debt else _indebted(local, row))
    return met


def span(seconds: int) -> str:
    """How much later a block is."""
    return LATER[(seconds > 0) + (seconds > 2) + (seconds > 7 * 86_400)] + " later"


def _debtless(row: Row) -> list[str]:
    return ["no debt", *(["supply only"] if valued(row).collateral else [])]


def _indebted(local: AaveMarket, row: Row) -> list[str]:
    worth, holding = valued(row), row.position.holding
    legs = {side: [leg for leg in worth.legs if leg.side is side] for side in Side}
    flagged = [reserve.asset for reserve in local.reserves.values() if holding.secures(reserve.id)]
    dollar = {*MODES[1].collateral, *MODES[1].borrowable}
    assert worth.health is not None
    truths = {
        "dust": worth.debt < local.dollar // 100,
        "several collaterals": len(legs[Side.COLLATERAL]) > 1,
        "several debts": len(legs[Side.DEBT]) > 1,
        "e-mode": holding.mode != 0,
        "e-mode with its own price source": local.version == "3.0"
        and holding.mode == 2
        and any(asset.symbol in dollar for asset in flagged),
        "isolation": len(flagged) == 1 and flagged[0].ceiling > 0,
        "collateral disabled": any(local.by_address(leg.token.address).asset.ltv for leg in legs[Side.DEPOSIT]),
        "LTV 0": any(leg.ltv == 0 for leg in legs[Side.COLLATERAL]),
        "base threshold 0": holding.mode == 2 and any(asset.threshold == 0 for asset in flagged),
        "base threshold 0 outside the e-mode": holding.mode != 2 and any(asset.threshold == 0 for asset in flagged),
        "stable debt": any(balance.principal for balance in holding.balances),
        "liquidatable": worth.liquidatable,
        "within 1e-6 above the line": WAD <= worth.health <= WAD + WAD // 10**6,
        "within 1e-6 below the line": WAD - WAD // 10**6 <= worth.health < WAD,
        "exactly on the line": worth.health == WAD,
        "far below the line": worth.health < WAD // 2,
    }
    return [name for name, holds in truths.items() if holds]
