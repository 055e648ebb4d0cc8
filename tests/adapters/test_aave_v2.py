"""What Aave V2's adapter makes of a pool's words, on a pool on paper: figures are proved on the real bytecode, not here."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import HexStr

from tests.adapters import aave_pool
from tests.adapters.aave_pool import (
    CONFIGURATOR,
    ETH,
    KEY,
    NOW,
    OLD,
    ORACLE,
    OWNER,
    POOL,
    PROVIDER,
    STRATEGY,
    TOKENS,
    USD,
    at,
    debt,
    deposit,
    stable,
    word,
)
from tests.adapters.paper import Answer, Paper, Row
from watcher.adapter import Acted, Event, Refusal, Repay, SetMode, Supply, Touch, Which, Withdraw
from watcher.adapters.aave_v2 import ADAPTER
from watcher.adapters.aave_v2.facts import Holding, Quote, Terms
from watcher.errors import AnswerError, CallReverted, MissingPrice
from watcher.model import Blocked, Market, Moment, PositionKey, Side, Unit
from watcher.units import RAY, WAD, Raw

MARKET = Market(1, "aave_v2", "paper/aave-v2", POOL)
ME = PositionKey(MARKET.name, KEY.key)
MANAGER, FALLBACK = at(20), at(21)
PRICES = {ETH: WAD, USD: WAD // 2_000, OLD: WAD // 400}
WORDS = {ETH: word(), USD: word(7_500, 7_800, 10_450, 6), OLD: word(0, 0, 0)}


def functions(**changed: Answer | Row) -> dict[str, Answer | Row]:
    """A pool priced in ether by an oracle of the first make. `changed` replaces some, with "__" for the dot."""
    shared = aave_pool.functions("3.0")
    kept = ("token.", "feed.", "stable_token.", "pool.getUserConfiguration")
    known: dict[str, Answer | Row] = {name: row for name, row in shared.items() if any(part in name for part in kept)}
    known |= {
        "aave_v2/pool.getAddressesProvider": (PROVIDER,),
        "aave_v2/pool.getReservesList": (TOKENS,),
        "aave_v2/pool.paused": (False,),
        "aave_v2/pool.LENDINGPOOL_REVISION": (2,),
        "aave_v2/pool.getReserveData": lambda _, args: _reserve(args[0]),
        "aave_v2/provider.getPriceOracle": (ORACLE,),
        "aave_v2/provider.getLendingPoolConfigurator": (CONFIGURATOR,),
        "aave_v2/provider.getLendingPoolCollateralManager": (MANAGER,),
        "aave_v2/oracle.WETH": (ETH,),
        "aave_v2/oracle.getFallbackOracle": (FALLBACK,),
        "aave_v2/oracle.getSourceOfAsset": lambda _, args: (at(int(args[0], 16) + 500),),
        "aave_v2/oracle.getAssetPrice": lambda _, args: (PRICES[args[0]],),
        "aave_v2/strategy.OPTIMAL_UTILIZATION_RATE": (RAY * 8 // 10,),
        "aave_v2/strategy.baseVariableBorrowRate": (0,),
        "aave_v2/strategy.variableRateSlope1": (RAY * 4 // 100,),
        "aave_v2/strategy.variableRateSlope2": (RAY * 3 // 4,),
        "erc20/token.balanceOf": (10**23,),
        "erc20/token.symbol": lambda target, _: ({ETH: "WETH", USD: "USD", OLD: "OLD"}[target],),
    }
    known.update({name.replace("__", "."): answer for name, answer in changed.items()})
    return known


def _reserve(token: Any) -> Row:
    rates = (RAY * 5 // 4, RAY * 6 // 5, RAY // 50, RAY // 25, RAY // 20)
    return (
        WORDS[token],
        *rates,
        NOW - 1_000,
        deposit(token),
        stable(token),
        debt(token),
        STRATEGY,
        TOKENS.index(token),
    )


def world(**changed: Answer | Row) -> tuple[Terms, Quote, Holding]:
    paper = Paper(functions(**changed))
    terms = paper.run(ADAPTER.terms(MARKET))
    quote = ADAPTER.accrue(terms, paper.run(ADAPTER.quote(terms)), Moment(1, NOW), Which.ALL)
    return terms, quote, paper.run(ADAPTER.holdings(terms, [ME]))[ME]


def test_unknown_terms_take_four_trips_known_ones_one() -> None:
    paper = Paper(functions())
    terms = paper.run(ADAPTER.terms(MARKET))
    assert paper.rounds == 4
    assert paper.run(ADAPTER.fresh(terms)) is True
    assert paper.rounds == 5
    paper.run(ADAPTER.quote(terms))
    assert paper.rounds == 6
    paper.run(ADAPTER.holdings(terms, [ME]))
    assert paper.rounds == 8


@pytest.mark.parametrize(
    ("changed", "unit"),
    [
        ({}, Unit("ETH", 18)),  # an oracle that knows no base currency but the wrapped ether
        ({"BASE_CURRENCY": (ETH,), "BASE_CURRENCY_UNIT": (WAD,)}, Unit("ETH", 18)),
        ({"BASE_CURRENCY": (at(0),), "BASE_CURRENCY_UNIT": (10**8,)}, Unit("USD", 8)),
        ({"BASE_CURRENCY": (USD,), "BASE_CURRENCY_UNIT": (10**6,)}, Unit("USD", 6)),
        ({"BASE_CURRENCY": (at(77),), "BASE_CURRENCY_UNIT": (10**8,)}, Unit(at(77), 8)),  # no reserve: by its address
    ],
)
def test_prices_are_in_what_the_oracle_says(changed: dict[str, Row], unit: Unit) -> None:
    terms, *_ = world(**{f"aave_v3/oracle__{name}": row for name, row in changed.items()})
    assert terms.unit == unit


def test_an_oracle_that_does_not_say_what_its_prices_are_in_is_an_error() -> None:
    with pytest.raises(AnswerError, match="what its prices are in"):
        world(**{"aave_v2/oracle__WETH": None})


def test_a_contract_that_is_no_pool_of_v2_is_an_error() -> None:
    with pytest.raises(CallReverted, match="getAddressesProvider"):
        Paper(aave_pool.functions("3.6")).run(ADAPTER.terms(MARKET))


def test_the_base_currency_is_one_by_definition_and_has_no_feed() -> None:
    terms, quote, _ = world()
    ether, dollars, _ = ADAPTER.prices(terms, quote)
    assert (ether.answer, ether.source, ether.updated) == (WAD, ORACLE, None)
    assert "by definition" in ether.description
    assert (dollars.source, dollars.updated) == (at(int(USD, 16) + 500), NOW - 60)


def test_what_v3_put_higher_up_in_a_configuration_word_means_nothing() -> None:
    high = 1 << 60 | 1 << 62 | 5 << 80 | 5 << 116 | 700 << 152 | 1 << 252

    def raised(target: Any, args: Any) -> Row:
        row = _reserve(args[0])
        assert row is not None
        return (row[0] | high, *row[1:])

    terms, quote, holding = world(**{"aave_v2/pool__getReserveData": raised})
    plain, _, _ = world()
    assert ADAPTER.value(terms, quote, holding) == ADAPTER.value(plain, quote, holding)
    assert {(panel.paused, panel.supply_cap, panel.borrow_cap) for panel in ADAPTER.panels(terms, quote)} == {
        (False, None, None)
    }


def test_a_paused_pool_blocks_what_the_line_allows_and_says_so() -> None:
    prices = {ETH: WAD, USD: WAD // 500, OLD: WAD}
    falls = {"aave_v2/oracle__getAssetPrice": lambda _, args: (prices[args[0]],)}
    _, quote, holding = world(**falls)
    for paused in (False, True):
        terms, *_ = world(**falls, **{"aave_v2/pool__paused": (paused,)})
        seen = ADAPTER.value(terms, quote, holding)
        assert seen.liquidatable
        assert ADAPTER.governance is not None
        assert bool(ADAPTER.governance.stops(terms, quote)) is paused
        assert seen.blocked is (Blocked.PAUSED if paused else None)
        assert {panel.paused for panel in ADAPTER.panels(terms, quote)} == {paused}


def test_a_reserve_that_is_frozen_is_liquidated_like_any_other() -> None:
    def frozen(target: Any, args: Any) -> Row:
        row = _reserve(args[0])
        assert row is not None
        return (row[0] | 1 << 57, *row[1:])

    terms, quote, holding = world(**{"aave_v2/pool__getReserveData": frozen})
    assert ADAPTER.value(terms, quote, holding).blocked is None
    refused = ADAPTER.act(terms, quote, holding, Supply(ETH, Raw(WAD)))
    assert refused == Refusal("ReserveFrozen")
    assert isinstance(ADAPTER.act(terms, quote, holding, Repay(USD, Raw(10**6))), Acted)


def test_stable_debt_has_the_accounts_own_rate_and_time() -> None:
    owed = {"principalBalanceOf": 1_000 * 10**6, "getUserStableRate": RAY // 10, "getUserLastUpdated": NOW - 31_536_000}

    def mine(name: str) -> Answer:
        return lambda target, args: (owed[name] if (target, args[0]) == (stable(USD), OWNER) else 0,)

    terms, quote, holding = world(**{f"aave_v3/stable_token__{name}": mine(name) for name in owed})
    variable = ADAPTER.value(*world()).legs
    (leg,) = [leg for leg in ADAPTER.value(terms, quote, holding).legs if leg.side is Side.DEBT]
    before = next(leg for leg in variable if leg.side is Side.DEBT)
    # A year at 10 %: 1 + 0.1 + 0.005 and a third power of 31.88 that V2 rounds to 32, times 31,536,000 ** 3 / 6.
    assert leg.amount - before.amount == 1_105_000_000 + 10**9 * 32 * 31_536_000**3 // 6 // RAY
    assert ADAPTER.shares is not None and ADAPTER.linear is not None
    assert ADAPTER.shares(terms, holding).debts == {debt(USD): 5_000 * 10**6, stable(USD): 1_000 * 10**6}
    assert ADAPTER.linear.shares(terms, holding) is None


def test_a_price_that_is_not_there_is_unknown_for_whom_the_contract_would_read_it() -> None:
    for answer in ((0,), None):
        missing = {"aave_v2/oracle__getAssetPrice": lambda _, args, row=answer: row if args[0] == USD else (WAD,)}
        terms, quote, holding = world(**missing)
        with pytest.raises(MissingPrice):
            ADAPTER.value(terms, quote, holding)


def test_there_is_no_mode_to_enter_and_a_withdrawal_is_judged_by_the_account_before_it() -> None:
    terms, quote, holding = world()
    assert ADAPTER.act(terms, quote, holding, SetMode(1)) == Refusal("Aave V2 has no e-mode")
    unsafe = Withdraw(ETH, Raw(8 * WAD))
    assert ADAPTER.act(terms, quote, holding, unsafe) == Refusal("HealthFactorLowerThanLiquidationThreshold")


def test_a_pool_that_tells_no_revision_is_read_and_said_so() -> None:
    assert ADAPTER.makeup is not None
    assert ADAPTER.makeup(world()[0]).rules == "Aave 2 (revision 2), 3 reserves"
    silent, *_ = world(**{"aave_v2/pool__LENDINGPOOL_REVISION": None})
    assert "tells no revision" in ADAPTER.makeup(silent).rules


def test_a_fork_that_pays_a_fee_out_of_liquidations_is_valued_and_its_liquidations_are_not_told() -> None:
    fee = {"aave_v2/provider__getLiquidationFeeTo": (at(88),)}
    terms, quote, holding = world(**fee)
    plain, _, _ = world()
    assert ADAPTER.value(terms, quote, holding) == ADAPTER.value(plain, quote, holding)
    assert isinstance(ADAPTER.liquidation(terms, quote, holding, USD, ETH), Refusal)
    assert ADAPTER.liquidations is not None and ADAPTER.makeup is not None
    assert ADAPTER.liquidations(plain).events
    with pytest.raises(AnswerError, match="a fee out of every liquidation"):
        ADAPTER.liquidations(terms)
    assert ADAPTER.makeup(plain).limits == ()
    assert "a fee out of every liquidation" in ADAPTER.makeup(terms).limits[0]


def test_a_rebase_of_a_token_whose_receipts_follow_it_moves_everyone() -> None:
    inside = {"aave_v2/atoken__internalTotalSupply": lambda target, _: (10**24,) if target == deposit(OLD) else None}
    terms, *_ = world(**inside)
    assert terms.rebasing == (OLD,)
    query = ADAPTER.moves(terms)
    assert OLD in query.addresses and ETH not in query.addresses
    rebased = Event("aave_v2/steth.TokenRebased", OLD, (1, 2, 3, 4, 5, 6, 7), 1, HexStr("0x"), 0)
    assert query.read(rebased) is Touch.EVERYONE
    plain, *_ = world()
    assert rebased.name not in ADAPTER.moves(plain).events
    assert Paper(functions(**inside)).run(ADAPTER.fresh(terms)) is True
    assert Paper(functions(**inside)).run(ADAPTER.fresh(plain)) is False


@pytest.mark.parametrize(
    "change",
    [
        {"aave_v2/pool__paused": (True,)},
        {"aave_v2/pool__getReservesList": (TOKENS[:2],)},
        {"aave_v2/provider__getLendingPoolCollateralManager": (at(99),)},
        {"aave_v2/oracle__getFallbackOracle": (at(99),)},
        {"aave_v2/oracle__getSourceOfAsset": (at(99),)},
        {"aave_v2/strategy__variableRateSlope1": (RAY,)},
        {"aave_v2/pool__getReservesList": None},
    ],
)
def test_terms_end_when_any_word_changes(change: dict[str, Row]) -> None:
    terms, *_ = world()
    assert Paper(functions(**change)).run(ADAPTER.fresh(terms)) is False


def test_a_swap_and_a_rebalanced_rate_move_an_account_and_a_pause_the_terms() -> None:
    terms, *_ = world()
    query = ADAPTER.moves(terms)

    def said(name: str, *args: Any) -> object:
        return query.read(Event(f"aave_v2/{name}", POOL, args, 1, HexStr("0x"), 0))

    assert said("pool.Swap", USD, OWNER, 1) == said("pool.RebalanceStableBorrowRate", USD, OWNER) == frozenset({ME})
    assert said("pool.Paused") is Touch.TERMS
    assert set(query.events) >= {"aave_v2/pool.Swap", "aave_v2/pool.RebalanceStableBorrowRate"}
