"""What speaks against a price: each doubt with its threshold, one unit below it and one above."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.oracle.build import ETH, INNER, LATER, NOW, PEG, RATES, USDT, WSTETH, plain
from watcher.adapter import Price
from watcher.model import Doubt, DoubtKind, Token, Unit
from watcher.oracle.dollar import Dollar, Rates
from watcher.oracle.feed import OLD
from watcher.oracle.path import Product, RatioCap, StableCap, Step
from watcher.oracle.trust import APART, FRESH, NEAR, Known, Replaced, aggregators, doubts, late, replacements

TOKEN = Token(USDT, "USDT", 6)
PRICE = Price(TOKEN, 10**8, Unit("USD", 8), PEG, "Capped USDT", (), None)
HOURLY = Known(heartbeats={ETH: 3_600})


def said(price: Price, path: Step, known: Known | None = None, now: int = NOW) -> list[DoubtKind]:
    return [doubt.kind for doubt in doubts(price, path, known or Known(), now)]


def stable(answer: int, cap: int) -> Step:
    return Step(PEG, "Capped USDT", min(answer, cap), 8, None, None, StableCap(cap), (plain(answer),))


@pytest.mark.parametrize(
    ("known", "age", "old"),
    [
        (HOURLY, 3_960, False),  # a tenth more than it promises
        (HOURLY, 3_961, True),
        (Known(), OLD, False),  # nothing is known of it
        (Known(), OLD + 1, True),
    ],
)
def test_f26_a_round_is_overdue_by_its_own_heartbeat_or_by_the_slowest_usual_one(
    known: Known, age: int, old: bool
) -> None:
    step = plain(10**8, updated=NOW - age)
    assert late(step, known, NOW) is old
    assert said(PRICE, step, known) == ([DoubtKind.STALE] if old else [])


def test_f26_a_round_that_is_not_complete_is_in_doubt() -> None:
    (doubt,) = doubts(PRICE, plain(10**8, updated=0), Known(), NOW)
    assert (doubt.kind, "not complete" in doubt.text) == (DoubtKind.STALE, True)


def test_an_overdue_feed_deep_in_a_path_is_named_once_with_its_promise() -> None:
    old = plain(10**8, updated=NOW - 7_200)
    middle = Step(WSTETH, "scaled", 10**8, 8, NOW - 7_200, None, Product(), (old,))
    (doubt,) = doubts(PRICE, Step(PEG, "twice", 1, 8, NOW - 7_200, None, Product(), (middle, old)), HOURLY, NOW)
    assert doubt.text == (
        "the price of USDT rests on ETH / USD, which was last updated 2 hours ago and promises a round every 60 minutes"
    )


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (100_000_000, []),
        (104_000_000 * 1_000_000 // (1_000_000 + NEAR) - 1, []),
        (104_000_000 * 1_000_000 // (1_000_000 + NEAR) + 1, [DoubtKind.NEAR_CAP]),
        (104_000_000, [DoubtKind.NEAR_CAP]),
        (104_000_001, [DoubtKind.CAPPED]),
    ],
)
def test_a_price_is_near_its_cap_below_half_a_per_cent_and_capped_above_it(answer: int, kinds: list[DoubtKind]) -> None:
    assert said(PRICE, stable(answer, 104_000_000)) == kinds


def test_a_binding_cap_says_what_it_keeps_back() -> None:
    rule = RatioCap(RATES, 12 * 10**17, 11 * 10**17, NOW, 0, 18)
    path = Step(WSTETH, "Capped wstETH", 2_200, 8, None, None, rule, (plain(2_000),))
    (doubt,) = doubts(PRICE, path, Known(), NOW)
    assert doubt == Doubt(
        DoubtKind.CAPPED, "the price of USDT is held down by its cap (Capped wstETH): 9.09 % more without"
    )


def second(dollars: int) -> Known:
    """Chainlink's own price of the token, in millionths of a dollar."""
    return Known(rates=Rates({USDT: Dollar(LATER, "USDT", dollars, 6, NOW)}))


@pytest.mark.parametrize(
    ("own", "apart"), [(1_020_000, False), (1_020_001, True), (980_000, False), (979_999, True), (1_000_000, False)]
)
def test_two_prices_are_apart_by_more_than_two_per_cent_of_the_second(own: int, apart: bool) -> None:
    assert APART == 20_000
    found = said(replace(PRICE, answer=own * 100), plain(own * 100), second(1_000_000))
    assert found == ([DoubtKind.DEVIATES] if apart else [])


def test_a_price_in_ether_is_compared_through_the_dollar_price_of_ether() -> None:
    ether = Dollar(ETH, "ETH", 2_000 * 10**8, 8, NOW)
    known = Known(rates=Rates({WSTETH: ether, USDT: Dollar(LATER, "USDT", 10**6, 6, NOW)}))
    price = replace(PRICE, answer=10**18 // 1_900, unit=Unit("ETH", 18))
    assert said(price, plain(10**8), known) == [DoubtKind.DEVIATES]
    assert said(replace(price, answer=10**18 // 2_000), plain(10**8), known) == []


def test_without_a_second_price_nothing_is_compared() -> None:
    of_no_use = Dollar(LATER, "USDT", None, 6, None, "it does not answer")
    assert said(replace(PRICE, answer=5), plain(5), Known(rates=Rates({USDT: of_no_use}))) == []
    assert said(replace(PRICE, answer=5, unit=Unit("EURC", 36)), plain(5), second(10**6)) == []
    assert said(replace(PRICE, answer=None), plain(5), second(10**6)) == []


@pytest.mark.parametrize("answer", [0, -1])
def test_a_price_whose_own_source_gives_none_is_a_fallbacks(answer: int) -> None:
    (doubt,) = doubts(PRICE, plain(answer), Known(), NOW)
    assert doubt == Doubt(
        DoubtKind.FALLBACK, f"the price of USDT is a fallback's: its own source, ETH / USD, answers {answer}"
    )
    assert said(replace(PRICE, answer=None), plain(answer)) == []


def test_f27_a_replaced_feed_is_said_for_a_day() -> None:
    paths = {PEG: stable(10**8, 104_000_000)}
    before = aggregators(paths)
    assert before == {ETH: INNER}
    assert replacements(before, paths, NOW) == {}
    assert replacements({}, paths, NOW) == {}  # a first look has nothing to compare with
    below = replace(plain(10**8), aggregator=LATER)
    later = {PEG: replace(paths[PEG], below=(below,))}
    change = replacements(before, later, NOW)
    assert change == {ETH: Replaced(INNER, LATER, NOW)}
    known = Known(replaced=change)
    (doubt,) = doubts(PRICE, later[PEG], known, NOW + FRESH - 1)
    assert (doubt.kind, INNER in doubt.text, LATER in doubt.text) == (DoubtKind.REPLACED, True, True)
    assert doubts(PRICE, later[PEG], known, NOW + FRESH) == ()


def test_the_rate_of_a_currency_is_exact() -> None:
    assert Rates().of(Unit("USD", 8), None).each == Fraction(1, 10**8)
