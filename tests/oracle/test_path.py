"""A price made again from its parts, held to what Aave's own adapters answered on a local chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.build import ETH, INNER, NOW, PEG, PT, RATES, TOKEN, USDT, VAULT, WSTETH, plain
from watcher.oracle.path import (
    Average,
    Discount,
    PeggedCap,
    Product,
    Quotient,
    RatioCap,
    Rule,
    Scaled,
    StableCap,
    Step,
    answer,
    caps,
    explained,
    moves,
)

ROWS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("capo.json").read_text())["rows"]


def made(rule: Rule, *below: Step, says: int | None = None) -> Step:
    return Step(WSTETH, "made", says, 8, None, None, rule, below)


def capped(row: dict[str, Any]) -> Step:
    """The capped ratio of a row of the vectors over its base feed."""
    numbers = (int(row[name]) for name in ("ratio", "snapshot", "since", "growth", "decimals"))
    return made(RatioCap(RATES, *numbers), plain(int(row["base"])), says=int(row["answer"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["at"])
def test_every_adapter_is_made_again_to_the_last_unit(row: dict[str, Any]) -> None:
    at, ratio = int(row["at"]), capped(row)
    (cap,) = caps(ratio, at)
    assert cap.binding == row["capped"]
    base, limit, says = (int(word) for word in row["stable"])
    assert answer(made(StableCap(limit), plain(base)), at) == says
    asset, base, limit, places, says = (int(word) for word in row["peg"])
    assert answer(made(PeggedCap(limit, places), plain(asset), plain(base)), at) == says
    rate, maturity, discount, says = (int(word) for word in row["discount"])
    rule = Discount(TOKEN, rate, maturity)
    assert rule.now(at) == discount
    assert answer(made(rule, ratio), at) == says


def test_the_vectors_have_caps_that_bind_and_tokens_that_have_matured() -> None:
    assert {row["capped"] for row in ROWS} == {True, False}
    assert {int(row["discount"][2]) == 0 for row in ROWS} == {True, False}
    assert {int(row["stable"][0]) > int(row["stable"][1]) for row in ROWS} == {True, False}


COMPOUND: list[list[str]] = json.loads(Path(__file__).with_name("compound.json").read_text())["rows"]


@pytest.mark.parametrize("row", COMPOUND, ids=lambda row: row[0])
def test_compounds_feeds_are_made_again_to_the_last_unit(row: list[str]) -> None:
    """A capped vault in other decimals than its base feed, a product, a quotient, and a feed that is rescaled both ways."""
    at, a, ratio, snapshot, since, growth, scaling, *says, b, times, over, wide, narrow = (int(word) for word in row)
    first, second = plain(a), replace(plain(b), decimals=18)
    rule = RatioCap(RATES, ratio, snapshot, since, growth, 18, scaling)
    for decimals, said in zip((6, 8, 18), says, strict=True):
        assert answer(replace(made(rule, first), decimals=decimals), at) == said
    assert answer(made(Quotient(10**8, 2, None, 1, None, 10**26), first, second), at) == times
    assert answer(made(Quotient(10**26, 1, None, 1, None, 10**8), first, second), at) == over
    assert answer(replace(made(Scaled(), first), decimals=18), at) == wide
    assert answer(made(Scaled(), second), at) == narrow
    assert answer(replace(made(Scaled(), first), decimals=None), at) is None


LINE = RatioCap(RATES, ratio=12 * 10**17, snapshot=11 * 10**17, since=NOW, growth=10**18, decimals=18)


def test_a_cap_grows_by_the_second_and_the_price_with_it_while_it_binds() -> None:
    price = made(LINE, plain(2_000 * 10**8))
    assert answer(price, NOW) == 2_200 * 10**8
    assert answer(price, NOW + 50_000) == 2_300 * 10**8  # 10**12 of 10**18 a second
    assert answer(price, NOW + 100_000) == answer(price, NOW + 10**9) == 2_400 * 10**8
    assert moves(price)


def test_room_is_how_far_the_ratio_can_rise_and_bound_is_the_price_it_then_has() -> None:
    price = made(LINE, plain(2_000 * 10**8), says=2_400 * 10**8)
    (cap,) = caps(price, NOW + 160_000)  # the line is at 1.26, the ratio at 1.2
    assert (cap.binding, cap.room) == (False, 50_000)
    assert (cap.bound, cap.free) == (2_520 * 10**8, 2_400 * 10**8)


def test_what_a_binding_cap_keeps_back_is_known() -> None:
    price = made(LINE, plain(2_000 * 10**8), says=2_200 * 10**8)
    (cap,) = caps(price, NOW)
    assert (cap.binding, cap.room) == (True, 0)
    assert (cap.bound, cap.free) == (2_200 * 10**8, 2_400 * 10**8)


def test_each_cap_of_a_path_is_bound_alone() -> None:
    """A principal token, half a year before maturity at 10 %, over a capped rate over a capped peg."""
    peg = Step(PEG, "Capped USDT", 10**8, 8, None, None, StableCap(104 * 10**6), (plain(10**8, USDT),))
    ratio = Step(
        WSTETH, "rate", 11 * 10**7, 8, None, None, RatioCap(RATES, 11 * 10**17, 12 * 10**17, NOW, 0, 18), (peg,)
    )
    rule = Discount(TOKEN, 10**17, NOW + 31_536_000 // 2)
    price = Step(PT, "PT", 11 * 10**7 * 95 // 100, 8, None, None, rule, (ratio,))
    assert explained(price, NOW)
    rate, stable = caps(price, NOW)
    assert (rate.step, rate.bound) == (ratio, 12 * 10**7 * 95 // 100)
    assert (stable.step, stable.bound) == (peg, 104 * 11 * 10**5 * 95 // 100)
    assert answer(price, NOW + 31_536_000) == 11 * 10**7
    assert [step.description for step in price.walk()] == ["PT", "rate", "Capped USDT", "ETH / USD"]


@pytest.mark.parametrize("base", [0, -5])
def test_a_base_that_is_no_price_makes_zero_as_the_adapters_do(base: int) -> None:
    below = plain(base)
    assert answer(made(LINE, below), NOW) == 0
    assert answer(made(StableCap(10**8), below), NOW) == 0
    assert answer(made(Discount(TOKEN, 10**17, NOW), below), NOW) == 0


@pytest.mark.parametrize(
    "rule", [LINE, StableCap(10**8), PeggedCap(10**8, 8), Discount(TOKEN, 1, NOW), Product(), Average(600)]
)
def test_nothing_is_concluded_where_a_part_is_missing_or_only_the_source_knows(rule: Rule) -> None:
    price = made(rule, plain(None), plain(None), says=10**8)
    assert answer(price, NOW) is None
    assert not explained(price, NOW)
    assert caps(price, NOW) == ()


def test_a_cap_below_what_only_the_source_knows_is_seen_without_a_price() -> None:
    inner = made(StableCap(104 * 10**6), plain(10**8), says=10**8)
    (cap,) = caps(made(Product(), inner, plain(10**8), says=5), NOW)
    assert (cap.room, cap.bound, cap.free) == (40_000, None, None)


def test_a_path_that_does_not_give_the_sources_own_answer_has_no_caps() -> None:
    assert caps(made(LINE, plain(2_000 * 10**8), says=1), NOW) == ()


def test_a_morpho_oracle_multiplies_bases_and_vault_and_divides_by_quotes() -> None:
    """MorphoChainlinkOracleV2.price: scale · (vault · feed 1 · feed 2) // (vault · feed), in whole numbers."""
    rule = Quotient(scale=10**10, bases=2, base_vault=VAULT, base_rate=1_100_007, quote_vault=None, quote_rate=1)
    price = made(rule, plain(2_000), plain(7), plain(3), says=51_333_660_000_000_000_000)
    assert explained(price, NOW)
    assert moves(price)
    assert answer(made(rule, plain(2_000), plain(7), plain(0)), NOW) is None
    assert answer(made(rule, plain(2_000), plain(-7), plain(3)), NOW) is None
    assert not moves(made(Quotient(1, 1, None, 1, None, 1), plain(1), plain(1)))


def test_a_plain_feed_moves_only_when_it_posts() -> None:
    assert not moves(plain(1))
    assert not moves(Step(ETH, "capped", 1, 8, None, INNER, StableCap(5), (plain(1),)))
    assert moves(made(Average(None)))
