"""How a comptroller liquidates, in words and numbers; its parameters as they stand, and the logs that set them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapter import Change, Clause, Event, Governance, LogQuery, Measure, Rulebook, Setting, Weight
from watcher.adapters.compound_v2.events import GOVERNANCE
from watcher.adapters.compound_v2.facts import Listing, Quote, Terms
from watcher.adapters.compound_v2.quote import stuck
from watcher.errors import AnswerError
from watcher.figures import exact
from watcher.oracle.feed import NOBODY
from watcher.units import WAD

COMPTROLLER: Final = "comptroller"
FACTOR, RESERVE, SHARE, MODEL = "collateral factor", "reserve factor", "protocol's share of seizures", "rate model"
CLOSE, INCENTIVE, ORACLE, CODE = "close factor", "liquidation incentive", "oracle", "code"
BORROW_CAP, SUPPLY_CAP, LISTED = "borrow cap", "supply cap", "listed"


def rulebook(terms: Terms) -> Rulebook:
    """The clauses that the comptroller's code holds to now, and what every market counts for."""
    return Rulebook(tuple(_clauses(terms)), tuple(weights(terms)), WAD)


def weights(terms: Terms) -> Iterator[Weight]:
    """The incentive is the same for all; of what exceeds 100 % the protocol's share is taken off the whole seizure."""
    for listing in terms.listings:
        if listing.factor:
            yield Weight(listing.token, 0, listing.factor, listing.factor, terms.words.head.incentive, listing.share)


def _clauses(terms: Terms) -> Iterator[Clause]:
    head = terms.words.head
    yield Clause(
        "line",
        "liquidatable when the debts are worth more than collateral times its factor; healthy at equality; only markets that the "
        "account has entered count",
    )
    yield Clause(
        "interest",
        "a liquidator brings only the market repaid and the market seized up to date, all others stay as they were last touched: "
        "one pair may be open while another is not, and the comptroller's own view accrues nothing",
    )
    yield Clause("close factor", f"{exact(100 * head.close_factor, 18)} % of one debt in one call")
    old = [listing.symbol for listing in terms.listings if listing.deprecated]
    now = f"; deprecated now: {', '.join(old)}" if old else ""
    yield Clause(
        "deprecated", f"a debt in a deprecated market may be repaid in full without a shortfall, by anybody{now}"
    )
    yield Clause("dust", "no rule: a liquidation may leave any remainder")
    yield Clause("bad debt", "what is still owed when nothing is left to seize stays with the account")
    yield Clause(
        "bonus", f"{exact(100 * (head.incentive - WAD), 18)} % over what is repaid, whatever is seized; paid in cTokens"
    )
    yield Clause("fee", "a share of the seized cTokens stays in their market as reserves")
    yield Clause("collateral", "any cToken of the account can be seized, also of a market that it has not entered")
    yield Clause("pause", "seizures are paused for all markets at once; nothing stops a repayment")
    yield Clause(
        "price", "the oracle's answer is taken as it is; where it is zero nobody who has entered the market can act"
    )


def stops(terms: Terms, quote: Quote) -> tuple[str, ...]:
    """What holds the whole comptroller, or one of its markets, up now."""
    found = ["seizures are paused: nobody can be liquidated"] if terms.words.head.seize_paused else []
    for listing, state in zip(terms.listings, quote.states, strict=True):
        if stuck(state):
            found.append(f"{listing.symbol} cannot accrue interest: nothing can be done in it")
    return tuple(found)


def settings(terms: Terms) -> tuple[Setting, ...]:
    """Of the comptroller, then of each market."""
    return tuple(_settings(terms))


def _settings(terms: Terms) -> Iterator[Setting]:
    head = terms.words.head
    yield _whole(CLOSE, Measure.WAD, head.close_factor)
    yield _whole(INCENTIVE, Measure.WAD, head.incentive)
    yield _whole(ORACLE, Measure.ADDRESS, head.oracle)
    yield _whole(_paused("Seize"), Measure.SWITCH, int(head.seize_paused))
    yield _whole(_paused("Transfer"), Measure.SWITCH, int(head.transfer_paused))
    if head.code != NOBODY:
        yield _whole(CODE, Measure.ADDRESS, head.code)
    for listing in terms.listings:
        yield from _of_market(listing)


def _of_market(listing: Listing) -> Iterator[Setting]:
    rows: tuple[tuple[str, Measure, int | str], ...] = (
        (LISTED, Measure.SWITCH, int(listing.listed)),
        (FACTOR, Measure.WAD, listing.factor),
        (RESERVE, Measure.WAD, listing.reserve_factor),
        (SHARE, Measure.WAD, listing.share),
        (_paused("Mint"), Measure.SWITCH, int(listing.mint_paused)),
        (_paused("Borrow"), Measure.SWITCH, int(listing.borrow_paused)),
        (BORROW_CAP, Measure.NUMBER, listing.borrow_cap or 0),
        (SUPPLY_CAP, Measure.NUMBER, listing.supply_cap or 0),
        (MODEL, Measure.ADDRESS, listing.model),
    )
    for name, measure, value in rows:
        yield _own(listing, name, measure, value)


def _whole(name: str, measure: Measure, value: int | str) -> Setting:
    return Setting(None, COMPTROLLER, name, measure, value)


def _own(listing: Listing, name: str, measure: Measure, value: int | str) -> Setting:
    return Setting(listing.token.address, listing.symbol, name, measure, value)


def _paused(action: str) -> str:
    return f"{action.lower()} paused"


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
    "NewPriceOracle": Parameter(ORACLE, Measure.ADDRESS, 1, 0),
}
NAMED: Final = {  # the market is the first argument
    "NewCollateralFactor": Parameter(FACTOR, Measure.WAD, 2, 1),
    "NewBorrowCap": Parameter(BORROW_CAP, Measure.NUMBER, 1),
    "NewSupplyCap": Parameter(SUPPLY_CAP, Measure.NUMBER, 1),
}
OWN: Final = {  # the market is the emitter
    "NewReserveFactor": Parameter(RESERVE, Measure.WAD, 1, 0),
    "NewMarketInterestRateModel": Parameter(MODEL, Measure.ADDRESS, 1, 0),
    "NewProtocolSeizeShare": Parameter(SHARE, Measure.WAD, 1, 0),
}


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """The comptroller's logs and those of its cTokens, in one query. Caps are raw units."""
    addresses = (terms.market.address, *(listing.address for listing in terms.listings))
    return (LogQuery(addresses, GOVERNANCE, lambda event: (_change(terms, event),)),)


def _change(terms: Terms, event: Event) -> Change:
    name, args = event.name.partition(".")[2], event.args
    if name in WHOLE:
        return _set(None, COMPTROLLER, WHOLE[name], args)
    if name in NAMED:
        return _set(*_subject(terms, args[0]), NAMED[name], args)
    if name in OWN:
        return _set(*_subject(terms, event.address), OWN[name], args)
    if name == "MarketListed":
        return Change(Setting(*_subject(terms, args[0]), LISTED, Measure.SWITCH, 1), was=0)
    if name == "ActionPaused(string,bool)":
        return Change(_whole(_paused(args[0]), Measure.SWITCH, int(args[1])))
    if name == "ActionPaused(address,string,bool)":
        return Change(Setting(*_subject(terms, args[0]), _paused(args[1]), Measure.SWITCH, int(args[2])))
    if name == "NewImplementation":
        return _set(*_subject(terms, event.address), Parameter(CODE, Measure.ADDRESS, 1, 0), args)
    raise AnswerError(f"{event.name} is no change of a parameter that is known")


def _subject(terms: Terms, address: ChecksumAddress) -> tuple[ChecksumAddress | None, str]:
    """The underlying and the cToken's name; the comptroller's own address stands for itself."""
    if address == terms.market.address:
        return None, COMPTROLLER
    listing = terms.find(address)
    return (None, address) if listing is None else (listing.token.address, listing.symbol)


def _set(token: ChecksumAddress | None, subject: str, one: Parameter, args: tuple[Any, ...]) -> Change:
    was = None if one.was is None else args[one.was]
    return Change(Setting(token, subject, one.name, one.measure, args[one.place]), was)


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
