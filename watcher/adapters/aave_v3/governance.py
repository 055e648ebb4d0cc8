"""The parameters of an Aave V3 pool as they stand, and the logs that set them. The logs say what was set; nothing is computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Change, Event, Governance, LogQuery, Measure, Setting
from watcher.adapters.aave_v3.events import GOVERNANCE
from watcher.adapters.aave_v3.facts import Category, Reserve, Terms
from watcher.adapters.aave_v3.rulebook import rulebook, stops
from watcher.errors import AnswerError
from watcher.formula.aave.version import Version
from watcher.units import BPS, RAY

Proxy: TypeAlias = tuple[ChecksumAddress | None, str, str]  # token, subject and name of its code

POOL: Final = "pool"
CURVE: Final = ("optimal utilisation", "base rate", "slope below optimal", "slope above optimal")
LTV, THRESHOLD, BONUS = "loan-to-value", "liquidation threshold", "liquidation bonus"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one argument of an event sets. `was` is the place of the old value, where the event carries it."""

    name: str
    measure: Measure
    place: int
    was: int | None = None


def _one(name: str, measure: Measure, place: int = 1, was: int | None = None) -> tuple[Parameter, ...]:
    return (Parameter(name, measure, place, was),)


def _pair(name: str, measure: Measure) -> tuple[Parameter, ...]:
    return _one(name, measure, place=2, was=1)


WEIGHTS: Final = tuple(
    Parameter(name, Measure.BPS, place) for place, name in enumerate((LTV, THRESHOLD, BONUS), start=1)
)
ASSETS: Final[dict[str, tuple[Parameter, ...]]] = {  # the asset is the first argument
    "ReserveInitialized": (*_one("aToken", Measure.ADDRESS), *_one("rate strategy", Measure.ADDRESS, 4)),
    "ReserveBorrowing": _one("borrowing", Measure.SWITCH),
    "CollateralConfigurationChanged": WEIGHTS,
    "ReserveActive": _one("active", Measure.SWITCH),
    "ReserveFrozen": _one("frozen", Measure.SWITCH),
    "ReservePaused": _one("paused", Measure.SWITCH),
    "ReserveFactorChanged": _pair("reserve factor", Measure.BPS),
    "BorrowCapChanged": _pair("borrow cap", Measure.TOKENS),
    "SupplyCapChanged": _pair("supply cap", Measure.TOKENS),
    "LiquidationProtocolFeeChanged": _pair("liquidation protocol fee", Measure.BPS),
    "LiquidationGracePeriodChanged": _one("no liquidation until", Measure.TIME),
    "EModeAssetCategoryChanged": _pair("e-mode", Measure.NUMBER),
    "DebtCeilingChanged": _pair("debt ceiling", Measure.CENTS),
    "BorrowableInIsolationChanged": _one("borrowable in isolation", Measure.SWITCH),
    "SiloedBorrowingChanged": _pair("siloed borrowing", Measure.SWITCH),
    "ReserveInterestRateStrategyChanged": _pair("rate strategy", Measure.ADDRESS),
    "AssetSourceUpdated": _one("price source", Measure.ADDRESS),
}
MEMBERS: Final = {  # asset, e-mode, whether
    "AssetCollateralInEModeChanged": "collateral",
    "AssetBorrowableInEModeChanged": "borrowable",
    "AssetLtvzeroInEModeChanged": "loan-to-value 0",
}
WHOLE: Final[dict[str, tuple[Parameter, ...]]] = {  # of the pool itself
    "PriceOracleUpdated": _one("oracle", Measure.ADDRESS, 1, 0),
    "PriceOracleSentinelUpdated": _one("sentinel", Measure.ADDRESS, 1, 0),
    "FallbackOracleUpdated": _one("fallback oracle", Measure.ADDRESS, 0),
}


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """Configurator, provider and oracle, and the upgrades of every proxy of the market, in one query."""
    head, body = terms.words.head, terms.words.body
    proxies = dict(proxies_of(terms))
    addresses = (*proxies, body.oracle, head.provider)

    def read(event: Event) -> tuple[Change, ...]:
        return tuple(_changes(terms, proxies, event))

    return (LogQuery(addresses, GOVERNANCE, read),)


def proxies_of(terms: Terms) -> Iterator[tuple[ChecksumAddress, Proxy]]:
    """Every proxy of the market, and what its code is called."""
    yield terms.market.address, (None, POOL, "pool code")
    yield terms.words.body.configurator, (None, POOL, "configurator code")
    for reserve in terms.reserves:
        of = reserve.token.address, reserve.token.symbol
        kinds = (
            (reserve.deposit, "aToken code"),
            (reserve.debt, "debt token code"),
            (reserve.stable, "stable debt code"),
        )
        yield from ((address, (*of, name)) for address, name in kinds if address is not None)


def _changes(terms: Terms, proxies: Mapping[ChecksumAddress, Proxy], event: Event) -> Iterator[Change]:
    name, args = event.name.partition(".")[2], event.args
    if name == "Upgraded":
        yield upgraded(proxies, event)
    elif name in WHOLE:
        yield from set_by(None, POOL, WHOLE[name], args)
    elif name in ASSETS:
        yield from set_by(args[0], symbol_of(terms, args[0]), ASSETS[name], args)
    elif name in MEMBERS:
        yield Change(_member(args[0], symbol_of(terms, args[0]), args[1], MEMBERS[name], whether=args[2]))
    elif name == "EModeCategoryAdded":
        yield from set_by(None, _mode(args[0]), WEIGHTS, args)
        yield Change(Setting(None, _mode(args[0]), "price source", Measure.ADDRESS, args[4]))
    elif name == "EModeCategoryIsolationChanged":
        yield Change(Setting(None, _mode(args[0]), "isolated", Measure.SWITCH, int(args[1])))
    elif name == "ReserveDropped":
        yield Change(Setting(args[0], symbol_of(terms, args[0]), "listed", Measure.SWITCH, 0), was=1)
    elif name == "LiquidationGracePeriodDisabled":
        yield Change(Setting(args[0], symbol_of(terms, args[0]), "no liquidation until", Measure.TIME, 0))
    elif name == "ReserveInterestRateDataChanged":
        yield from _curve(args[0], symbol_of(terms, args[0]), args[2])
    else:
        raise AnswerError(f"{event.name} is no change of a parameter that is known")


def upgraded(proxies: Mapping[ChecksumAddress, Proxy], event: Event) -> Change:
    """The new code behind the proxy that says so."""
    unlisted: Proxy = (None, POOL, f"code of {event.address}")  # it was replaced since
    token, subject, code = proxies.get(event.address, unlisted)
    return Change(Setting(token, subject, code, Measure.ADDRESS, event.args[0]))


def set_by(
    token: ChecksumAddress | None, subject: str, parameters: tuple[Parameter, ...], args: tuple[Any, ...]
) -> Iterator[Change]:
    """What an event with these arguments sets."""
    for one in parameters:
        was = None if one.was is None else _plain(one, args[one.was])
        yield Change(Setting(token, subject, one.name, one.measure, _plain(one, args[one.place])), was)


def _plain(parameter: Parameter, value: Any) -> int | str:
    if isinstance(value, str):
        return value
    return _bonus(value) if parameter.name == BONUS else int(value)


def _bonus(factor: int) -> int:
    """What a liquidator gets beyond the debt; the word includes the 100 %, and is 0 where there is none."""
    return max(0, factor - BPS)


def _curve(token: ChecksumAddress, subject: str, data: bytes) -> Iterator[Change]:
    """Four words of the default strategy, in basis points; another strategy's data are shown as they are."""
    if len(data) != 32 * len(CURVE):
        yield Change(Setting(token, subject, "rate parameters", Measure.ADDRESS, f"0x{data.hex()}"))
        return
    for place, name in enumerate(CURVE):
        yield Change(
            Setting(token, subject, name, Measure.BPS, int.from_bytes(data[32 * place : 32 * place + 32], "big"))
        )


def symbol_of(terms: Terms, token: ChecksumAddress) -> str:
    """The address of an asset that is not, or not any more, listed."""
    return next((asset.symbol for asset in terms.assets if asset.address == token), token)


def _mode(id: int) -> str:
    return f"e-mode {id}"


def _member(token: ChecksumAddress, symbol: str, mode: int, kind: str, *, whether: bool) -> Setting:
    return Setting(token, symbol, f"{kind} in {_mode(mode)}", Measure.SWITCH, int(whether))


def settings(terms: Terms) -> tuple[Setting, ...]:
    """Every parameter that `changes` may set and that the terms know: the pool's, each reserve's, each e-mode's."""
    body = terms.words.body
    whole = (("oracle", body.oracle), ("sentinel", body.sentinel))
    return (
        *(Setting(None, POOL, name, Measure.ADDRESS, address) for name, address in whole),
        *(setting for reserve in terms.reserves for setting in _reserve(terms, reserve)),
        *(setting for category in terms.categories for setting in _category(terms, category)),
    )


READ: Final[tuple[tuple[str, Measure, Callable[[Reserve], int]], ...]] = (
    (LTV, Measure.BPS, lambda one: one.rules.ltv),
    (THRESHOLD, Measure.BPS, lambda one: one.rules.threshold),
    (BONUS, Measure.BPS, lambda one: _bonus(one.rules.bonus)),
    ("active", Measure.SWITCH, lambda one: int(one.rules.active)),
    ("frozen", Measure.SWITCH, lambda one: int(one.rules.frozen)),
    ("paused", Measure.SWITCH, lambda one: int(one.rules.paused)),
    ("borrowing", Measure.SWITCH, lambda one: int(one.rules.borrowing)),
    ("reserve factor", Measure.BPS, lambda one: one.rules.factor),
    ("borrow cap", Measure.TOKENS, lambda one: one.rules.borrow_cap),
    ("supply cap", Measure.TOKENS, lambda one: one.rules.supply_cap),
    ("liquidation protocol fee", Measure.BPS, lambda one: one.rules.fee),
    ("no liquidation until", Measure.TIME, lambda one: one.grace_until),
    ("debt ceiling", Measure.CENTS, lambda one: one.rules.ceiling),
    ("borrowable in isolation", Measure.SWITCH, lambda one: int(one.rules.isolation_borrowable)),
    ("siloed borrowing", Measure.SWITCH, lambda one: int(one.rules.siloed)),
)


def _reserve(terms: Terms, reserve: Reserve) -> Iterator[Setting]:
    token, symbol = reserve.token.address, reserve.token.symbol
    yield from (Setting(token, symbol, name, measure, read(reserve)) for name, measure, read in READ)
    yield Setting(token, symbol, "price source", Measure.ADDRESS, terms.sources[terms.place(token)])
    if terms.version < Version.V3_2:
        yield Setting(token, symbol, "e-mode", Measure.NUMBER, reserve.rules.mode)
    strategy = reserve.strategy
    if terms.version >= Version.V3_1 and strategy is not None:
        rates = (strategy.optimal, strategy.base, strategy.slope1, strategy.slope2)
        for name, rate in zip(CURVE, rates, strict=True):
            yield Setting(token, symbol, name, Measure.BPS, rate * BPS // RAY)  # made of whole basis points


def _category(terms: Terms, category: Category) -> Iterator[Setting]:
    subject = _mode(category.id)
    for name, value in ((LTV, category.ltv), (THRESHOLD, category.threshold), (BONUS, _bonus(category.bonus))):
        yield Setting(None, subject, name, Measure.BPS, value)
    if terms.version < Version.V3_2:
        return
    kinds = (category.collateral, category.borrowable, category.ltv_zero)
    for reserve in terms.reserves:
        for kind, bitmap in zip(MEMBERS.values(), kinds, strict=True):
            whether = bool(bitmap >> reserve.id & 1)
            yield _member(reserve.token.address, reserve.token.symbol, category.id, kind, whether=whether)
    if terms.version >= Version.V3_7:
        yield Setting(None, subject, "isolated", Measure.SWITCH, int(category.isolated))


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
