"""The rules of a Venus core pool, read in three round trips; whether cached ones still hold, in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapters.venus.facts import Asset, Category, Factors, Paused, Terms, Vai
from watcher.adapters.venus.fixed import Fixed, Minting, fixed, minting
from watcher.adapters.venus.models import Model
from watcher.errors import WatcherError
from watcher.model import Market
from watcher.oracle.feed import NOBODY
from watcher.query import Batch, Query, Rows, ask, each, one, together

COMPTROLLER: Final = "venus/comptroller"
SINGLE: Final = (  # asked once of the comptroller
    "getAllMarkets",
    "oracle",
    "closeFactorMantissa",
    "treasuryPercent",
    "liquidatorContract",
    "protocolPaused",
    "vaiController",
)
YOUNG: Final = ("lastPoolId", "deviationBoundedOracle")  # not in every version


@dataclass(frozen=True, slots=True)
class Head:
    markets: tuple[ChecksumAddress, ...]
    oracle: ChecksumAddress
    close_factor: int
    redeem_fee: int
    liquidator: ChecksumAddress | None
    stopped: bool
    controller: ChecksumAddress | None
    pools: int
    bounded: ChecksumAddress | None


def terms(market: Market) -> Query[Terms]:
    """What cannot change (tokens, rate models, storage places) is found here and kept by `fresh`."""
    head = yield from _head(market)
    asked: tuple[Query[Any], ...] = (_rules(market, head), fixed(head.markets), _minting(head))
    found = yield from together(asked)
    rules, statics, mint = (_told(answer) for answer in found)
    return _assembled(market, head, rules, statics, mint)


def _told(answer: Any) -> Any:
    if isinstance(answer, WatcherError):
        raise answer
    return answer


def _minting(head: Head) -> Query[Minting | None]:
    return (yield from minting(head.controller)) if head.controller is not None else None


def fresh(terms: Terms) -> Query[bool]:
    """Whether the chain would answer the same terms: all rules are asked again, in one round trip."""
    head = Head(
        markets=tuple(asset.v for asset in terms.assets),
        oracle=terms.oracle,
        close_factor=terms.close_factor,
        redeem_fee=terms.redeem_fee,
        liquidator=terms.liquidator,
        stopped=terms.stopped,
        controller=terms.vai.controller if terms.vai else None,
        pools=len(terms.categories),
        bounded=terms.bounded,
    )
    asked: tuple[Query[Any], ...] = (_head(terms.market), _rules(terms.market, head))
    now, rules = yield from together(asked)
    if isinstance(now, WatcherError):
        raise now
    if now != head:
        return False
    if isinstance(rules, WatcherError):
        raise rules
    statics = tuple(
        Fixed(a.token, a.native, Model(a.year, a.curve, a.kinks), a.snapshots, a.initial) for a in terms.assets
    )
    vai = terms.vai
    mint = Minting(vai.token, vai.stamp, vai.year) if vai else None
    return _assembled(terms.market, head, rules, statics, mint) == terms


def _head(market: Market) -> Query[Head]:
    rows = yield from ask(
        *(one(f"{COMPTROLLER}.{name}", market.address) for name in SINGLE),
        *(one(f"{COMPTROLLER}.{name}", market.address, optional=True) for name in YOUNG),
    )
    single = [column[0][0] for column in rows[: len(SINGLE)]]
    pools, bounded = (column[0][0] if column[0] else None for column in rows[len(SINGLE) :])
    markets, oracle, close_factor, fee, liquidator, stopped, controller = single
    return Head(
        tuple(markets),
        oracle,
        close_factor,
        fee,
        _some(liquidator),
        stopped,
        _some(controller),
        pools or 0,
        _some(bounded),
    )


def _some(address: ChecksumAddress | None) -> ChecksumAddress | None:
    return None if address == NOBODY else address


def _rules(market: Market, head: Head) -> Query[tuple[Rows, ...]]:
    """Columns by market, then those of the pools; VAI's controller is a market where pauses and forced liquidations are asked."""
    at, markets = market.address, head.markets
    debts = (*markets, head.controller) if head.controller else markets
    ids = range(1, head.pools + 1)

    def of(name: str, arguments: Sequence[tuple[Any, ...]]) -> Batch:
        return one(f"{COMPTROLLER}.{name}", at, arguments)

    each_market = [(v,) for v in markets]
    return (
        yield from ask(
            of("markets", each_market),
            of("actionPaused", [(v, number) for v in debts for number in range(len(Paused))]),
            of("isForcedLiquidationEnabled", [(v,) for v in debts]),
            of("supplyCaps", each_market),
            of("borrowCaps", each_market),
            each("venus/vtoken.interestRateModel", markets),
            each("venus/vtoken.reserveFactorMantissa", markets),
            of("pools", [(number,) for number in ids]),
            of("poolMarkets", [(number, v) for number in ids for v in markets]),
        )
    )


def _assembled(
    market: Market, head: Head, rules: tuple[Rows, ...], statics: Sequence[Fixed], mint: Minting | None
) -> Terms:
    core, paused, forced, supply, borrow, models, reserves, pools, members = rules
    size, actions = len(head.markets), len(Paused)

    def stops(place: int) -> Paused:
        column = paused[place * actions : (place + 1) * actions]
        return Paused(sum(1 << number for number, (stopped,) in enumerate(column) if stopped))

    assets = tuple(
        Asset(
            v=v,
            token=known.token,
            native=known.native,
            listed=core[place][0],
            core=_factors(core[place]),
            paused=stops(place),
            forced=forced[place][0],
            supply_cap=supply[place][0],
            borrow_cap=borrow[place][0],
            model=models[place][0],
            reserve_factor=reserves[place][0],
            year=known.model.year,
            curve=known.model.curve,
            kinks=known.model.kinks,
            snapshots=known.snapshots,
            initial=known.initial,
        )
        for place, (v, known) in enumerate(zip(head.markets, statics, strict=True))
    )
    categories = tuple(
        Category(number + 1, label, active, fallback, _members(members[number * size : (number + 1) * size]))
        for number, (label, active, fallback) in enumerate(pools)
    )
    vai = None
    if mint is not None and head.controller is not None:
        vai = Vai(head.controller, mint.token, stops(size), forced[size][0], mint.stamp, mint.year)
    return Terms(
        market=market,
        oracle=head.oracle,
        bounded=head.bounded,
        close_factor=head.close_factor,
        redeem_fee=head.redeem_fee,
        liquidator=head.liquidator,
        stopped=head.stopped,
        assets=assets,
        categories=categories,
        vai=vai,
    )


def _factors(row: Sequence[Any]) -> Factors:
    """From `markets` or `poolMarkets`: listed, factor, -, threshold, incentive, -, whether it may be borrowed."""
    return Factors(row[1], row[3], row[4], row[6])


def _members(rows: Sequence[Sequence[Any]]) -> tuple[tuple[int, Factors], ...]:
    return tuple((place, _factors(row)) for place, row in enumerate(rows) if row[0])
