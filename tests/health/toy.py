"""Two lending protocols small enough to try every price: one compares Σ value · threshold, one cuts the average threshold first.

Values are ⌊amount · price / 10⁴⌋ for collateral and the same rounded up for debt, thresholds in bps, one raw unit of every token a
ten-thousandth. Interest is simple, on debt only, and known for a week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address

from watcher.adapter import (
    Accrued,
    Acted,
    Action,
    Adapter,
    Borrow,
    Liquidation,
    LogQuery,
    Panel,
    Position,
    Price,
    Refusal,
    Repay,
    Reported,
    SetMode,
    Supply,
    Withdraw,
)
from watcher.errors import AnswerError, MissingPrice
from watcher.model import BlockRef, Leg, Line, Market, Moment, PositionKey, Side, Token, Unit, Valuation
from watcher.query import Query, settled
from watcher.units import BPS, RAY, WAD, YEAR, Raw, Ray, Wad, mul_div_down, mul_div_half_up, mul_div_up

ONE = 10_000  # raw units of one whole token
UNIT = Unit("USD", 2)
FINE = Unit(UNIT.symbol, UNIT.decimals + 4)  # of values times thresholds
KEY = PositionKey("toy", bytes(20))
NOW = Moment(100, 1_000_000)
BLOCK = BlockRef(100, 1_000_000, 1, HexStr("0x" + "11" * 32))
WEEK = 7 * 86_400


def token(number: int) -> Token:
    return Token(to_checksum_address(f"0x{number:040x}"), f"T{number}", 4)


A, B, C = token(1), token(2), token(3)


@dataclass(frozen=True, slots=True)
class Terms:
    thresholds: Mapping[ChecksumAddress, int]  # bps
    cuts: bool  # the average threshold, before it is used
    cap: int = 10**30  # raw units that one position may supply of a token
    rates: Mapping[ChecksumAddress, int] | None = None  # borrow rate, ray


@dataclass(frozen=True, slots=True)
class Quote:
    prices: Mapping[ChecksumAddress, int]
    at: Moment = NOW
    read: Moment = NOW


@dataclass(frozen=True, slots=True)
class Holding:
    collateral: Mapping[Token, int]
    debt: Mapping[Token, int]


def position(
    prices: Mapping[Token, int],
    thresholds: Mapping[Token, int],
    collateral: Mapping[Token, int],
    debt: Mapping[Token, int],
    *,
    cuts: bool = False,
    cap: int = 10**30,
    rates: Mapping[Token, int] | None = None,
) -> Position[Terms, Quote, Holding]:
    """Amounts are raw units; every token that is named has a price."""
    terms = Terms(
        {t.address: lt for t, lt in thresholds.items()}, cuts, cap, {t.address: r for t, r in (rates or {}).items()}
    )
    return Position(TOY, terms, Quote({t.address: p for t, p in prices.items()}), Holding(dict(collateral), dict(debt)))


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    legs = tuple(_legs(terms, quote, holding))
    total = sum(leg.value for leg in legs if leg.side is Side.COLLATERAL)
    debt = sum(leg.value for leg in legs if leg.side is Side.DEBT)
    weighted = sum(leg.value * leg.threshold for leg in legs if leg.side is Side.COLLATERAL)
    average = weighted // total if total else 0
    line = Line(mul_div_half_up(total, average, BPS), debt, UNIT) if terms.cuts else Line(weighted, debt * BPS, FINE)
    health = Wad(mul_div_half_up(line.weighted, WAD, line.owed)) if debt else None
    available = max(0, weighted // BPS - debt)
    below = health is not None and health < WAD
    return Valuation(
        KEY, quote.at, UNIT, BPS, legs, total, debt, available, average, average, line, health, below, None
    )


def _legs(terms: Terms, quote: Quote, holding: Holding) -> list[Leg]:
    legs = []
    for asset, amount in holding.collateral.items():
        threshold = terms.thresholds.get(asset.address, 0)
        worth = mul_div_down(amount, _price(quote, asset), ONE)
        legs.append(Leg(asset, Side.COLLATERAL, Raw(amount), worth, threshold, threshold, Ray(0)))
    for asset, amount in holding.debt.items():
        rate = (terms.rates or {}).get(asset.address, 0)
        owed = amount + mul_div_up(amount, rate * (quote.at.timestamp - NOW.timestamp), RAY * YEAR)
        legs.append(Leg(asset, Side.DEBT, Raw(owed), mul_div_up(owed, _price(quote, asset), ONE), 0, 0, Ray(rate)))
    return legs


def _price(quote: Quote, asset: Token) -> int:
    answer = quote.prices.get(asset.address, 0)
    if answer <= 0:
        raise MissingPrice(asset.address, "the answer is 0")
    return answer


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    if at.timestamp > quote.read.timestamp + WEEK:
        raise AnswerError("the rate is known for a week")
    return replace(quote, at=at)


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    known = {t.address: t for t in (A, B, C)}
    return tuple(Price(known[a], p or None, UNIT, a, "toy", (), None) for a, p in quote.prices.items())


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    return replace(quote, prices={**quote.prices, **answers})


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Acted[Quote, Holding] | Refusal:
    if isinstance(action, SetMode):
        return Refusal("no modes")
    asset = next(t for t in (A, B, C) if t.address == action.token)
    held, owed = holding.collateral.get(asset, 0), holding.debt.get(asset, 0)
    if action.amount <= 0:
        return Refusal("INVALID_AMOUNT")
    if isinstance(action, Supply) and held + action.amount > terms.cap:
        return Refusal("SUPPLY_CAP_EXCEEDED")
    if isinstance(action, Repay) and not owed:
        return Refusal("NO_DEBT")
    if isinstance(action, Withdraw) and action.amount > held:
        return Refusal("NOT_ENOUGH_BALANCE")
    match action:
        case Supply(_, amount):
            after = Holding({**holding.collateral, asset: held + amount}, holding.debt)
        case Withdraw(_, amount):
            after = Holding({**holding.collateral, asset: held - amount}, holding.debt)
        case Borrow(_, amount):
            after = Holding(holding.collateral, {**holding.debt, asset: owed + amount})
        case Repay(_, amount):
            left = {**holding.debt, asset: max(0, owed - amount)}
            after = Holding(holding.collateral, {t: a for t, a in left.items() if a})
    if isinstance(action, Borrow | Withdraw) and value(terms, quote, after).liquidatable:
        return Refusal("HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD")
    return Acted(quote, after)


def liquidation(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """Half of the debt for its value in collateral and a tenth more, or as much as there is."""
    if not value(terms, quote, holding).liquidatable:
        return Refusal("HEALTH_FACTOR_NOT_BELOW_THRESHOLD")
    owed_in = next(t for t in holding.debt if t.address == debt)
    held_in = next(t for t in holding.collateral if t.address == collateral)
    owed, held = quote.prices[debt], quote.prices[collateral]
    repay = holding.debt[owed_in] // 2
    seize = min(holding.collateral[held_in], repay * owed * 11 // (held * 10))
    repay = min(repay, seize * held * 10 // (owed * 11))
    gain = seize * held // ONE - repay * owed // ONE
    return Liquidation(owed_in, held_in, Raw(repay), Raw(seize), Raw(0), 11_000, gain, UNIT, Raw(0), None)


def _unread(*_: object) -> Any:
    raise AssertionError("the toy has no chain")


def _holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    return settled({})


def _reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    return settled({})


def _panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    return ()


def _terms(market: Market) -> Query[Terms]:
    return settled(Terms({}, False))


def _fresh(terms: Terms) -> Query[bool]:
    return settled(True)


def _quote(terms: Terms) -> Query[Quote]:
    return settled(Quote({}))


def _positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    return settled(())


def _moves(terms: Terms) -> LogQuery[Any]:
    return LogQuery((), (), _unread)


def _cuts(terms: Terms) -> bool:
    return terms.cuts


TOY: Adapter[Terms, Quote, Holding] = Adapter(
    name="toy",
    terms_type=Terms,
    quote_type=Quote,
    holding_type=Holding,
    terms=_terms,
    fresh=_fresh,
    quote=_quote,
    accrue=accrue,
    positions=_positions,
    holdings=_holdings,
    moves=_moves,
    value=value,
    prices=prices,
    reprice=reprice,
    panels=_panels,
    act=act,
    liquidation=liquidation,
    reported=_reported,
    truncates=_cuts,
)
