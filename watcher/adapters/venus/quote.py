"""What is the same for every account of a Venus pool: books, rates, prices; and interest up to a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Accrued, Which
from watcher.adapters.venus.facts import Asset, Books, Quote, Stored, Terms
from watcher.adapters.venus.fixed import BOOKS, V
from watcher.errors import UsageError
from watcher.formula.compound.pool import HIGHEST_RATE, Pool, accrued, exchange_rate
from watcher.model import Moment
from watcher.query import Query, Read, Rows, Slot, ask, each, one
from watcher.units import checked

_BOUNDS: Final = "venus/oracle.getBoundedPricesView"


def quote(terms: Terms) -> Query[Quote]:
    """One round trip. A price, bound or rate that reverts is None: it costs its market, not the others."""
    markets = tuple(asset.v for asset in terms.assets)
    reads: list[Read] = [
        *(each(f"{V}.{name}", markets) for name in BOOKS),
        each(f"{V}.borrowRatePerBlock", markets, optional=True),
        one("venus/oracle.getUnderlyingPrice", terms.oracle, ((v,) for v in markets), optional=True),
    ]
    if terms.bounded is not None:
        reads.append(one(_BOUNDS, terms.bounded, ((v,) for v in markets), optional=True))
    if terms.vai is not None:
        controller = terms.vai.controller
        reads += [
            one("venus/vai.vaiMintIndex", controller),
            one("venus/vai.getVAIRepayRatePerBlock", controller),
            Slot((controller,), (terms.vai.stamp,)),
        ]
    rows = list((yield from ask(*reads)))
    vai = None
    if terms.vai is not None:
        index, rate, stamp = (column[0][0] for column in rows[-3:])
        vai = Books(index, stamp, rate)
    size = len(BOOKS)
    pools = tuple(Pool(*(column[place][0] for column in rows[:size])) for place in range(len(markets)))
    prices = tuple(row[0] or None if row else None for row in rows[size + 1])
    bounds = _bounds(rows[size + 2], prices) if terms.bounded is not None else _spot(prices)
    return Quote(pools, tuple(row[0] if row else None for row in rows[size]), prices, bounds, vai)


def _bounds(rows: Rows, prices: Sequence[int | None]) -> tuple[tuple[int, int] | None, ...]:
    return tuple((row[0], row[1]) if row and row[0] and row[1] else None for row in rows)


def _spot(prices: Sequence[int | None]) -> tuple[tuple[int, int] | None, ...]:
    return tuple((price, price) if price else None for price in prices)


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    """`accrueInterest` of those vTokens, and `accrueVAIInterest`, in the block `at`: one step from what is stored, as the contracts do.

    Blocks are the clock. A later time in the same block leaves everything as it is, and says that it does. A vToken whose rate is
    absent or above the highest that it takes cannot be accrued by anybody and stays as it is. `Overflow` for a block before the last
    accrual.
    """
    fixed = quote.at is not None and quote.at.number == at.number and quote.at.timestamp < at.timestamp
    guessed = fixed or (quote.guessed and quote.at is not None and quote.at.number == at.number)
    quote = quote.unaccrued()
    stored = Stored(quote.pools, quote.vai)
    pools = tuple(
        _accrued(asset, pool, rate, at.number) if _named(which, asset.token.address) else pool
        for asset, pool, rate in zip(terms.assets, quote.pools, quote.rates, strict=True)
    )
    vai = quote.vai
    if vai is not None and terms.vai is not None and _named(which, terms.vai.token.address):
        vai = replace(vai, index=checked(vai.index + vai.rate * checked(at.number - vai.stamp)), stamp=at.number)
    changed = (pools, vai) != (quote.pools, quote.vai)
    return replace(quote, pools=pools, vai=vai, at=at, stored=stored if changed else None, guessed=guessed)


def _named(which: Accrued, token: ChecksumAddress) -> bool:
    return token in which if isinstance(which, frozenset) else which is Which.ALL


def _accrued(asset: Asset, pool: Pool, rate: int | None, block: int) -> Pool:
    if rate is None or rate > HIGHEST_RATE:
        return pool
    return accrued(pool, rate, asset.reserve_factor, block)


def rate(asset: Asset, pool: Pool) -> int:
    """Raw underlying units of one vToken, a wad (`exchangeRateStored` on these books)."""
    return exchange_rate(pool, asset.initial)


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    """The quote under other oracle answers. `UsageError` for a token that no market of it has.

    The bounds follow as far as the oracle of borrowing power would go at once: an answer outside widens them, and while both are the
    answer they stay so. VAI's own interest stays as it is.
    """
    prices, bounds = list(quote.prices), list(quote.bounds)
    for token, answer in answers.items():
        place = terms.place(token)
        if place is None:
            raise UsageError(f"{token} has no price in {terms.market.name}: none of its markets lends it")
        bounds[place] = _moved(bounds[place], prices[place], answer)
        prices[place] = answer or None
    return replace(quote, prices=tuple(prices), bounds=tuple(bounds))


def _moved(bound: tuple[int, int] | None, before: int | None, answer: int) -> tuple[int, int] | None:
    if not answer:
        return None
    if bound is None or bound == (before, before):
        return answer, answer
    return min(bound[0], answer), max(bound[1], answer)
