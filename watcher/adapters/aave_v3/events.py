"""Which logs of an Aave V3 pool say whose holding, or what of its terms, may have changed. Nothing is computed from a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, LogQuery, Moves, Touch
from watcher.adapters.aave_v3.facts import Terms
from watcher.model import PositionKey

# Events and the places of the accounts among their arguments.
ACCOUNTS: Final[dict[str, tuple[int, ...]]] = {
    "aave_v3/token.Mint": (1,),
    "aave_v3/token.Burn": (0,),
    "aave_v3/token.BalanceTransfer": (0, 1),
    "aave_v3/stable_token.Mint": (1,),
    "aave_v3/stable_token.Burn": (0,),
    "aave_v3/pool.ReserveUsedAsCollateralEnabled": (1,),
    "aave_v3/pool.ReserveUsedAsCollateralDisabled": (1,),
    "aave_v3/pool.UserEModeSet": (0,),
    "aave_v3/pool.LiquidationCall": (2, 5),
}
GOVERNANCE: Final = (
    "aave_v3/pool.Upgraded",
    "aave_v3/provider.PriceOracleUpdated",
    "aave_v3/provider.PriceOracleSentinelUpdated",
    "aave_v3/oracle.AssetSourceUpdated",
    "aave_v3/oracle.FallbackOracleUpdated",
    *(
        f"aave_v3/configurator.{name}"
        for name in (
            "ReserveInitialized",
            "ReserveBorrowing",
            "CollateralConfigurationChanged",
            "ReserveActive",
            "ReserveFrozen",
            "ReservePaused",
            "ReserveDropped",
            "ReserveFactorChanged",
            "BorrowCapChanged",
            "SupplyCapChanged",
            "LiquidationProtocolFeeChanged",
            "LiquidationGracePeriodChanged",
            "LiquidationGracePeriodDisabled",
            "EModeAssetCategoryChanged",
            "EModeCategoryAdded",
            "AssetCollateralInEModeChanged",
            "AssetBorrowableInEModeChanged",
            "AssetLtvzeroInEModeChanged",
            "EModeCategoryIsolationChanged",
            "DebtCeilingChanged",
            "BorrowableInIsolationChanged",
            "SiloedBorrowingChanged",
            "ReserveInterestRateStrategyChanged",
            "ReserveInterestRateDataChanged",
        )
    ),
)


def moves(terms: Terms) -> LogQuery[Moves]:
    """Token and flag events name accounts; configurator, oracle, provider and upgrades touch the terms.

    Interest and prices move without any of these. The stable rate of an account may change only together with a token event.
    """
    head, body = terms.words.head, terms.words.body
    tokens = (token for r in terms.reserves for token in (r.deposit, r.debt, r.stable) if token is not None)
    addresses = (terms.market.address, *tokens, body.configurator, body.oracle, head.provider)

    def read(event: Event) -> Moves:
        places = ACCOUNTS.get(event.name)
        if places is None:
            return Touch.TERMS
        accounts = (event.args[place] for place in places)
        return frozenset(PositionKey(terms.market.name, bytes.fromhex(account[2:])) for account in accounts)

    return LogQuery(addresses, (*ACCOUNTS, *GOVERNANCE), read)


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Whose debt grew in these pools: the debtor of every Borrow log, who need not be its sender, and of every Mint of a debt token.

    A debt token cannot be transferred. Its Mint also says that interest came to more than a repayment: that account owes already.
    """
    names = {address: terms.market.name for terms in known for address in (terms.market.address, *debts(terms))}
    owners = {"aave_v3/pool.Borrow": 2, "aave_v3/token.Mint": 1, "aave_v3/stable_token.Mint": 1}
    return LogQuery(tuple(names), tuple(owners), reader(names, owners))


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given aTokens in these pools: by a supply, as interest, or by a transfer."""
    names = {reserve.deposit: terms.market.name for terms in known for reserve in terms.reserves}
    owners = {"aave_v3/token.Mint": 1, "aave_v3/token.BalanceTransfer": 1}
    return LogQuery(tuple(names), tuple(owners), reader(names, owners))


def founding(terms: Terms) -> LogQuery[None]:
    """Every pool lists its first reserve soon after it was made."""
    return LogQuery((terms.words.body.configurator,), ("aave_v3/configurator.ReserveInitialized",), lambda _: None)


def debts(terms: Terms) -> Iterator[ChecksumAddress]:
    """Every debt token of the pool, stable ones too."""
    for reserve in terms.reserves:
        yield reserve.debt
        if reserve.stable is not None:
            yield reserve.stable


def reader(names: Mapping[ChecksumAddress, str], owners: Mapping[str, int]) -> Callable[[Event], PositionKey]:
    """The position of the account that an event names at its place."""

    def read(event: Event) -> PositionKey:
        return PositionKey(names[event.address], bytes.fromhex(event.args[owners[event.name]][2:]))

    return read
