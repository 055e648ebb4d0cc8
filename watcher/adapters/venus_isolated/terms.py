"""The rules of a pool: five round trips for the first time, one to see whether they still hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapters.venus_isolated import layout, models
from watcher.adapters.venus_isolated.facts import Deed, Source, Terms, VToken
from watcher.adapters.venus_isolated.rates import Model
from watcher.model import Market, Token
from watcher.oracle.feed import NOBODY, Feed, describe
from watcher.query import Batch, Query, Rows, ask, each, one, pairs
from watcher.units import MAX

COMPTROLLER: Final = "venus_isolated/comptroller"
VTOKEN: Final = "venus_isolated/vtoken"
ORACLE: Final = "venus_isolated/oracle"
HEAD: Final = (
    "getAllMarkets",
    "oracle",
    "closeFactorMantissa",
    "liquidationIncentiveMantissa",
    "minLiquidatableCollateral",
)
IN_POOL: Final = ("markets", "supplyCaps", "borrowCaps", "isForcedLiquidationEnabled")  # of the comptroller, by vToken
OWN: Final = (
    "underlying",
    "interestRateModel",
    "reserveFactorMantissa",
    "protocolSeizeShareMantissa",
    "blocksOrSecondsPerYear",
    "isTimeBased",
    "reduceReservesBlockDelta",
)
NEWER: Final = ("isForcedLiquidationEnabled", "isTimeBased", "reduceReservesBlockDelta")  # the first releases had none
NOW: Final = (*layout.GETTERS, "getCash", "borrowRatePerBlock")
Row: TypeAlias = tuple[Any, ...]
Entry: TypeAlias = tuple[Any, ...]  # of one vToken: the rows of IN_POOL, of every deed, of OWN


def terms(market: Market) -> Query[Terms]:
    """`AnswerError` where a vToken does not keep its books where Venus' vTokens do: what it is owed could not be told."""
    head = yield from ask(*_head(market))
    known: tuple[ChecksumAddress, ...] = tuple(head[0][0][0])
    columns = yield from ask(*_body(market, known))
    entries = {vtoken: entry for vtoken, entry in zip(known, zip(*columns, strict=True), strict=True) if entry[0][0]}
    underlyings, used = (
        [_own(entry, name) for entry in entries.values()] for name in ("underlying", "interestRateModel")
    )
    oracle: ChecksumAddress = head[1][0][0]
    decimals, symbols, slots, configs, *rest = yield from ask(
        each("erc20/token.decimals", underlyings),
        each("erc20/token.symbol", underlyings, optional=True),
        layout.places(tuple(entries)),
        one(f"{ORACLE}.getTokenConfig", oracle, ((asset,) for asset in underlyings)),
        *(each(f"{VTOKEN}.{name}", entries) for name in NOW),
        *models.reads(used),
    )
    sources = yield from _sources(underlyings, configs)
    width = 1 + len(layout.BOOKS)
    found = []
    for place, (vtoken, entry) in enumerate(entries.items()):
        words = [row[0] for row in slots[place * width : (place + 1) * width]]
        now = [column[place][0] for column in rest[: len(NOW)]]
        first = layout.initial(vtoken, words, now[: len(layout.GETTERS)])
        token = Token(underlyings[place], _symbol(symbols[place], underlyings[place]), decimals[place][0])
        model = models.model(used[place], [column[place] for column in rest[len(NOW) :]], models.Now(*now))
        found.append(_vtoken(vtoken, token, entry, first, model))
    return _assembled(market, head, tuple(found), sources)


def fresh(known: Terms) -> Query[bool]:
    """Everything again but tokens, feeds and where books are kept, of the vTokens, models and oracle that are known; one round trip."""
    vtokens = [one.address for one in known.vtokens]
    underlyings = [one.token.address for one in known.vtokens]
    used = [one.model.address for one in known.vtokens]
    head_reads, body_reads = _head(known.market), _body(known.market, vtokens)
    config = one(f"{ORACLE}.getTokenConfig", known.oracle, ((asset,) for asset in underlyings))
    answers = yield from ask(*head_reads, *body_reads, config, *models.reads(used))
    head, columns = answers[: len(head_reads)], answers[len(head_reads) : len(head_reads) + len(body_reads)]
    configs, *rest = answers[len(head_reads) + len(body_reads) :]
    again = []
    for place, (old, entry) in enumerate(zip(known.vtokens, zip(*columns, strict=True), strict=True)):
        model = models.again(old.model, [column[place] for column in rest])
        named = _own(entry, "underlying"), _own(entry, "interestRateModel")
        if model is None or not entry[0][0] or named != (old.token.address, old.model.address):
            return False
        again.append(_vtoken(old.address, old.token, entry, old.initial, model))
    sources = tuple(Source(*_oracles(row), old.feed) for row, old in zip(configs, known.sources, strict=True))
    return _assembled(known.market, head, tuple(again), sources) == known


def _assembled(market: Market, head: Sequence[Rows], vtokens: tuple[VToken, ...], sources: tuple[Source, ...]) -> Terms:
    known, oracle, close_factor, incentive, minimum = (rows[0][0] for rows in head)
    return Terms(market, tuple(known), oracle, close_factor, incentive, minimum, vtokens, sources)


def _head(market: Market) -> tuple[Batch, ...]:
    return tuple(one(f"{COMPTROLLER}.{name}", market.address) for name in HEAD)


def _body(market: Market, vtokens: Sequence[ChecksumAddress]) -> tuple[Batch, ...]:
    """Every batch has one row for each vToken."""
    pool = market.address
    return (
        *(one(f"{COMPTROLLER}.{name}", pool, ((v,) for v in vtokens), optional=name in NEWER) for name in IN_POOL),
        *(one(f"{COMPTROLLER}.actionPaused", pool, ((v, int(deed)) for v in vtokens)) for deed in Deed),
        *(each(f"{VTOKEN}.{name}", vtokens, optional=name in NEWER) for name in OWN),
    )


def _own(entry: Entry, name: str) -> Any:
    """What the vToken itself answers; None for what its release does not have."""
    row = entry[len(IN_POOL) + len(Deed) + OWN.index(name)]
    return None if row is None else row[0]


def _vtoken(address: ChecksumAddress, token: Token, entry: Entry, initial: int, model: Model) -> VToken:
    (_, factor, threshold), (supply_cap,), (borrow_cap,), forced = entry[: len(IN_POOL)]
    deeds = entry[len(IN_POOL) : len(IN_POOL) + len(Deed)]
    payout = _own(entry, "reduceReservesBlockDelta")
    return VToken(
        address=address,
        token=token,
        factor=factor,
        threshold=threshold,
        supply_cap=None if supply_cap == MAX else supply_cap,
        borrow_cap=None if borrow_cap == MAX else borrow_cap,
        paused=sum(1 << deed for deed, (stopped,) in zip(Deed, deeds, strict=True) if stopped),
        forced=forced is not None and forced[0],
        reserve_factor=_own(entry, "reserveFactorMantissa"),
        seize_share=_own(entry, "protocolSeizeShareMantissa"),
        timed=bool(_own(entry, "isTimeBased")),
        ticks=_own(entry, "blocksOrSecondsPerYear"),
        initial=initial,
        payout=MAX if payout is None else payout,
        model=model,
    )


def _symbol(row: Row | None, address: ChecksumAddress) -> str:
    """A token without a symbol is called by the start of its address."""
    return (row[0] if row else "") or address[:10]


def _oracles(row: Row) -> tuple[ChecksumAddress, ChecksumAddress | None, ChecksumAddress | None]:
    """Main, pivot and fallback oracle, the latter two as far as they are enabled."""
    (_, (main, pivot, fallback), (_, second, third), _) = row[0]
    return main, pivot if second and pivot != NOBODY else None, fallback if third and fallback != NOBODY else None


def _sources(underlyings: Sequence[ChecksumAddress], configs: Rows) -> Query[tuple[Source, ...]]:
    """What each main oracle asks, where it is one over Chainlink feeds; two round trips."""
    oracles = [_oracles(row) for row in configs]
    asked = [(main, (asset,)) for asset, (main, *_) in zip(underlyings, oracles, strict=True)]
    (rows,) = yield from ask(pairs(f"{ORACLE}.tokenConfigs", asked, optional=True))
    feeds = [row[1] if row else NOBODY for row in rows]
    known: dict[ChecksumAddress, Feed] = {}
    if any(feed != NOBODY for feed in feeds):
        known = yield from describe(feeds)
    return tuple(Source(*trio, known.get(feed)) for trio, feed in zip(oracles, feeds, strict=True))
