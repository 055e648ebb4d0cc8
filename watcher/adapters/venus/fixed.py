"""What never changes of a vToken and of VAI's controller: tokens, rate models, and where their storage keeps what no getter tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapters.venus.models import Model, model_reads, models
from watcher.errors import AnswerError
from watcher.formula.compound.layout import SEARCHED, snapshots
from watcher.formula.compound.pool import Pool
from watcher.model import Token
from watcher.oracle.feed import NOBODY
from watcher.query import Query, Rows, Slot, ask, each, one

V: Final = "venus/vtoken"
BOOKS: Final = ("getCash", "totalBorrows", "totalReserves", "totalSupply", "borrowIndex", "accrualBlockNumber")
NATIVE: Final = to_checksum_address("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")  # has no contract: the trade's name
COIN: Final = 18  # decimals of a chain's own coin
USUAL: Final = range(7, 14)  # initial exchange rate, reserve factor, stamp, index, borrows, reserves, supply
_FROM_STAMP: Final = 7  # words from the stamp to the mapping of debts


@dataclass(frozen=True, slots=True)
class Fixed:
    """See `Asset`."""

    token: Token
    native: bool
    model: Model
    snapshots: int
    initial: int


@dataclass(frozen=True, slots=True)
class Minting:
    """See `Vai`."""

    token: Token
    stamp: int
    year: int


def fixed(markets: Sequence[ChecksumAddress]) -> Query[tuple[Fixed, ...]]:
    """Two round trips; a third where a vToken does not keep its words where all known ones do.

    The first asks nothing that interest changes: the vToken of the chain's own coin may lack `underlying`, and take the call for a deposit,
    which accrues.
    """
    symbols, rows, owners, factors = yield from ask(
        each(f"{V}.symbol", markets),
        each(f"{V}.underlying", markets, optional=True),
        each(f"{V}.interestRateModel", markets),
        each(f"{V}.reserveFactorMantissa", markets),
    )
    below = [row[0] if row and row[0] != NOBODY else None for row in rows]
    under = [token for token in below if token is not None]
    makers = [row[0] for row in owners]
    decimals, names, words, rates, *answers = yield from ask(
        each("erc20/token.decimals", under),
        each("erc20/token.symbol", under, optional=True),
        _slots(markets, USUAL),
        each(f"{V}.borrowRatePerBlock", markets, optional=True),
        *(each(f"{V}.{name}", markets) for name in BOOKS),
        *model_reads(makers),
    )
    columns = answers[: len(BOOKS)]
    pools = [Pool(*(column[place][0] for column in columns)) for place in range(len(markets))]
    made = models(makers, answers[len(BOOKS) :], pools, [row[0] if row else None for row in rates])
    places = yield from _places(markets, words, pools, [row[0] for row in factors])
    tokens = _tokens(markets, symbols, below, (decimals, names))
    return tuple(
        Fixed(token, mine is None, model, *kept)
        for token, mine, model, kept in zip(tokens, below, made, places, strict=True)
    )


def _slots(markets: Sequence[ChecksumAddress], places: range) -> Slot:
    return Slot(tuple(v for v in markets for _ in places), tuple(places) * len(markets))


def _tokens(
    markets: Sequence[ChecksumAddress], symbols: Rows, below: Sequence[ChecksumAddress | None], beside: Sequence[Rows]
) -> list[Token]:
    """The underlying tokens. Who has none takes the chain's own coin and gives it its name."""
    decimals, names = (iter(column) for column in beside)
    found: list[Token] = []
    taken: set[ChecksumAddress] = set()
    for v, (symbol,), address in zip(markets, symbols, below, strict=True):
        if address is None:
            token = Token(NATIVE, symbol.removeprefix("v"), COIN)
        else:
            name = next(names)
            token = Token(address, name[0] if name and name[0] else address[:10], next(decimals)[0])
        if token.address in taken:
            token = Token(v, f"{token.symbol} in {symbol}", token.decimals)
        taken.add(token.address)
        found.append(token)
    return found


def _places(
    markets: Sequence[ChecksumAddress], words: Rows, pools: Sequence[Pool], factors: Sequence[int]
) -> Query[list[tuple[int, int]]]:
    """The slot of each mapping of debts, and the initial exchange rate, which is two words before the stamp."""
    found = [
        _kept(words, number, USUAL, pool, factor)
        for number, (pool, factor) in enumerate(zip(pools, factors, strict=True))
    ]
    lost = [place for place, kept in enumerate(found) if kept is None]
    if lost:
        everywhere = range(SEARCHED)
        (more,) = yield from ask(_slots([markets[place] for place in lost], everywhere))
        for number, place in enumerate(lost):
            found[place] = _kept(more, number, everywhere, pools[place], factors[place])
    for v, kept in zip(markets, found, strict=True):
        if kept is None:
            raise AnswerError(f"{v} keeps its debts where no known vToken does")
    return [kept for kept in found if kept is not None]


def _kept(words: Rows, number: int, slots: range, pool: Pool, factor: int) -> tuple[int, int] | None:
    row = [word for (word,) in words[number * len(slots) : (number + 1) * len(slots)]]
    mapping = snapshots(row, pool)
    if mapping is None:
        return None
    stamp = mapping - _FROM_STAMP
    proved = stamp >= 2 and row[stamp - 1] == factor
    return (mapping + slots.start, row[stamp - 2]) if proved else None


def minting(controller: ChecksumAddress) -> Query[Minting]:
    """VAI, and where its controller keeps the block of its last accrual: the word after the index, which has a getter."""
    tokens, indices, years, words = yield from ask(
        one("venus/vai.getVAIAddress", controller),
        one("venus/vai.vaiMintIndex", controller),
        one("venus/vai.getBlocksPerYear", controller),
        _slots([controller], range(SEARCHED)),
    )
    token, (index,) = tokens[0][0], indices[0]
    decimals, symbols = yield from ask(each("erc20/token.decimals", [token]), each("erc20/token.symbol", [token]))
    places = [place for place, (word,) in enumerate(words) if word == index]
    if len(places) != 1:
        raise AnswerError(f"VAI's controller {controller} keeps its index in {len(places)} places: expected one")
    return Minting(Token(token, symbols[0][0], decimals[0][0]), places[0] + 1, years[0][0])
