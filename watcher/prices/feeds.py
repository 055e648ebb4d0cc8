"""Which feeds and markets speak of which pairs, at one block of a chain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapter import Adapter, Price
from watcher.adapters import adapter
from watcher.connection import Connection
from watcher.errors import AnswerError, CallReverted
from watcher.model import BlockRef, Market
from watcher.prices.chain import Rounds, Updates, source_of
from watcher.prices.pair import Pair, token
from watcher.prices.rounds import Feed, answers, feed
from watcher.query import together
from watcher.store.prices import Source


@dataclass(frozen=True, slots=True)
class Spoken:
    """Somebody on the chain who prices a token. `market` is whose source it is; None for a chain's own dollar feed."""

    pair: Pair
    symbol: str
    address: ChecksumAddress
    market: Market | None


@dataclass(frozen=True, slots=True)
class Found:
    """Feeds with rounds, ready to be read, and what cannot be, a line each."""

    origins: tuple[Rounds | Updates, ...]
    silent: tuple[str, ...]


def pair_of(of: Adapter[Any, Any, Any], terms: object, chain: int, price: Price) -> Pair:
    """A token in the currency that the market's prices are in, or in the token that they are counted in."""
    money = None if of.money is None else of.money(terms)
    return Pair(token(chain, price.token.address), price.unit.symbol.upper() if money is None else token(chain, money))


async def spoken(
    line: Connection, block: BlockRef, markets: Sequence[Market]
) -> tuple[tuple[Spoken, ...], tuple[str, ...]]:
    """Who prices the tokens of these markets, and the chain's dollar feeds of the same tokens, of all where there are no markets.

    Markets that cannot be read are named.
    """
    found: list[Spoken] = []
    lost: list[str] = []
    for market in markets:
        of = adapter(market.protocol)
        try:
            terms = await line.reader.run(of.terms(market), block)
            prices = of.prices(terms, await line.reader.run(of.quote(terms), block))
        except (CallReverted, AnswerError) as error:
            lost.append(f"{market.name}: {error}")
            continue
        found += [Spoken(pair_of(of, terms, market.chain, one), one.token.symbol, one.source, market) for one in prices]
    tokens = {one.pair.base for one in found}
    for usd in line.chain.usd:
        pair = Pair(token(line.chain.id, usd.token), "USD")
        if not markets or pair.base in tokens:
            found.append(Spoken(pair, pair.base, usd.feed, None))
    return tuple(found), tuple(lost)


async def feeds(line: Connection, block: BlockRef, spoken: Iterable[Spoken], wanted: Collection[str]) -> Found:
    """Every feed once for a pair, of the `wanted` pairs by either name or of all. What has no rounds of its own is left to stored
    quotes, and said.
    """
    asked = {(str(one.pair), one.address): one for one in spoken}
    known: list[tuple[Feed, Source]] = []
    silent: list[str] = []
    found = await line.reader.run(together([feed(one.address) for one in asked.values()]), block)
    for one, answer in zip(asked.values(), found, strict=True):
        if isinstance(answer, Feed):
            source = source_of(one.pair, answer)
            if not wanted or {source.pair, source.called} & {*wanted}:
                known.append((answer, source))
        elif not wanted or str(one.pair) in wanted:
            why = "" if answer is None else f": {answer}"
            silent.append(f"{one.symbol}: {one.address} has no rounds of its own{why}")
    by_number = await line.reader.run(together([answers(one) for one, _ in known]), block)
    return Found(
        tuple(
            Rounds(line, block, one, source) if by is True else Updates(line, block, one, source)
            for (one, source), by in zip(known, by_number, strict=True)
        ),
        tuple(silent),
    )
