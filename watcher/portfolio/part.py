"""One position's part in the whole wallet: whose it is, which margin it stands on, its dollars, how near it is and what a dollar does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from eth_utils.address import to_checksum_address

from watcher.adapter import Price
from watcher.cycle import Row
from watcher.health.outlook import Outlook
from watcher.model import Market, Side
from watcher.oracle.dollar import Rate
from watcher.portfolio.beside import Beside
from watcher.portfolio.danger import Relief, Standing, reliefs, standing
from watcher.portfolio.holders import Holder
from watcher.portfolio.second import Second, seconds
from watcher.portfolio.vaults import Share
from watcher.portfolio.worth import Sum, rate_of, worth


class Margin(StrEnum):
    """What a position's collateral stands for. Health is one for each margin pool and never averaged over several."""

    CROSS = "cross"  # all collateral in the market for all debt in it
    ISOLATED = "isolated"  # one collateral for one debt


@dataclass(frozen=True, slots=True)
class Part:
    """`standing` is None where nothing is owed. `shares` are those of its assets that are vault shares, as labels."""

    holder: Holder
    margin: Margin
    rate: Rate
    worth: Sum
    standing: Standing | None
    reliefs: tuple[Relief, ...]
    seconds: tuple[Second, ...]
    shares: tuple[Share, ...]


def margin(market: Market) -> Margin:
    """A market that has an id of its own within a contract is one pair; every other one is a pool."""
    return Margin.ISOLATED if market.id else Margin.CROSS


def part(row: Row, outlook: Outlook | None, unseen: str | None, prices: Sequence[Price], beside: Beside) -> Part:
    """`outlook` and `unseen` as they were told of the position; `prices` are those to be compared with a second one."""
    seen, of, rate = row.reading.valuation, row.position.adapter, rate_of(row, beside.rates)
    legs = () if seen is None else seen.legs
    held = [beside.shares.get((leg.token.address, leg.amount)) for leg in legs if leg.side is not Side.DEBT]
    money = None if of.money is None else of.money(row.position.terms)
    owes = seen is not None and seen.health is not None
    return Part(
        beside.holders.of(to_checksum_address(row.reading.key.key[:20])),
        margin(row.market),
        rate,
        worth(row, beside.rates),
        standing(row, outlook, unseen) if owes else None,
        reliefs(row, rate),
        seconds(prices, money, beside.rates),
        tuple(share for share in held if share is not None),
    )
