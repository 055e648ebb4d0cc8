"""The parameters of an isolated pool as they stand, and the logs that set them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapter import Change, Event, Governance, LogQuery, Measure, Setting
from watcher.adapters.venus_isolated.facts import Deed, Terms, VToken
from watcher.adapters.venus_isolated.logs import RULES, contracts
from watcher.adapters.venus_isolated.rulebook import rulebook, stops
from watcher.errors import AnswerError
from watcher.units import MAX

POOL: Final = "pool"
CLOSE, INCENTIVE, MINIMUM, ORACLE = "close factor", "liquidation incentive", "minimum for pairs", "oracle"
FACTOR, THRESHOLD = "collateral factor", "liquidation threshold"
BORROW_CAP, SUPPLY_CAP, LISTED, FORCED = "borrow cap", "supply cap", "listed", "forced liquidation"
MODEL, RESERVE, SHARE = "interest model", "reserve factor", "protocol's share of seizures"
PAYOUT: Final = "ticks between payouts of reserves"
PAUSED: Final = {deed: f"{deed.name.lower()} paused" for deed in Deed}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an event sets: the places of its new value and, where it carries one, of the old."""

    name: str
    measure: Measure
    place: int
    was: int | None = None


WHOLE: Final = {
    "NewCloseFactor": Parameter(CLOSE, Measure.WAD, 1, 0),
    "NewLiquidationIncentive": Parameter(INCENTIVE, Measure.WAD, 1, 0),
    "NewMinLiquidatableCollateral": Parameter(MINIMUM, Measure.WAD, 1, 0),
    "NewPriceOracle": Parameter(ORACLE, Measure.ADDRESS, 1, 0),
}
NAMED: Final = {  # the vToken is the first argument
    "NewCollateralFactor": Parameter(FACTOR, Measure.WAD, 2, 1),
    "NewLiquidationThreshold": Parameter(THRESHOLD, Measure.WAD, 2, 1),
    "NewBorrowCap": Parameter(BORROW_CAP, Measure.NUMBER, 1),
    "NewSupplyCap": Parameter(SUPPLY_CAP, Measure.NUMBER, 1),
    "IsForcedLiquidationEnabledUpdated": Parameter(FORCED, Measure.SWITCH, 1),
}
OWN: Final = {  # the vToken is the emitter
    "NewMarketInterestRateModel": Parameter(MODEL, Measure.ADDRESS, 1, 0),
    "NewReserveFactor": Parameter(RESERVE, Measure.WAD, 1, 0),
    "NewProtocolSeizeShare": Parameter(SHARE, Measure.WAD, 1, 0),
    "NewReduceReservesBlockDelta": Parameter(PAYOUT, Measure.NUMBER, 1, 0),
}
LISTING: Final = {"MarketSupported": 1, "MarketUnlisted": 0}


def settings(terms: Terms) -> tuple[Setting, ...]:
    """The pool's, then each vToken's. A cap is in raw units, 2**256 - 1 for none."""
    whole: tuple[tuple[str, Measure, int | str], ...] = (
        (CLOSE, Measure.WAD, terms.close_factor),
        (INCENTIVE, Measure.WAD, terms.incentive),
        (MINIMUM, Measure.WAD, terms.minimum),
        (ORACLE, Measure.ADDRESS, terms.oracle),
    )
    return (
        *(Setting(None, POOL, name, measure, value) for name, measure, value in whole),
        *(setting for vtoken in terms.vtokens for setting in _settings(vtoken)),
    )


def _settings(vtoken: VToken) -> Iterator[Setting]:
    rows: tuple[tuple[str, Measure, int | str], ...] = (
        (FACTOR, Measure.WAD, vtoken.factor),
        (THRESHOLD, Measure.WAD, vtoken.threshold),
        (BORROW_CAP, Measure.NUMBER, MAX if vtoken.borrow_cap is None else vtoken.borrow_cap),
        (SUPPLY_CAP, Measure.NUMBER, MAX if vtoken.supply_cap is None else vtoken.supply_cap),
        (FORCED, Measure.SWITCH, int(vtoken.forced)),
        (MODEL, Measure.ADDRESS, vtoken.model.address),
        (RESERVE, Measure.WAD, vtoken.reserve_factor),
        (SHARE, Measure.WAD, vtoken.seize_share),
        (PAYOUT, Measure.NUMBER, vtoken.payout),
        *((name, Measure.SWITCH, int(vtoken.stopped(deed))) for deed, name in PAUSED.items()),
    )
    for name, measure, value in rows:
        yield Setting(vtoken.token.address, vtoken.token.symbol, name, measure, value)


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """Of the comptroller and of every vToken that is listed."""

    def read(event: Event) -> tuple[Change, ...]:
        return (_change(terms, event),)

    return (LogQuery(contracts(terms), RULES, read),)


def _change(terms: Terms, event: Event) -> Change:
    name, args = event.name.partition(".")[2], event.args
    if name in WHOLE:
        return _set(None, POOL, WHOLE[name], args)
    if name in NAMED:
        return _set(*_of(terms, args[0]), NAMED[name], args)
    if name in OWN:
        return _set(*_of(terms, event.address), OWN[name], args)
    if name in LISTING:
        return Change(Setting(*_of(terms, args[0]), LISTED, Measure.SWITCH, LISTING[name]), 1 - LISTING[name])
    if name == "ActionPausedMarket":
        return Change(Setting(*_of(terms, args[0]), PAUSED[Deed(args[1])], Measure.SWITCH, int(args[2])))
    raise AnswerError(f"{event.name} is no change of a parameter that is known")


def _set(token: ChecksumAddress | None, subject: str, parameter: Parameter, args: tuple[Any, ...]) -> Change:
    was = None if parameter.was is None else args[parameter.was]
    return Change(Setting(token, subject, parameter.name, parameter.measure, _plain(args[parameter.place])), was)


def _plain(value: Any) -> int | str:
    return value if isinstance(value, str) else int(value)


def _of(terms: Terms, vtoken: ChecksumAddress) -> tuple[ChecksumAddress | None, str]:
    """The underlying of a vToken and its symbol; of one that is not listed any more only the vToken's address is known."""
    found = next((one.token for one in terms.vtokens if one.address == vtoken), None)
    return (None, vtoken) if found is None else (found.address, found.symbol)


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
