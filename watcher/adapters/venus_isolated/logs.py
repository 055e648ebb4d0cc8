"""Which logs say whose position moved, or that the rules did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, LogQuery, Moves, Touch
from watcher.adapters.venus_isolated.facts import Terms
from watcher.model import PositionKey
from watcher.oracle.feed import NOBODY

OWNED: Final = {  # the places of the accounts that a log moves
    "venus_isolated/vtoken.Transfer": (0, 1),  # deposits, withdrawals and seizures are transfers too
    "venus_isolated/vtoken.Borrow": (0,),
    "venus_isolated/vtoken.RepayBorrow": (1,),
    "venus_isolated/comptroller.MarketEntered": (1,),
    "venus_isolated/comptroller.MarketExited": (1,),
}
RULES: Final = (
    *(
        f"venus_isolated/comptroller.{name}"
        for name in (
            "NewCloseFactor",
            "NewCollateralFactor",
            "NewLiquidationThreshold",
            "NewLiquidationIncentive",
            "NewPriceOracle",
            "NewBorrowCap",
            "NewSupplyCap",
            "NewMinLiquidatableCollateral",
            "ActionPausedMarket",
            "MarketSupported",
            "MarketUnlisted",
            "IsForcedLiquidationEnabledUpdated",
        )
    ),
    *(
        f"venus_isolated/vtoken.{name}"
        for name in (
            "NewMarketInterestRateModel",
            "NewReserveFactor",
            "NewProtocolSeizeShare",
            "NewReduceReservesBlockDelta",
        )
    ),
)


def moves(terms: Terms) -> LogQuery[Moves]:
    """Of the comptroller and every vToken. Interest moves nobody: it is in the quote."""
    strangers = {NOBODY, *(vtoken.address for vtoken in terms.vtokens)}

    def read(event: Event) -> Moves:
        if event.name not in OWNED:
            return Touch.TERMS
        accounts = {event.args[place] for place in OWNED[event.name]} - strangers
        return frozenset(PositionKey(terms.market.name, bytes.fromhex(account[2:])) for account in accounts)

    return LogQuery(contracts(terms), (*OWNED, *RULES), read)


def contracts(terms: Terms) -> tuple[ChecksumAddress, ...]:
    return (terms.market.address, *(vtoken.address for vtoken in terms.vtokens))


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Whose debt grew in these pools: the borrower of every Borrow log."""
    return _owners(known, "venus_isolated/vtoken.Borrow", 0)


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given vTokens in these pools; the zero address and the vTokens, which the logs of withdrawals name, hold none."""
    return _owners(known, "venus_isolated/vtoken.Transfer", 1)


def _owners(known: Sequence[Terms], event: str, place: int) -> LogQuery[PositionKey]:
    names = {vtoken.address: terms.market.name for terms in known for vtoken in terms.vtokens}

    def read(log: Event) -> PositionKey:
        return PositionKey(names[log.address], bytes.fromhex(log.args[place][2:]))

    return LogQuery(tuple(names), (event,), read)


def founding(terms: Terms) -> LogQuery[None]:
    """The pool's vTokens are listed soon after it was registered."""
    return LogQuery((terms.market.address,), ("venus_isolated/comptroller.MarketSupported",), lambda _: None)
