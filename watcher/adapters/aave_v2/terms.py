"""An Aave V2 pool's rules: four round trips for an unknown pool, one to see whether known terms still hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v2 import words
from watcher.adapters.aave_v2.facts import Reserve, Terms
from watcher.adapters.aave_v2.words import Words
from watcher.adapters.aave_v3.facts import Configuration, configuration
from watcher.adapters.aave_v3.terms import answers_or_none, base_unit, label, strategy
from watcher.adapters.aave_v3.words import Words as Shared
from watcher.formula.aave.version import Version
from watcher.model import Market, Token, Unit
from watcher.oracle import feed
from watcher.oracle.feed import NOBODY, Feed
from watcher.query import Query, ask, each

KNOWN: Final = (1 << 80) - 1  # what V2 has put into a configuration word
ITSELF: Final = "the base currency, one by definition"
ETHER: Final = "WETH"  # a base currency of that symbol is shown as what it wraps


def terms(market: Market) -> Query[Terms]:
    """What is listed; reserves; sources, base currency, curves; what stands behind the sources.

    `CallReverted` for a contract that is no pool of V2, `AnswerError` where the prices have no unit.
    """
    pool = market.address
    head, paused = words.head((yield from ask(*words.head_reads(pool))))
    *answers, symbols = yield from ask(
        *words.body_reads(pool, head), each("erc20/token.symbol", head.tokens, optional=True)
    )
    body, manager, fee_to = words.body(answers)
    tail, fallback, rebasing = words.tail(head, (yield from ask(*words.tail_reads(head, body))))
    sourced = zip(head.tokens, tail.sources, strict=True)
    feeds = yield from feed.describe(source for token, source in sourced if token != tail.base)
    labels = {token: label(token, row) for token, row in zip(head.tokens, symbols, strict=True)}
    return _terms(
        market, Words(head, body, tail, paused, manager, fallback, fee_to, rebasing), labels, tuple(feeds.values())
    )


def fresh(known: Terms) -> Query[bool]:
    """Whether every word that the terms were made of still stands: one round trip. A reverting read counts as a change."""
    pool, old = known.market.address, known.words
    groups = (words.head_reads(pool), words.body_reads(pool, old.head), words.tail_reads(old.head, old.body))
    rows = answers_or_none((yield tuple(read for group in groups for read in group)))
    if rows is None:
        return False
    first, second = len(groups[0]), len(groups[0]) + len(groups[1])
    head, paused = words.head(rows[:first])
    stands = (old.head, known.paused, old.body, known.manager, known.fee_to)
    if (head, paused, *words.body(rows[first:second])) != stands:
        return False
    return words.tail(old.head, rows[second:]) == (old.tail, known.fallback, known.rebasing)


def _terms(market: Market, made: Words, labels: Mapping[ChecksumAddress, str], feeds: tuple[Feed, ...]) -> Terms:
    reserves = tuple(sorted(_reserves(made, labels), key=lambda reserve: reserve.id))
    oracle = made.body.oracle
    sources = dict(zip(made.head.tokens, made.tail.sources, strict=True))
    if made.tail.base in sources:  # its price is one, whatever source the oracle keeps for it
        sources[made.tail.base] = oracle
        feeds = (*feeds, Feed(oracle, ITSELF, (ITSELF,), None, False))
    assets = tuple(reserve.token for reserve in reserves)
    return Terms(
        market=market,
        version=Version.V2,
        words=Shared(made.head, made.body, made.tail),
        unit=_unit(made, labels),
        sentinel=None,
        reserves=reserves,
        categories=(),
        assets=assets,
        sources=tuple(sources[asset.address] for asset in assets),
        feeds=feeds,
        paused=made.paused,
        fallback=made.fallback,
        manager=made.manager,
        fee_to=made.fee_to,
        rebasing=made.rebasing,
    )


def _reserves(made: Words, labels: Mapping[ChecksumAddress, str]) -> Iterator[Reserve]:
    for token, row, curve in zip(made.head.tokens, made.body.listed, made.tail.curves, strict=True):
        rules = _rules(row.word, paused=made.paused)
        yield Reserve(
            id=row.id,
            token=Token(token, labels[token], rules.decimals),
            deposit=row.deposit,
            debt=row.debt,
            stable=row.stable if row.stable != NOBODY else None,
            rules=rules,
            strategy=strategy(Version.V2, curve),
            grace_until=0,
        )


def _rules(word: int, *, paused: bool) -> Configuration:
    """The word begins as V3's does. V2 pauses the whole pool, and what V3 put higher up means nothing here."""
    return replace(configuration(word & KNOWN), word=word, paused=paused)


def _unit(made: Words, labels: Mapping[ChecksumAddress, str]) -> Unit:
    unit = base_unit(made.tail.base, made.tail.unit)
    symbol = labels.get(made.tail.base, unit.symbol)
    return Unit("ETH" if symbol == ETHER else symbol, unit.decimals)
