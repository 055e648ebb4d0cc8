"""Which logs of an Aave V2 pool say whose holding, or what of its terms, may have changed. Nothing is computed from a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from watcher.adapter import Event, LogQuery, Moves, Touch
from watcher.adapters.aave_v2.facts import Terms
from watcher.adapters.aave_v3.events import debts, reader
from watcher.model import PositionKey

# Events and the places of the accounts among their arguments.
ACCOUNTS: Final[dict[str, tuple[int, ...]]] = {
    "aave_v2/atoken.Mint": (0,),
    "aave_v2/atoken.Burn": (0,),
    "aave_v2/atoken.BalanceTransfer": (0, 1),
    "aave_v2/debt_token.Mint": (1,),
    "aave_v2/debt_token.Burn": (0,),
    "aave_v2/stable_token.Mint": (1,),
    "aave_v2/stable_token.Burn": (0,),
    "aave_v2/pool.ReserveUsedAsCollateralEnabled": (1,),
    "aave_v2/pool.ReserveUsedAsCollateralDisabled": (1,),
    "aave_v2/pool.Swap": (1,),
    "aave_v2/pool.RebalanceStableBorrowRate": (1,),
    "aave_v2/pool.LiquidationCall": (2, 5),
}
REBASED: Final = "aave_v2/steth.TokenRebased"
GOVERNANCE: Final = (
    "aave_v2/pool.Paused",
    "aave_v2/pool.Unpaused",
    "aave_v2/pool.Upgraded",
    "aave_v2/provider.PriceOracleUpdated",
    "aave_v2/provider.LendingPoolCollateralManagerUpdated",
    "aave_v2/oracle.AssetSourceUpdated",
    "aave_v2/oracle.FallbackOracleUpdated",
    *(
        f"aave_v2/configurator.{name}"
        for name in (
            "ReserveInitialized",
            "BorrowingEnabledOnReserve",
            "BorrowingDisabledOnReserve",
            "StableRateEnabledOnReserve",
            "StableRateDisabledOnReserve",
            "CollateralConfigurationChanged",
            "ReserveActivated",
            "ReserveDeactivated",
            "ReserveFrozen",
            "ReserveUnfrozen",
            "ReserveFactorChanged",
            "ReserveInterestRateStrategyChanged",
        )
    ),
)


def moves(terms: Terms) -> LogQuery[Moves]:
    """Token and flag events name accounts, as do a swap of the rate mode and a rebalanced stable rate, which move no amount.

    A rebase of a token that is lent here moves everyone: its aToken's scaled balances follow it without a word. Configurator, oracle,
    provider, pauses and upgrades touch the terms. Interest and prices move without any of these.
    """
    head, body = terms.words.head, terms.words.body
    tokens = (reserve.deposit for reserve in terms.reserves)
    known = (terms.market.address, *tokens, *debts(terms), body.configurator, body.oracle, head.provider)
    rebases = (REBASED,) if terms.rebasing else ()

    def read(event: Event) -> Moves:
        places = ACCOUNTS.get(event.name)
        if places is None:
            return Touch.EVERYONE if event.name == REBASED else Touch.TERMS
        accounts = (event.args[place] for place in places)
        return frozenset(PositionKey(terms.market.name, bytes.fromhex(account[2:])) for account in accounts)

    return LogQuery((*known, *terms.rebasing), (*ACCOUNTS, *GOVERNANCE, *rebases), read)


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Whose debt grew in these pools: the debtor of every Borrow log, who need not be its sender, and of every Mint of a debt token.

    A swap of the rate mode mints the other token. A debt token cannot be transferred.
    """
    names = {address: terms.market.name for terms in known for address in (terms.market.address, *debts(terms))}
    owners = {"aave_v2/pool.Borrow": 2, "aave_v2/debt_token.Mint": 1, "aave_v2/stable_token.Mint": 1}
    return LogQuery(tuple(names), tuple(owners), reader(names, owners))


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given aTokens in these pools: by a deposit, as the treasury's share, or by a transfer."""
    names = {reserve.deposit: terms.market.name for terms in known for reserve in terms.reserves}
    owners = {"aave_v2/atoken.Mint": 0, "aave_v2/atoken.BalanceTransfer": 1}
    return LogQuery(tuple(names), tuple(owners), reader(names, owners))


def founding(terms: Terms) -> LogQuery[None]:
    """Every pool lists its first reserve soon after it was made."""
    return LogQuery((terms.words.body.configurator,), ("aave_v2/configurator.ReserveInitialized",), lambda _: None)
