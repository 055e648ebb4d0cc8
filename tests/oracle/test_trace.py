"""Price sources followed inwards: what kind each is, told by the getters it answers, and how many round trips that takes."""

from __future__ import annotations

import pytest

from tests.oracle.build import (
    ETH,
    INNER,
    NOW,
    ORACLE,
    PEG,
    PT,
    RATES,
    TOKEN,
    USDT,
    VAULT,
    WSTETH,
    capped_peg,
    capped_rate,
    feed,
    paper,
)
from watcher.oracle.feed import NOBODY
from watcher.oracle.path import Average, Discount, PeggedCap, Product, Quotient, RatioCap, Scaled, StableCap, explained
from watcher.oracle.trace import DEEP, trace


def test_a_plain_feed_is_one_step_and_one_round_trip() -> None:
    chain = paper({ETH: feed("ETH / USD", 2_000 * 10**8)})
    (step,) = chain.run(trace([ETH, ETH, NOBODY])).values()
    assert chain.rounds == 1
    assert (step.description, step.answer, step.decimals, step.updated, step.aggregator) == (
        "ETH / USD",
        2_000 * 10**8,
        8,
        NOW - 30,
        INNER,
    )
    assert (step.rule, step.below) == (None, ())


def test_a_capped_rate_stands_on_its_base_feed() -> None:
    sources = {ETH: feed("ETH / USD", 2_000 * 10**8), WSTETH: capped_rate(2_400 * 10**8, ratio=12 * 10**17)}
    chain = paper(sources | {WSTETH: sources[WSTETH] | {"getMaxRatioGrowthPerSecondScaled": (3 * 10**18,)}})
    step = chain.run(trace([WSTETH]))[WSTETH]
    assert chain.rounds == 2
    assert step.rule == RatioCap(RATES, 12 * 10**17, 10**18, NOW - 86_400, 3 * 10**18, 18)
    assert [below.source for below in step.below] == [ETH]
    assert explained(step, NOW)


def test_the_first_capped_rates_said_their_growth_in_whole_units() -> None:
    said = capped_rate(1, ratio=12 * 10**17)
    del said["getMaxRatioGrowthPerSecondScaled"]
    chain = paper({ETH: feed("ETH / USD", 1), WSTETH: said | {"getMaxRatioGrowthPerSecond": (5,)}})
    rule = chain.run(trace([WSTETH]))[WSTETH].rule
    assert isinstance(rule, RatioCap)
    assert rule.growth == 5 * 10**6
    assert rule.most(NOW) == 10**18 + 5 * 86_400


def test_a_discounted_token_over_a_capped_rate_over_a_capped_peg_takes_four_round_trips() -> None:
    discounted = {
        "description": ("PT",),
        "latestAnswer": (1,),
        "ASSET_TO_USD_AGGREGATOR": (WSTETH,),
        "PENDLE_PRINCIPAL_TOKEN": (TOKEN,),
        "MATURITY": (NOW + 100,),
        "discountRatePerYear": (10**17,),
    }
    rate = capped_rate(1, ratio=10**18) | {"BASE_TO_USD_AGGREGATOR": (PEG,)}
    chain = paper({PT: discounted, WSTETH: rate, PEG: capped_peg(10**8, 104 * 10**6), USDT: feed("USDT / USD", 10**8)})
    walked = list(chain.run(trace([PT]))[PT].walk())
    assert chain.rounds == 4
    assert [type(step.rule) for step in walked] == [Discount, RatioCap, StableCap, type(None)]
    assert walked[0].rule == Discount(TOKEN, 10**17, NOW + 100)
    assert walked[2].rule == StableCap(104 * 10**6)


def test_a_pegged_cap_stands_on_the_asset_and_on_what_it_is_pegged_to() -> None:
    pegged = {
        "latestAnswer": (1,),
        "ASSET_TO_USD_AGGREGATOR": (USDT,),
        "BASE_TO_USD_AGGREGATOR": (ETH,),
        "getPriceCapRatio": (104 * 10**6,),
        "RATIO_DECIMALS": (8,),
    }
    chain = paper({PEG: pegged, USDT: feed("EURC / USD", 1), ETH: feed("EUR / USD", 1)})
    step = chain.run(trace([PEG]))[PEG]
    assert step.rule == PeggedCap(104 * 10**6, 8)
    assert [below.source for below in step.below] == [USDT, ETH]


def test_a_morpho_oracle_is_read_with_what_its_vault_converts_to() -> None:
    oracle = {
        "price": (2_000 * 11 * 10**17,),
        "SCALE_FACTOR": (1,),
        "BASE_VAULT": (VAULT,),
        "BASE_VAULT_CONVERSION_SAMPLE": (10**18,),
        "BASE_FEED_1": (ETH,),
        "BASE_FEED_2": (NOBODY,),
        "QUOTE_VAULT": (NOBODY,),
        "QUOTE_VAULT_CONVERSION_SAMPLE": (1,),
        "QUOTE_FEED_1": (USDT,),
        "QUOTE_FEED_2": (NOBODY,),
    }
    sources = {ETH: feed("ETH / USD", 2_000), USDT: feed("USDT / USD", 1), VAULT: {"convertToAssets": (11 * 10**17,)}}
    chain = paper(sources | {ORACLE: oracle})
    step = chain.run(trace([ORACLE]))[ORACLE]
    assert chain.rounds == 2
    assert step.rule == Quotient(1, 1, VAULT, 11 * 10**17, None, 1)
    assert [below.source for below in step.below] == [ETH, USDT]
    assert explained(step, NOW)
    silent = paper({ETH: sources[ETH], USDT: sources[USDT], ORACLE: oracle}).run(trace([ORACLE]))[ORACLE]
    assert silent.rule == Product(VAULT)


def test_the_first_morpho_oracles_have_one_vault_on_the_base_side() -> None:
    oracle = {
        "price": (22,),
        "SCALE_FACTOR": (1,),
        "VAULT": (VAULT,),
        "VAULT_CONVERSION_SAMPLE": (10,),
        "BASE_FEED_1": (ETH,),
    }
    chain = paper({ORACLE: oracle, ETH: feed("ETH / USD", 2), VAULT: {"convertToAssets": (11,)}})
    step = chain.run(trace([ORACLE]))[ORACLE]
    assert step.rule == Quotient(1, 1, VAULT, 11, None, 1)
    assert explained(step, NOW)


def test_a_capped_rate_of_compound_keeps_its_growth_on_a_scale_of_its_own() -> None:
    said = {
        "latestRoundData": (1, 11, NOW - 5, NOW - 5, 1),
        "decimals": (8,),
        "assetToBaseAggregator": (ETH,),
        "ratioProvider": (VAULT,),
        "getRatio": (11 * 10**17,),
        "ratioDecimals": (18,),
        "snapshotRatio": (10**18,),
        "snapshotTimestamp": (NOW - 100,),
        "maxRatioGrowthPerSecond": (3 * 10**25,),
        "GROWTH_RATIO_SCALE": (10**10,),
    }
    step = paper({WSTETH: said, ETH: feed("ETH / USD", 10)}).run(trace([WSTETH]))[WSTETH]
    assert step.rule == RatioCap(VAULT, 11 * 10**17, 10**18, NOW - 100, 3 * 10**25, 18, 10**10)
    assert [below.source for below in step.below] == [ETH]
    assert explained(step, NOW)


@pytest.mark.parametrize(
    ("said", "below", "rule"),
    [
        ({"underlyingPriceFeed": (ETH,)}, [ETH], Scaled()),
        (
            {"priceFeedA": (ETH,), "priceFeedB": (USDT,), "combinedScale": (10**26,), "priceFeedScale": (10**8,)},
            [ETH, USDT],
            Quotient(10**8, 2, None, 1, None, 10**26),
        ),
        (
            {"priceFeedA": (ETH,), "priceFeedB": (USDT,), "priceFeedAScale": (10**8,), "priceFeedBScale": (10**18,)}
            | {"priceFeedScale": (10**8,)},
            [ETH, USDT],
            Quotient(10**26, 1, None, 1, None, 10**8),
        ),
        (
            {"WBTCToBTCPriceFeed": (ETH,), "BTCToUSDPriceFeed": (USDT,)}
            | {"combinedScale": (10**16,), "priceFeedScale": (10**8,)},
            [ETH, USDT],
            Quotient(10**8, 2, None, 1, None, 10**16),
        ),
    ],
)
def test_compounds_composed_feeds_are_made_of_their_parts(said: dict[str, object], below: object, rule: object) -> None:
    chain = paper({WSTETH: said, ETH: feed("ETH / USD", 1), USDT: feed("USDT / USD", 1)})
    step = chain.run(trace([WSTETH]))[WSTETH]
    assert (step.rule, [part.source for part in step.below]) == (rule, below)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"underlyingPriceFeed": (ETH,), "rateProvider": (RATES,)}, Product(RATES)),
        ({"priceFeedA": (ETH,), "priceFeedB": (USDT,)}, Product()),
        ({"stETHtoETHPriceFeed": (ETH,)}, Product()),
        ({"ASSET_TO_PEG": (USDT,), "PEG_TO_BASE": (ETH,)}, Product()),
        ({"price_oracle": (10**18,), "ma_exp_time": (866,)}, Average(866)),
        ({"price_oracle": (10**18,)}, Average(None)),
    ],
)
def test_what_only_the_source_can_compute_is_shown_with_its_parts(said: dict[str, object], rule: object) -> None:
    chain = paper({WSTETH: {"latestAnswer": (1,)} | said, ETH: feed("ETH / USD", 1), USDT: feed("USDT / USD", 1)})
    step = chain.run(trace([WSTETH]))[WSTETH]
    assert step.rule == rule
    assert not explained(step, NOW)


def test_a_source_without_a_word_is_shown_by_its_address() -> None:
    step = paper({}).run(trace([WSTETH]))[WSTETH]
    assert (step.source, step.description, step.answer, step.rule) == (WSTETH, WSTETH, None, None)


def test_a_source_that_stands_on_itself_ends() -> None:
    chain = paper({WSTETH: capped_peg(1, 1) | {"ASSET_TO_USD_AGGREGATOR": (PEG,)}, PEG: capped_peg(1, 1)})
    chain.functions["chainlink/cap.ASSET_TO_USD_AGGREGATOR"] = lambda at, _: (PEG,) if at == WSTETH else (WSTETH,)  # type: ignore[index]  # the table is a dict
    walked = list(chain.run(trace([WSTETH]))[WSTETH].walk())
    assert [step.source for step in walked] == [WSTETH, PEG, WSTETH]
    assert walked[-1].answer is None
    assert chain.rounds == 2 < DEEP
