"""An Aave V3 pool's rules: four round trips for an unknown pool, one to see whether known terms still hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v3 import words
from watcher.adapters.aave_v3.facts import Category, Reserve, Terms, configuration
from watcher.adapters.aave_v3.words import Body, Head, Words
from watcher.errors import AnswerError, CallReverted, WatcherError
from watcher.formula.aave.rate import Strategy
from watcher.formula.aave.version import Version, version
from watcher.model import Market, Token, Unit
from watcher.oracle import feed
from watcher.oracle.feed import NOBODY, Feed
from watcher.query import Query, Rows, ask, each
from watcher.units import BPS, RAY, Ray


def terms(market: Market) -> Query[Terms]:
    """What is listed; reserves and e-modes; sources, grace periods, curves, bitmaps; what stands behind the sources.

    `AnswerError` names a revision that is not known.
    """
    pool = market.address
    *answers, grace = yield from ask(*words.head_reads(pool), words.dating(pool))
    head = words.head(answers)
    release = version(head.revision, dated=grace[0] is not None)
    *answers, symbols = yield from ask(
        *words.body_reads(pool, release, head), each("erc20/token.symbol", head.tokens, optional=True)
    )
    body = words.body(release, answers)
    *answers, named = yield from ask(
        *words.tail_reads(pool, release, head, body), each("erc20/token.symbol", _added(head, body), optional=True)
    )
    tail = words.tail(release, answers)
    feeds = yield from feed.describe(tail.sources)
    labels = {token: label(token, row) for token, row in zip(head.tokens, symbols, strict=True)}
    labels |= {asset: label(asset, row) for asset, row in zip(_added(head, body), named, strict=True)}
    return _terms(market, release, Words(head, body, tail), labels, tuple(feeds.values()))


def fresh(known: Terms) -> Query[bool]:
    """Whether every word that the terms were made of still stands: one round trip. A reverting read counts as a change."""
    pool, release, old = known.market.address, known.version, known.words
    reads = (words.head_reads(pool), words.body_reads(pool, release, old.head))
    rows = answers_or_none((yield (*reads[0], *reads[1], *words.tail_reads(pool, release, old.head, old.body))))
    if rows is None:
        return False
    split = len(reads[0]), len(reads[0]) + len(reads[1])
    body = words.body(release, rows[split[0] : split[1]])
    if words.head(rows[: split[0]]) != old.head or body != old.body:
        return False
    return words.tail(release, rows[split[1] :]) == old.tail


def answers_or_none(answers: Sequence[Rows | WatcherError]) -> Sequence[Rows] | None:
    """The answers, or None where any read reverted; another error is raised."""
    rows: list[Rows] = []
    for answer in answers:
        if isinstance(answer, CallReverted):
            return None
        if isinstance(answer, WatcherError):
            raise answer
        rows.append(answer)
    return rows


def _added(head: Head, body: Body) -> tuple[ChecksumAddress, ...]:
    return body.assets(head)[len(head.tokens) :]


def label(token: ChecksumAddress, row: tuple[str] | None) -> str:
    """The symbol, or the ends of the address where there is none that can be shown."""
    return row[0] if row and row[0] else f"{token[:6]}…{token[-4:]}"


def _terms(
    market: Market, release: Version, made: Words, labels: dict[ChecksumAddress, str], feeds: tuple[Feed, ...]
) -> Terms:
    head, body, tail = made.head, made.body, made.tail
    reserves = tuple(sorted(_reserves(release, made, labels), key=lambda reserve: reserve.id))
    extra = tuple(Token(asset, f"e-mode {labels[asset]}", 0) for asset in _added(head, body))
    assets = (*(reserve.token for reserve in reserves), *extra)
    sources = dict(zip(body.assets(head), tail.sources, strict=True))
    return Terms(
        market=market,
        version=release,
        words=made,
        unit=base_unit(tail.base, tail.unit),
        sentinel=None if body.sentinel == NOBODY or release >= Version.V3_7 else body.sentinel,
        reserves=reserves,
        categories=tuple(_categories(release, made, reserves)),
        assets=assets,
        sources=tuple(sources[asset.address] for asset in assets),
        feeds=feeds,
    )


def _reserves(release: Version, made: Words, labels: dict[ChecksumAddress, str]) -> Iterable[Reserve]:
    tail = made.tail
    grace = tail.grace or (0,) * len(made.head.tokens)
    for place, (token, row) in enumerate(zip(made.head.tokens, made.body.listed, strict=True)):
        rules = configuration(row.word)
        yield Reserve(
            id=row.id,
            token=Token(token, labels[token], rules.decimals),
            deposit=row.deposit,
            debt=row.debt,
            stable=row.stable if release < Version.V3_2 and row.stable != NOBODY else None,
            rules=rules,
            strategy=strategy(release, tail.curves[place]),
            grace_until=grace[place],
        )


def strategy(release: Version, curve: tuple[int, ...] | None) -> Strategy | None:
    """The default strategies' parameters as rays; from 3.1 they are basis points. None for a strategy of another make."""
    if curve is None:
        return None
    scale = RAY // BPS if release >= Version.V3_1 else 1
    optimal, base, slope1, slope2 = (Ray(value * scale) for value in curve)
    return Strategy(optimal, base, slope1, slope2) if 0 < optimal <= RAY else None


def _categories(release: Version, made: Words, reserves: tuple[Reserve, ...]) -> Iterable[Category]:
    """Up to 3.1 an asset names its one category; that is written as the bitmaps of later versions."""
    for place, mode in enumerate(made.body.modes):
        if release < Version.V3_2:
            members = sum(1 << reserve.id for reserve in reserves if reserve.rules.mode == mode.id)
            collateral = borrowable = members
            zero = isolated = 0
        else:
            collateral, borrowable, zero, isolated = (*made.tail.bitmaps[place], 0, 0)[:4]
        source = None if mode.price_source == NOBODY else mode.price_source
        yield Category(
            mode.id, mode.ltv, mode.threshold, mode.bonus, collateral, borrowable, zero, bool(isolated), source
        )


def base_unit(base: ChecksumAddress, unit: int) -> Unit:
    """The oracle's base currency: US dollars under the zero address, else the token is named by its address."""
    decimals = len(str(unit)) - 1
    if unit != 10**decimals:
        raise AnswerError(f"the oracle's base currency unit {unit} is not a power of ten")
    return Unit("USD" if base == NOBODY else base, decimals)
