"""Which logs of a Venus pool say whose holding, or what of its terms, may have changed. Nothing is computed from a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, LogQuery, Moves, Touch
from watcher.adapters.venus.facts import Terms
from watcher.model import PositionKey

# Events and the places of the accounts among their arguments. A deposit, a withdrawal and a seizure log a Transfer too.
ACCOUNTS: Final[dict[str, tuple[int, ...]]] = {
    "venus/vtoken.Transfer": (0, 1),
    "venus/vtoken.Borrow": (0,),
    "venus/vtoken.RepayBorrow": (1,),
    "venus/comptroller.MarketEntered": (1,),
    "venus/comptroller.MarketExited": (1,),
    "venus/comptroller.PoolSelected": (0,),
    "venus/comptroller.IsForcedLiquidationEnabledForUserUpdated": (0,),
    "venus/vai.MintVAI": (0,),
    "venus/vai.RepayVAI": (1,),
}
GOVERNANCE: Final = (
    *(f"venus/vtoken.{name}" for name in ("NewReserveFactor", "NewMarketInterestRateModel")),
    *(
        f"venus/comptroller.{name}"
        for name in (
            "MarketListed",
            "MarketUnlisted",
            "NewCloseFactor",
            "NewCollateralFactor",
            "NewLiquidationThreshold",
            "NewLiquidationIncentive",
            "NewPriceOracle",
            "NewDeviationBoundedOracle",
            "NewVAIController",
            "NewLiquidatorContract",
            "NewTreasuryPercent",
            "NewComptrollerLens",
            "ActionProtocolPaused",
            "ActionPausedMarket",
            "IsForcedLiquidationEnabledUpdated",
            "NewBorrowCap",
            "NewSupplyCap",
            "PoolCreated",
            "PoolMarketInitialized",
            "PoolMarketRemoved",
            "PoolActiveStatusUpdated",
            "PoolFallbackStatusUpdated",
            "PoolLabelUpdated",
            "BorrowAllowedUpdated",
            "DiamondCut",
            "NewImplementation",
        )
    ),
)


def moves(terms: Terms) -> LogQuery[Moves]:
    """Logs of vTokens, comptroller and VAI's controller name accounts, or touch the terms. Interest and prices move without any of them.

    A vToken's own address is an account of the transfers that make and burn its tokens: it has no position.
    """
    tokens = {asset.v for asset in terms.assets}

    def read(event: Event) -> Moves:
        places = ACCOUNTS.get(event.name)
        if places is None:
            return Touch.TERMS
        accounts = (event.args[place] for place in places)
        return frozenset(_key(terms, account) for account in accounts if account not in tokens)

    controller = (terms.vai.controller,) if terms.vai else ()
    return LogQuery((terms.market.address, *tokens, *controller), (*ACCOUNTS, *GOVERNANCE), read)


def _key(terms: Terms, account: ChecksumAddress) -> PositionKey:
    return PositionKey(terms.market.name, bytes.fromhex(account[2:]))


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Whose debt grew: the borrower of every Borrow, and whoever minted VAI. None of them is a topic."""
    names = {asset.v: terms.market.name for terms in known for asset in terms.assets}
    names |= {terms.vai.controller: terms.market.name for terms in known if terms.vai}
    owners = {"venus/vtoken.Borrow": 0, "venus/vai.MintVAI": 0}
    return LogQuery(tuple(names), tuple(owners), _reader(names, owners))


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given vTokens: by a deposit, a transfer or a seizure. Among them are the vTokens themselves, which own no position."""
    names = {asset.v: terms.market.name for terms in known for asset in terms.assets}
    owners = {"venus/vtoken.Transfer": 1}
    return LogQuery(tuple(names), tuple(owners), _reader(names, owners))


def founding(terms: Terms) -> LogQuery[None]:
    """Every comptroller lists its first market soon after it was made."""
    return LogQuery((terms.market.address,), ("venus/comptroller.MarketListed",), lambda _: None)


def _reader(names: Mapping[ChecksumAddress, str], owners: Mapping[str, int]) -> Callable[[Event], PositionKey]:
    """The position of the account that an event names at its place."""

    def read(event: Event) -> PositionKey:
        return PositionKey(names[event.address], bytes.fromhex(event.args[owners[event.name]][2:]))

    return read
