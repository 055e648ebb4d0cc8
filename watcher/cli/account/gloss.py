"""What a protocol's own words for a refusal mean to the owner of a position. The words themselves always stay beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GLOSSES: Final[Mapping[str, str]] = {
    "AssetNotBorrowableInIsolation": "its isolated collateral does not allow a debt in this asset",
    "BorrowCapExceeded": "the market lends no more of this asset, its borrow cap is reached",
    "BorrowingNotEnabled": "this asset cannot be borrowed",
    "CollateralBalanceIsZero": "there is no collateral",
    "CollateralCannotCoverNewBorrow": "the collateral does not allow that much debt (loan-to-value)",
    "DebtCeilingExceeded": "the debt ceiling of its isolated collateral is reached",
    "HealthFactorLowerThanLiquidationThreshold": "health would be below 1",
    "InconsistentEModeCategory": "there is no such e-mode, or what is owed cannot be borrowed in it",
    "InvalidAmount": "the amount is zero, or more than there is to lend",
    "InvalidBurnAmount": "the amount is too small to change anything",
    "InvalidCollateralInEmode": "a collateral that it holds does not count in that e-mode",
    "InvalidDebtInEmode": "a debt that it has is not allowed in that e-mode",
    "InvalidMintAmount": "the amount is too small to change anything",
    "LtvValidationFailed": "its collateral allows no new debt; one with a loan-to-value of 0 has to be withdrawn first",
    "NoDebtOfSelectedType": "nothing of this asset is owed",
    "NotBorrowableInEMode": "this asset cannot be borrowed in its e-mode",
    "NotEnoughAvailableUserBalance": "that is more than it has there",
    "PriceOracleSentinelCheckFailed": "no borrowing while the sequencer is down or just back",
    "ReserveFrozen": "this asset is frozen: no new deposits or loans",
    "ReserveInactive": "this market does not have this asset, or has shut it",
    "ReservePaused": "this asset is paused",
    "SiloedBorrowingViolation": "one of the assets can only be borrowed alone",
    "SupplyCapExceeded": "the market takes no more of this asset, its supply cap is reached",
    "arithmetic underflow or overflow": "the figures are beyond what the contract can compute",
    "insufficient collateral": "health would be below 1",
    "insufficient liquidity": "the market has not that much to pay out now",
}


def glossed(reason: str) -> str:
    """The meaning with the protocol's words behind it; the words alone where they speak for themselves."""
    meaning = GLOSSES.get(reason)
    return reason if meaning is None else f"{meaning} ({reason})"
