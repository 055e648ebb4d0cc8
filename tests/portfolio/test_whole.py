"""Several positions as one wallet, on the toy market: dollars, who is first, and the best dollar of repayment."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.health.toy import BLOCK, KEY, A, B, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.bands import VOLATILE, level
from watcher.health.outlook import outlook
from watcher.health.status import read
from watcher.model import Market, Status, Token
from watcher.oracle.dollar import Dollar, Rates
from watcher.portfolio.beside import Beside
from watcher.portfolio.danger import first, room, standing
from watcher.portfolio.part import Margin, part
from watcher.portfolio.second import seconds
from watcher.portfolio.vaults import Deposit, Share
from watcher.portfolio.whole import Place, Pool, Whole, families
from watcher.portfolio.worth import Sum, deposited, total, worth
from watcher.units import Raw

Toy = Position[Terms, Quote, Holding]
RATES = Rates({B.address: Dollar(B.address, "T2", 5 * 10**7, 8, 1_000)})  # half a dollar for one of it


def loan(debt: int, name: str = "near", collateral: int = 30_000, error: WatcherError | None = None) -> Row:
    """`collateral` raw T1 of 100.00 each (four decimals) at 80 % against `debt` raw T2."""
    toy = position({A: 10_000, B: 10_000}, {A: 8_000}, {A: collateral}, {B: debt} if debt else {})
    reading = read(replace(KEY, market=name), BLOCK, error or toy)
    if reading.valuation is not None:
        reading = replace(reading, status=level(reading.valuation, VOLATILE))
    return Row(Market(1, "toy", f"local/toy/{name}", A.address), toy, reading, True, ())


def pool(row: Row, rates: Rates | None = None) -> Pool:
    seen = None if row.reading.valuation is None else outlook(row.position)
    return Pool(row, part(row, seen, None, (), Beside(rates=rates or Rates())))


def whole(*rows: Row) -> Whole:
    return Whole("mine", (Place("local", 1, BLOCK, families(map(pool, rows))),))


def test_dollars_are_exact_sums_of_what_the_market_says() -> None:
    found = whole(loan(20_000), loan(10_000, "far"))
    assert found.worth == Sum(Fraction(600), Fraction(300))
    assert found.worth.net == 300


def test_what_cannot_be_told_is_named_and_the_rest_is_summed() -> None:
    found = whole(loan(20_000), loan(1, "lost", error=WatcherError("the oracle reverts")))
    assert found.worth.owed == 200
    assert found.worth.missing == ("local/toy/lost: unknown: the oracle reverts",)
    assert found.unranked == ("local/toy/lost: the oracle reverts",)


def test_a_market_that_counts_in_a_token_needs_that_tokens_feed() -> None:
    row = loan(20_000)
    of = replace(row.position.adapter, money=lambda _: B.address)
    counted = replace(row, position=replace(row.position, adapter=of))
    assert worth(counted, RATES).owed == Fraction(200, 2)
    assert worth(counted, Rates()).missing == ("local/toy/near: no US dollar feed of USD is known here",)


def test_the_smallest_fall_is_first_and_the_line_itself_before_it() -> None:
    near, far, over = loan(22_000, "b"), loan(10_000, "a"), loan(30_000, "c")
    assert [row.reading.status for row in (near, far, over)] == [Status.DANGER, Status.SAFE, Status.LIQUIDATABLE]
    one = whole(far, near).first
    assert one is not None
    assert (one.row, one.of) == (near, "the price of all collateral")
    assert one.steps == outlook(near.position).fall.steps
    crossed = whole(far, over, near).first
    assert crossed is not None
    assert (crossed.row, crossed.steps) == (over, 0)


def test_who_owes_nothing_is_never_first() -> None:
    assert whole(loan(0)).first is None
    assert whole(loan(0)).best is None


def test_a_distance_that_is_not_known_is_not_compared_and_said() -> None:
    lost = standing(loan(20_000), None, "overflow")
    assert (lost.steps, lost.reason) == (None, "overflow")
    assert first([lost]) is None


def test_room_is_what_of_the_weighted_collateral_may_be_lost() -> None:
    row = loan(20_000)
    assert row.reading.valuation is not None
    assert room(row.reading.valuation) == 1 - Fraction(200, 240)
    bare = loan(0).reading.valuation
    assert bare is not None
    assert room(bare) == 1


def test_a_dollar_gains_one_over_the_weighted_collateral_where_it_is_spent() -> None:
    """200.00 against 240.00: health 1.2 becomes 240/199; the room grows by 1/240."""
    best = whole(loan(20_000)).best
    assert best is not None
    assert (best.token, best.amount) == (B, 100)  # raw units of a token at 100.00 for 10,000 of them
    assert best.distance == Fraction(1, 240)
    assert best.health == (24_000 * 10**18 * 2 + 19_900) // (2 * 19_900) - 12 * 10**17


def test_the_dollar_goes_to_the_worst_band_and_there_to_where_it_gains_most() -> None:
    tiny_and_safe = loan(100, "tiny", collateral=300)
    small, large = loan(22_000, "small"), loan(220_000, "large", collateral=300_000)
    assert small.reading.status is large.reading.status is Status.DANGER
    best = whole(tiny_and_safe, large, small).best
    assert best is not None
    assert best.row is small


def test_less_than_a_dollar_of_debt_is_repaid_whole() -> None:
    best = whole(loan(50, collateral=70)).best
    assert best is not None
    assert (best.amount, best.health) == (50, None)


@pytest.mark.parametrize(("identity", "margin"), [(b"", Margin.CROSS), (b"\1" * 32, Margin.ISOLATED)])
def test_a_market_with_an_id_of_its_own_is_isolated_margin(identity: bytes, margin: Margin) -> None:
    row = loan(20_000)
    assert pool(replace(row, market=replace(row.market, id=identity))).part.margin is margin


def test_a_second_price_stands_beside_with_its_deviation() -> None:
    row = loan(20_000)
    prices = row.position.adapter.prices(row.position.terms, row.position.quote)
    (found,) = seconds(prices, None, Rates({A.address: Dollar(B.address, "T1", 8_000_000_000, 8, 1)}))
    assert (found.token, found.price, found.deviation) == (A, Fraction(80), Fraction(1, 4))  # the protocol says 100.00
    own = Rates({A.address: Dollar(A.address, "T1", 8_000_000_000, 8, 1)})
    assert seconds(prices, None, own) == ()  # the protocol's own source is no second price


def test_vault_shares_count_by_what_they_convert_to() -> None:
    vault = Token(A.address, "mT2", 18)
    share = Share(A.address, Raw(10**18), B, Raw(30_000))
    assert deposited(Deposit(A.address, vault, Raw(10**18), share), RATES) == Sum(Fraction(3, 2))
    lost = deposited(Deposit(A.address, vault, Raw(10**18), None), RATES)
    assert lost.missing == ("vault mT2: it does not say what its shares convert to",)
    assert deposited(Deposit(A.address, vault, Raw(10**18), share), Rates()).missing == (
        "vault mT2: no US dollar feed of T2 is known here",
    )


def test_a_total_repeats_no_reason() -> None:
    assert total([Sum(Fraction(1), missing=("x",)), Sum(owed=Fraction(2), missing=("x", "y"))]) == Sum(
        Fraction(1), Fraction(2), ("x", "y")
    )
