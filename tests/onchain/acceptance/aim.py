"""Prices for the next block: aimed so that a chosen account ends within a millionth of its line there, or let fall, rise and recover."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from eth_typing import ChecksumAddress

from tests.onchain.acceptance.crowd import Sent, transaction
from tests.onchain.acceptance.ours import valued
from watcher.adapter import Position, Which
from watcher.cycle import MarketCycle, Row
from watcher.health.walk import revalued
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import Contract
from watcher.model import Moment
from watcher.units import WAD

REACH = {True: (30, 300), False: (85, 120)}  # percent of the listed price that volatile assets, and dollars, may go
DOLLARS = ("USDC", "USDT", "DAI", "GHO", "sUSDe")


def feeds(local: AaveMarket) -> dict[ChecksumAddress, tuple[Contract, int, tuple[int, int]]]:
    """By the asset that the oracle is asked for: its feed, the listed price, and how far it may go."""
    found = {
        reserve.token.address: (reserve.feed, reserve.asset.price, REACH[symbol not in DOLLARS])
        for symbol, reserve in local.reserves.items()
        if reserve.token.address != local.base
    }
    if local.mode_feed is not None:
        found[local.mode_feed.address] = (local.mode_feed, 10**8, REACH[False])
    return found


def ahead(seen: MarketCycle, row: Row, at: Moment) -> Position[Any, Any, Any]:
    """The position at a later moment, at the prices of now."""
    position = row.position
    quote = position.adapter.accrue(position.terms, seen.quote, at, Which.ALL)
    return replace(position, quote=quote)


def answer_on_the_line(
    position: Position[Any, Any, Any], asset: ChecksumAddress, low: int, high: int, line: int = WAD
) -> tuple[int, int] | None:
    """Two answers from `low` to `high`, one unit apart: health is below `line` at the first and not at the second."""

    def ripe(answer: int) -> bool:
        health = revalued(position, {asset: answer}).health
        return health is not None and health < line

    at_low = ripe(low)
    if at_low == ripe(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if ripe(middle) == at_low:
            low = middle
        else:
            high = middle
    return (low, high) if at_low else (high, low)


def aimed(
    local: AaveMarket, dice: random.Random, seen: MarketCycle, rows: Sequence[Row], at: Moment
) -> tuple[Row, Sent, ChecksumAddress] | None:
    """A price that puts one of `rows` on its line, or just above or below; the row, the transaction, the asset."""
    known = feeds(local)
    for row in dice.sample(rows, min(6, len(rows))):
        position = ahead(seen, row, at)
        assets = sorted({leg.token.address for leg in valued(row).legs} & known.keys())
        if not assets:
            continue
        if local.mode_feed is not None and row.position.holding.mode == 2:
            assets.append(local.mode_feed.address)
        asset = dice.choice(assets)
        feed, listed, (least, most) = known[asset]
        found = answer_on_the_line(position, asset, listed * least // 100, listed * most // 100)
        if found is not None:
            below, above = found
            millionth = below // 2_000_000
            way = 1 if above > below else -1
            answer = dice.choice((below, above, below - way * millionth, above + way * millionth))
            return row, transaction(feed, "set", answer), asset
    return None


def moved(local: AaveMarket, dice: random.Random, spared: Collection[ChecksumAddress]) -> Iterator[Sent]:
    """Jumps of one asset, now and then a recovery of all of them; what was aimed at in this block stays."""
    known = {asset: feed for asset, feed in feeds(local).items() if asset not in spared}
    if dice.random() < 0.25:
        for feed, listed, _ in known.values():
            yield transaction(feed, "set", listed * dice.randrange(970, 1_040) // 1_000)
    elif dice.random() < 0.4:
        feed, listed, (least, most) = known[dice.choice(sorted(known))]
        yield transaction(feed, "set", listed * dice.randrange(max(least, 60), min(most, 160)) // 100)
