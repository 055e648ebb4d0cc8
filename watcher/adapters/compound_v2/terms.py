"""A comptroller's rules: five round trips where it is unknown, one to see whether known rules still hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapters.compound_v2 import words
from watcher.adapters.compound_v2.facts import Listing, Terms
from watcher.adapters.compound_v2.library import rounding
from watcher.adapters.compound_v2.tail import Kind, Tail, kind_reads, kinds, tail
from watcher.adapters.compound_v2.words import Words
from watcher.errors import CallReverted, WatcherError
from watcher.model import Market, Token, Unit
from watcher.oracle.feed import describe
from watcher.query import Query, Rows, ask, every

USD: Final = Unit("USD", 18)


def terms(market: Market) -> Query[Terms]:
    """What is listed; the words and kinds of all markets; books, tokens, curves and how the comptroller rounds; feeds; what they are.

    `AnswerError` for a contract that is no such comptroller.
    """
    comptroller = market.address
    head = words.head((yield from ask(*words.head_reads(comptroller))))
    ruled, owned = words.rule_reads(comptroller, head), words.own_reads(head)
    answers = yield from ask(*ruled, *owned, *kind_reads(head))
    rules = words.rules(answers[: len(ruled)])
    own = words.own(head, None, answers[len(ruled) : len(ruled) + len(owned)])
    found = kinds(head, answers[len(ruled) + len(owned) :])
    asked: tuple[Query[Any], ...] = (tail(head, own, found), rounding(comptroller, head, rules))
    rest, (library, told) = yield from every(asked)
    made = Words(head, rules, own)
    listings = tuple(_listings(made, found, rest))
    feeds = yield from describe(feed for feed in rest.feeds if feed)
    return Terms(market, made, USD, library, told, listings, tuple(feeds.values()))


def fresh(known: Terms) -> Query[bool]:
    """Whether every word that the terms were made of still stands: one round trip. A reverting read counts as a change.

    Terms whose library was not told yet end as soon as it is.
    """
    if known.told:
        return (yield from _stand(known))
    head, rules = known.words.head, known.words.rules
    asked: tuple[Query[Any], ...] = (_stand(known), rounding(known.market.address, head, rules))
    stand, (_, told) = yield from every(asked)
    return stand and not told


def _stand(known: Terms) -> Query[bool]:
    comptroller, old = known.market.address, known.words
    heads, ruled = words.head_reads(comptroller), words.rule_reads(comptroller, old.head)
    answers = yield (*heads, *ruled, *words.own_reads(old.head, old.own))
    rows: list[Rows] = []
    for answer in answers:
        if isinstance(answer, CallReverted):
            return False
        if isinstance(answer, WatcherError):
            raise answer
        rows.append(answer)
    middle = len(heads) + len(ruled)
    now = Words(
        words.head(rows[: len(heads)]),
        words.rules(rows[len(heads) : middle]),
        words.own(old.head, old.own, rows[middle:]),
    )
    return now == old


def _listings(made: Words, found: Sequence[Kind], rest: Tail) -> Iterator[Listing]:
    taken: set[ChecksumAddress] = set()
    for id, (address, rule, own, kind) in enumerate(zip(made.head.tokens, made.rules, made.own, found, strict=True)):
        token = rest.tokens[id]
        if token.address in taken:
            token = Token(address, f"{token.symbol} in {kind.symbol}", token.decimals)
        taken.add(token.address)
        yield Listing(
            id=id,
            address=address,
            symbol=kind.symbol,
            token=token,
            clock=kind.clock,
            listed=rule.listed,
            factor=rule.factor,
            reserve_factor=own.reserve_factor,
            share=own.share or 0,
            borrow_cap=rule.borrow_cap or None,
            supply_cap=rule.supply_cap or None,
            mint_paused=rule.mint_paused,
            borrow_paused=rule.borrow_paused,
            deprecated=rule.deprecated,
            model=own.model,
            year=rest.years[id],
            curve=rest.curves[id],
            snapshots=rest.snapshots[id],
            feed=rest.feeds[id],
        )
