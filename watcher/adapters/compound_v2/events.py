"""Which logs of a comptroller and its cTokens say whose holding, or what of the terms, may have changed. Nothing is computed from a log.

None of them has the account in a topic but `Transfer`: they are read for everybody, whoever is watched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, LogQuery, Moves, Touch
from watcher.adapters.compound_v2.facts import Terms
from watcher.adapters.compound_v2.words import COMPTROLLER, CTOKEN
from watcher.model import PositionKey

# Events and the places of the accounts among their arguments.
ACCOUNTS: Final[dict[str, tuple[int, ...]]] = {
    f"{COMPTROLLER}.MarketEntered": (1,),
    f"{COMPTROLLER}.MarketExited": (1,),
    f"{CTOKEN}.Transfer": (0, 1),  # every mint, redemption and seizure has one
    f"{CTOKEN}.Borrow": (0,),
    f"{CTOKEN}.RepayBorrow": (1,),
    f"{CTOKEN}.LiquidateBorrow": (1,),
}
GOVERNANCE: Final = (
    *(
        f"{COMPTROLLER}.{name}"
        for name in (
            "MarketListed",
            "NewCloseFactor",
            "NewCollateralFactor",
            "NewLiquidationIncentive",
            "NewPriceOracle",
            "ActionPaused(string,bool)",
            "ActionPaused(address,string,bool)",
            "NewBorrowCap",
            "NewSupplyCap",
            "NewImplementation",  # a cToken's own, too
        )
    ),
    *(f"{CTOKEN}.{name}" for name in ("NewReserveFactor", "NewMarketInterestRateModel", "NewProtocolSeizeShare")),
)


def moves(terms: Terms) -> LogQuery[Moves]:
    """The accounts that an event names; listing, factors, pauses, caps and upgrades touch the terms. Interest moves without any of them."""

    def read(event: Event) -> Moves:
        places = ACCOUNTS.get(event.name)
        if places is None:
            return Touch.TERMS
        accounts = (event.args[place] for place in places)
        return frozenset(PositionKey(terms.market.name, bytes.fromhex(account[2:])) for account in accounts)

    return LogQuery(_addresses(terms), (*ACCOUNTS, *GOVERNANCE), read)


def _addresses(terms: Terms) -> tuple[ChecksumAddress, ...]:
    return (terms.market.address, *(listing.address for listing in terms.listings))


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Whose debt grew at these comptrollers: the borrower of every Borrow log. A debt cannot be transferred."""
    return _owners(known, {f"{CTOKEN}.Borrow": 0})


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given cTokens at these comptrollers: minted, transferred or seized."""
    return _owners(known, {f"{CTOKEN}.Transfer": 1})


def founding(terms: Terms) -> LogQuery[None]:
    """Every comptroller lists its first market soon after it was made."""
    return LogQuery((terms.market.address,), (f"{COMPTROLLER}.MarketListed",), lambda _: None)


def _owners(known: Sequence[Terms], owners: Mapping[str, int]) -> LogQuery[PositionKey]:
    names = {listing.address: terms.market.name for terms in known for listing in terms.listings}
    return LogQuery(tuple(names), tuple(owners), _reader(names, owners))


def _reader(names: Mapping[ChecksumAddress, str], owners: Mapping[str, int]) -> Callable[[Event], PositionKey]:
    """The position of the account that an event names at its place."""

    def read(event: Event) -> PositionKey:
        return PositionKey(names[event.address], bytes.fromhex(event.args[owners[event.name]][2:]))

    return read
