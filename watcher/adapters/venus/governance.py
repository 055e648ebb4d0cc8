"""The parameters of a Venus pool as they stand, and the logs that set them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapter import Change, Event, Governance, LogQuery, Measure, Setting
from watcher.adapters.venus.events import GOVERNANCE
from watcher.adapters.venus.facts import CORE, Asset, Factors, Paused, Terms
from watcher.adapters.venus.rulebook import rulebook, stops
from watcher.errors import AnswerError
from watcher.oracle.feed import NOBODY

COMPTROLLER: Final = "comptroller"
FACTOR, THRESHOLD, INCENTIVE = "collateral factor", "liquidation threshold", "liquidation incentive"
BORROWABLE, RESERVE, MODEL, LISTED = "borrowing allowed", "reserve factor", "rate model", "listed"
BORROW_CAP, SUPPLY_CAP, FORCED, STOPPED = "borrow cap", "supply cap", "forced liquidation", "paused"
ACTIONS: Final = tuple(f"{paused.name.lower()} paused" for paused in Paused if paused.name)


def settings(terms: Terms) -> tuple[Setting, ...]:
    """Of the comptroller, then of each market, in the core pool and in the others, then of these pools. Caps are raw units."""
    return tuple(_settings(terms))


def _settings(terms: Terms) -> Iterator[Setting]:
    yield _whole("close factor", Measure.WAD, terms.close_factor)
    yield _whole("redeem fee", Measure.WAD, terms.redeem_fee)
    yield _whole(STOPPED, Measure.SWITCH, int(terms.stopped))
    yield _whole("oracle", Measure.ADDRESS, terms.oracle)
    yield _whole("oracle of borrowing power", Measure.ADDRESS, terms.bounded or NOBODY)
    yield _whole("liquidator", Measure.ADDRESS, terms.liquidator or NOBODY)
    yield _whole("VAI controller", Measure.ADDRESS, terms.vai.controller if terms.vai else NOBODY)
    for place, asset in enumerate(terms.assets):
        yield from _of_market(asset)
        yield from _weights(asset, CORE, asset.core)
        for category in terms.categories:
            for member, known in category.members:
                if member == place:
                    yield from _weights(asset, category.id, known)
    for category in terms.categories:
        yield _whole(f"pool {category.id} active", Measure.SWITCH, int(category.active))
        yield _whole(f"pool {category.id} falls back", Measure.SWITCH, int(category.fallback))


def _of_market(asset: Asset) -> Iterator[Setting]:
    rows: tuple[tuple[str, Measure, int | str], ...] = (
        (LISTED, Measure.SWITCH, int(asset.listed)),
        (RESERVE, Measure.WAD, asset.reserve_factor),
        (MODEL, Measure.ADDRESS, asset.model),
        (BORROW_CAP, Measure.NUMBER, asset.borrow_cap),
        (SUPPLY_CAP, Measure.NUMBER, asset.supply_cap),
        (FORCED, Measure.SWITCH, int(asset.forced)),
        *((name, Measure.SWITCH, asset.paused >> number & 1) for number, name in enumerate(ACTIONS)),
    )
    for name, measure, value in rows:
        yield Setting(asset.token.address, asset.token.symbol, name, measure, value)


def _weights(asset: Asset, pool: int, known: Factors) -> Iterator[Setting]:
    rows = (
        (FACTOR, Measure.WAD, known.factor),
        (THRESHOLD, Measure.WAD, known.threshold),
        (INCENTIVE, Measure.WAD, known.incentive),
        (BORROWABLE, Measure.SWITCH, int(known.borrowable)),
    )
    for name, measure, value in rows:
        yield Setting(asset.token.address, asset.token.symbol, _in(pool, name), measure, value)


def _in(pool: int, name: str) -> str:
    return name if pool == CORE else f"{name} in pool {pool}"


def _whole(name: str, measure: Measure, value: int | str) -> Setting:
    return Setting(None, COMPTROLLER, name, measure, value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an event sets: the place of its new value among the arguments and, where it carries one, of the old."""

    name: str
    measure: Measure
    place: int
    was: int | None = None


WHOLE: Final = {
    "NewCloseFactor": Parameter("close factor", Measure.WAD, 1, 0),
    "NewTreasuryPercent": Parameter("redeem fee", Measure.WAD, 1, 0),
    "ActionProtocolPaused": Parameter(STOPPED, Measure.SWITCH, 0),
    "NewPriceOracle": Parameter("oracle", Measure.ADDRESS, 1, 0),
    "NewDeviationBoundedOracle": Parameter("oracle of borrowing power", Measure.ADDRESS, 1, 0),
    "NewLiquidatorContract": Parameter("liquidator", Measure.ADDRESS, 1, 0),
    "NewVAIController": Parameter("VAI controller", Measure.ADDRESS, 1, 0),
    "NewComptrollerLens": Parameter("lens", Measure.ADDRESS, 1, 0),
    "NewImplementation": Parameter("code", Measure.ADDRESS, 1, 0),
}
NAMED: Final = {  # the market is the first argument
    "NewBorrowCap": Parameter(BORROW_CAP, Measure.NUMBER, 1),
    "NewSupplyCap": Parameter(SUPPLY_CAP, Measure.NUMBER, 1),
    "IsForcedLiquidationEnabledUpdated": Parameter(FORCED, Measure.SWITCH, 1),
}
POOLED: Final = {  # the pool is the first argument, the market the second
    "NewCollateralFactor": Parameter(FACTOR, Measure.WAD, 3, 2),
    "NewLiquidationThreshold": Parameter(THRESHOLD, Measure.WAD, 3, 2),
    "NewLiquidationIncentive": Parameter(INCENTIVE, Measure.WAD, 3, 2),
    "BorrowAllowedUpdated": Parameter(BORROWABLE, Measure.SWITCH, 3, 2),
}
OWN: Final = {  # the market is the emitter
    "NewReserveFactor": Parameter(RESERVE, Measure.WAD, 1, 0),
    "NewMarketInterestRateModel": Parameter(MODEL, Measure.ADDRESS, 1, 0),
}
POOL: Final = {  # of a pool as a whole: the pool is the first argument, then old and new
    "PoolActiveStatusUpdated": "active",
    "PoolFallbackStatusUpdated": "falls back",
}


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """The comptroller's logs and those of its vTokens, in one query."""
    addresses = (terms.market.address, *(asset.v for asset in terms.assets))
    return (LogQuery(addresses, GOVERNANCE, lambda event: tuple(_changes(terms, event))),)


def _changes(terms: Terms, event: Event) -> Iterator[Change]:
    name, args = event.name.partition(".")[2], event.args
    if name in WHOLE:
        yield _set((None, COMPTROLLER), WHOLE[name], args)
    elif name in NAMED:
        yield _set(_subject(terms, args[0]), NAMED[name], args)
    elif name in POOLED:
        known = POOLED[name]
        inside = Parameter(_in(args[0], known.name), known.measure, known.place, known.was)
        yield _set(_subject(terms, args[1]), inside, args)
    elif name in OWN:
        yield _set(_subject(terms, event.address), OWN[name], args)
    elif name in POOL:
        yield _set((None, COMPTROLLER), Parameter(f"pool {args[0]} {POOL[name]}", Measure.SWITCH, 2, 1), args)
    elif name == "ActionPausedMarket":
        yield Change(Setting(*_subject(terms, args[0]), ACTIONS[args[1]], Measure.SWITCH, int(args[2])))
    elif name in ("MarketListed", "MarketUnlisted"):
        yield Change(Setting(*_subject(terms, args[0]), LISTED, Measure.SWITCH, int(name == "MarketListed")))
    elif name in ("PoolMarketInitialized", "PoolMarketRemoved"):
        inside_ = _in(args[0], LISTED)
        yield Change(Setting(*_subject(terms, args[1]), inside_, Measure.SWITCH, int(name == "PoolMarketInitialized")))
    elif name == "PoolCreated":
        yield Change(_whole(f"pool {args[0]} active", Measure.SWITCH, 1))
    elif name == "DiamondCut":
        yield Change(_whole("facets changed", Measure.NUMBER, len(args[0])))
    elif name != "PoolLabelUpdated":  # a name is no parameter
        raise AnswerError(f"{event.name} is no change of a parameter that is known")


def _subject(terms: Terms, address: ChecksumAddress) -> tuple[ChecksumAddress | None, str]:
    """The underlying and its symbol; VAI's controller and markets that these terms do not know go by their address."""
    if terms.vai is not None and address == terms.vai.controller:
        return terms.vai.token.address, terms.vai.token.symbol
    asset = next((asset for asset in terms.assets if asset.v == address), None)
    return (None, address) if asset is None else (asset.token.address, asset.token.symbol)


def _set(subject: tuple[ChecksumAddress | None, str], one: Parameter, args: tuple[Any, ...]) -> Change:
    def value(place: int) -> int | str:
        found: int | str = int(args[place]) if one.measure is Measure.SWITCH else args[place]
        return found

    was = None if one.was is None else value(one.was)
    return Change(Setting(*subject, one.name, one.measure, value(one.place)), was)


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
