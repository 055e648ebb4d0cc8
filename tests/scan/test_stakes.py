"""Every linear family as strands, and what a first liquidation takes there, against the adapter's own integers account by account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.adapters.situations import address
from tests.benchmarks import families
from tests.benchmarks.families import Pool, crowd, pools
from watcher.adapter import Position, Price
from watcher.adapters import adapter
from watcher.appraisal.asset import Asset
from watcher.book.book import Book
from watcher.config import Chain, Group
from watcher.health.fall import fall
from watcher.model import Side, Token, Unit
from watcher.oracle.path import Quotient, RatioCap, Step
from watcher.risk.drive import Feed
from watcher.scan.feeds import followed
from watcher.scan.given import Closings, Told
from watcher.scan.stakes import Stakes, money, stakes

FAMILIES = pools()
ACCOUNTS = 40


def chain(pool: Pool, *groups: Group) -> Chain:
    return Chain("paper", pool.terms.market.chain, (), Decimal(12), 0, 60, None, groups=groups)


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> tuple[Book[Any, Any, Any], Pool, Stakes]:
    name, pool = request.param, FAMILIES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "ACCOUNTS", ACCOUNTS)
        book = Book(pool.terms.market, adapter(name), pool.terms, crowd(adapter(name), pool))
    return book, pool, stakes(book, pool.quote, chain(pool), {})


def test_sums_are_those_that_the_contract_compares(family: tuple[Book[Any, Any, Any], Pool, Stakes]) -> None:
    book, pool, seen = family
    assert len(seen) == ACCOUNTS and seen.free == 0 and seen.unknown == () and seen.unit is not None
    unit = 10.0**seen.unit.decimals
    for place, row in enumerate(seen.rows.tolist()):
        valued = book.adapter.value(pool.terms, pool.quote, book.holding(row))
        near = 1e-6 * valued.debt / unit + 1e-3  # a raw unit of a coarse token
        cut = near + (2e-4 * valued.debt / unit if book.adapter.truncates(pool.terms) else 0)
        assert abs(seen.debt[place] - valued.debt / unit) < near
        assert abs(seen.protected[place] - valued.line.weighted / valued.line.owed * seen.debt[place]) < 2 * cut
        assert abs(seen.by(Side.COLLATERAL)[place].sum() - valued.collateral / unit) < 2 * near
        assert seen.liquidatable[place] == valued.liquidatable


def test_what_is_taken_at_the_line_is_plausible_and_its_own_where_it_is_asked_for(
    family: tuple[Book[Any, Any, Any], Pool, Stakes],
) -> None:
    book, pool, seen = family
    closings = Closings(book, pool.quote, seen)
    heard: list[tuple[int, int]] = []
    found = closings.all(lambda done, of: heard.append((done, of)))
    assert heard[-1][0] == heard[-1][1] < ACCOUNTS
    for place, taken in enumerate(found):
        own = closings.own(place)
        steps = fall(Position(book.adapter, pool.terms, pool.quote, book.holding(int(seen.rows[place])))).steps
        if own is None:
            assert taken.told is Told.BOUND or steps is None
            continue
        assert 0 < own.repaid <= seen.debt[place] * 1.001 and 0 <= own.cost < 0.3 * own.repaid
        if taken.told is not Told.BOUND:
            assert taken.repaid == pytest.approx(own.repaid, rel=0.6)  # of one order of size, by the same rule
            assert taken.cost * own.repaid == pytest.approx(own.cost * taken.repaid, rel=0.5, abs=1e-3 * own.repaid**2)
        assert taken.cost <= seen.debt[place]
    assert sum(one.told is not Told.BOUND for one in found) > ACCOUNTS / 2
    largest: dict[tuple[object, ...], float] = {}
    for kind, debt in zip(kinds(seen), seen.debt.tolist(), strict=True):
        largest[kind] = max(debt, largest.get(kind, 0.0))
    for kind, debt, taken in zip(kinds(seen), seen.debt.tolist(), found, strict=True):
        assert taken.told is Told.BOUND or (taken.told is Told.OWN) == (debt == largest[kind])


def kinds(seen: Stakes) -> list[tuple[object, ...]]:
    """The same tokens on the same sides, one order of size, one side of the line."""
    return [
        (tuple((row != 0).tolist()), len(str(int(debt))), past)
        for row, debt, past in zip(seen.whole, seen.debt.tolist(), seen.liquidatable.tolist(), strict=True)
    ]


def test_values_are_counted_in_dollars_in_the_loan_or_in_what_a_group_stands_for() -> None:
    morpho, aave = FAMILIES["morpho_blue"], FAMILIES["aave_v2"]
    books = {name: Book(pool.terms.market, adapter(name), pool.terms, {}) for name, pool in FAMILIES.items()}
    loan = money(books["morpho_blue"], Unit("USDC", 6), chain(morpho), {})
    assert isinstance(loan, Asset) and loan.token == morpho.terms.loan
    assert money(books["aave_v2"], Unit("USD", 8), chain(aave), {}) is None
    weth = Token(address(77), "ETH", 18)
    ether = money(books["aave_v2"], Unit("ETH", 18), chain(aave, Group("ETH", (weth.address,))), {})
    assert ether == Asset(aave.terms.market.chain, weth)
    assert money(books["aave_v2"], Unit("XAU", 18), chain(aave), {}) == (
        "its values are in XAU, and no group of that name says what that is"
    )


def test_a_market_where_nobody_is_valued_has_stakes_of_nobody() -> None:
    pool = FAMILIES["morpho_blue"]
    book = Book(pool.terms.market, adapter("morpho_blue"), pool.terms, {})
    seen = stakes(book, pool.quote, chain(pool), {})
    assert (len(seen), seen.unit, seen.assets) == (0, None, ())
    assert Closings(book, pool.quote, seen).all(lambda *_: None) == ()


def test_an_oracle_at_a_rate_sees_no_lost_peg_and_one_that_quotes_the_loan_does() -> None:
    steth, weth, usdc = (
        Token(address(number), symbol, 18) for number, symbol in ((1, "wstETH"), (2, "WETH"), (3, "USDC"))
    )
    unit = Unit("USD", 8)
    prices = [Price(token, 1, unit, address(0x50 + place), "", (), None) for place, token in enumerate((steth, weth))]
    plain = step(0x51)
    capped = step(0x50, RatioCap(address(9), 1, 1, 0, 0, 18), plain)
    assert followed(prices, {capped.source: capped, plain.source: plain}, None) == {
        steth.address: Feed.RATE,
        weth.address: Feed.MARKET,
    }
    assert followed(prices, {}, None) == {}
    rule = Quotient(1, 1, None, 1, None, 1)
    quoted, bare = step(0x50, rule, plain, plain), step(0x50, rule, plain)
    assert followed(prices[:1], {quoted.source: quoted}, usdc.address)[usdc.address] is Feed.MARKET
    assert followed(prices[:1], {bare.source: bare}, usdc.address)[usdc.address] is Feed.RATE


def step(source: int, rule: RatioCap | Quotient | None = None, *below: Step) -> Step:
    return Step(address(source), "", 1, 8, None, None, rule, below)
