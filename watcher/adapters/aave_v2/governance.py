"""The parameters of an Aave V2 pool as they stand, and the logs that set them. The logs say what was set; nothing is computed from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Change, Event, Governance, LogQuery, Measure, Setting
from watcher.adapters.aave_v2.events import GOVERNANCE
from watcher.adapters.aave_v2.facts import Reserve, Terms
from watcher.adapters.aave_v2.rulebook import rulebook, stops
from watcher.adapters.aave_v3.facts import bits
from watcher.adapters.aave_v3.governance import (
    BONUS,
    LTV,
    POOL,
    READ,
    THRESHOLD,
    WEIGHTS,
    Parameter,
    Proxy,
    proxies_of,
    set_by,
    symbol_of,
    upgraded,
)
from watcher.errors import AnswerError

STABLE: Final = "stable borrowing"
STABLE_BIT: Final = 59
RATES: Final = "rate strategy"
KEPT: Final = (LTV, THRESHOLD, BONUS, "active", "frozen", "borrowing", "reserve factor")

SWITCHES: Final[dict[str, tuple[str, int]]] = {  # events of one asset that say no more than their name
    "ReserveActivated": ("active", 1),
    "ReserveDeactivated": ("active", 0),
    "ReserveFrozen": ("frozen", 1),
    "ReserveUnfrozen": ("frozen", 0),
    "BorrowingEnabledOnReserve": ("borrowing", 1),
    "BorrowingDisabledOnReserve": ("borrowing", 0),
    "StableRateEnabledOnReserve": (STABLE, 1),
    "StableRateDisabledOnReserve": (STABLE, 0),
}
PAUSES: Final = {"Paused": 1, "Unpaused": 0}
ASSETS: Final[dict[str, tuple[Parameter, ...]]] = {  # the asset is the first argument
    "ReserveInitialized": (Parameter("aToken", Measure.ADDRESS, 1), Parameter(RATES, Measure.ADDRESS, 4)),
    "CollateralConfigurationChanged": WEIGHTS,
    "BorrowingEnabledOnReserve": (Parameter(STABLE, Measure.SWITCH, 1),),
    "ReserveFactorChanged": (Parameter("reserve factor", Measure.BPS, 1),),
    "ReserveInterestRateStrategyChanged": (Parameter(RATES, Measure.ADDRESS, 1),),
    "AssetSourceUpdated": (Parameter("price source", Measure.ADDRESS, 1),),
}
WHOLE: Final = {  # of the pool itself: the new contract is the only argument
    "PriceOracleUpdated": "oracle",
    "LendingPoolCollateralManagerUpdated": "collateral manager",
    "FallbackOracleUpdated": "fallback oracle",
}


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """Configurator, provider, oracle, the pool's pauses, and the upgrades of every proxy of the market, in one query."""
    head, body = terms.words.head, terms.words.body
    proxies = dict(proxies_of(terms))
    addresses = (*proxies, body.oracle, head.provider)

    def read(event: Event) -> tuple[Change, ...]:
        return tuple(_changes(terms, proxies, event))

    return (LogQuery(addresses, GOVERNANCE, read),)


def _changes(terms: Terms, proxies: Mapping[ChecksumAddress, Proxy], event: Event) -> Iterator[Change]:
    name, args = event.name.partition(".")[2], event.args
    if name == "Upgraded":
        yield upgraded(proxies, event)
    elif name in PAUSES:
        yield Change(Setting(None, POOL, "paused", Measure.SWITCH, PAUSES[name]))
    elif name in WHOLE:
        yield from set_by(None, POOL, (Parameter(WHOLE[name], Measure.ADDRESS, 0),), args)
    elif name in SWITCHES or name in ASSETS:
        symbol = symbol_of(terms, args[0])
        if name in SWITCHES:
            what, value = SWITCHES[name]
            yield Change(Setting(args[0], symbol, what, Measure.SWITCH, value))
        yield from set_by(args[0], symbol, ASSETS.get(name, ()), args)
    else:
        raise AnswerError(f"{event.name} is no change of a parameter that is known")


def settings(terms: Terms) -> tuple[Setting, ...]:
    """Every parameter that `changes` may set and that the terms know: the pool's and each reserve's."""
    whole = (
        ("oracle", terms.words.body.oracle),
        ("fallback oracle", terms.fallback),
        ("collateral manager", terms.manager),
    )
    return (
        *(Setting(None, POOL, name, Measure.ADDRESS, address) for name, address in whole),
        Setting(None, POOL, "paused", Measure.SWITCH, int(terms.paused)),
        *(setting for reserve in terms.reserves for setting in _reserve(terms, reserve)),
    )


def _reserve(terms: Terms, reserve: Reserve) -> Iterator[Setting]:
    token, symbol = reserve.token.address, reserve.token.symbol
    yield from (Setting(token, symbol, name, measure, read(reserve)) for name, measure, read in READ if name in KEPT)
    yield Setting(token, symbol, STABLE, Measure.SWITCH, bits(reserve.rules.word, STABLE_BIT, 1))
    yield Setting(token, symbol, "price source", Measure.ADDRESS, terms.sources[terms.place(token)])


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
