"""Venus without a chain: figures by hand, pools and their fallbacks, VAI, what is forced, stopped or unknown, and every refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import HexStr

from tests.adapters import venus_paper as paper
from tests.adapters.situations import NOW, OWNERS
from watcher.adapter import (
    Acted,
    Action,
    Borrow,
    Event,
    Liquidation,
    Refusal,
    Repay,
    SetMode,
    Supply,
    Touch,
    Which,
    Withdraw,
)
from watcher.adapters.venus import ADAPTER
from watcher.adapters.venus.facts import Holding, Minted, Paused, Quote, Terms
from watcher.adapters.venus.governance import GOVERNED
from watcher.chain.abi import event
from watcher.errors import AnswerError, MissingPrice, Overflow, UsageError
from watcher.formula.compound.pool import HIGHEST_RATE
from watcher.formula.compound.rate import TwoKinks, twice_kinked
from watcher.model import Blocked, DoubtKind, Moment, Side
from watcher.units import MAX, WAD, Raw

TERMS, BOB = paper.TERMS, OWNERS[0]
WETH, WBTC, USDC, EURS = range(4)
ONE = 8 * 10**7  # vTokens of one whole token
DOLLAR = WAD
LATER = Moment(NOW.number + 1_000, NOW.timestamp + 3_000)


def quote(at: Moment = NOW, which: Any = Which.ALL) -> Quote:
    return ADAPTER.accrue(TERMS, paper.stored(NOW), at, which)


def held(tokens: dict[int, int] | None = None, debts: dict[int, int] | None = None, **more: Any) -> Holding:
    return paper.holding(BOB, {WETH: ONE} if tokens is None else tokens, debts or {}, **more)


def token(place: int) -> Any:
    return TERMS.assets[place].token.address


def value(holding: Holding, terms: Terms = TERMS, at: Quote | None = None) -> Any:
    return ADAPTER.value(terms, at or quote(), holding)


def test_one_ether_against_sixteen_hundred_dollars() -> None:
    seen = value(held(debts={USDC: 1_600 * 10**6}))
    assert (seen.collateral, seen.debt) == (2_500 * DOLLAR, 1_600 * DOLLAR)
    assert (seen.line.weighted, seen.health) == (2_000 * DOLLAR, 125 * WAD // 100)
    assert (seen.liquidity, seen.shortfall) == (400 * DOLLAR, 0)
    assert seen.available == (1_875 - 1_600) * DOLLAR  # by the factor of 75 %, not the threshold of 80 %
    assert (seen.threshold, seen.ltv, seen.scale) == (80 * WAD // 100, 75 * WAD // 100, WAD)
    assert [(leg.side, leg.amount, leg.value) for leg in seen.legs] == [
        (Side.COLLATERAL, WAD, 2_500 * DOLLAR),
        (Side.DEBT, 1_600 * 10**6, 1_600 * DOLLAR),
    ]


def test_healthy_at_equality_and_liquidatable_one_unit_of_debt_later() -> None:
    even, above = (value(held(debts={USDC: 2_000 * 10**6 + more})) for more in (0, 1))
    assert (even.health, even.liquidatable) == (WAD, False)
    assert above.liquidatable and above.shortfall == 10**12


@pytest.mark.parametrize(
    ("mode", "tokens", "threshold"),
    [
        (0, {WETH: ONE}, 80),
        (1, {WETH: ONE}, 93),
        (1, {WBTC: ONE}, 75),  # not of that pool, which falls back
        (2, {WBTC: ONE}, 93),
        (2, {EURS: ONE}, 0),  # not of that pool, which does not
    ],
)
def test_a_pool_brings_its_own_weights_falls_back_or_counts_nothing(
    mode: int, tokens: dict[int, int], threshold: int
) -> None:
    (leg,) = value(held(tokens, mode=mode)).legs
    assert leg.threshold == threshold * WAD // 100


def test_in_an_inactive_pool_an_account_stands_as_in_the_core_pool_and_in_an_unknown_one_nowhere() -> None:
    closed = replace(TERMS, categories=tuple(replace(one, active=False) for one in TERMS.categories))
    assert value(held(mode=1), closed).legs[0].threshold == 80 * WAD // 100
    with pytest.raises(AnswerError, match="no pool 7"):
        value(held(mode=7))


def test_vai_is_a_debt_of_one_dollar_each_and_its_interest_counts_from_its_own_index() -> None:
    vai = Minted(1_000 * WAD, 100 * WAD, WAD)
    seen = value(held(vai=vai))
    assert seen.debt == 1_000 * WAD + 9 * WAD  # one per cent of what was minted since, past interest apart
    assert [leg.token.symbol for leg in seen.legs if leg.side is Side.DEBT] == ["VAI"]
    later = value(held(vai=vai), at=quote(LATER))
    assert later.debt == 1_009 * WAD + 900 * 1_000 * (3 * WAD // 100 // paper.YEAR)


def test_a_view_sees_what_is_stored_and_a_pair_its_own_two_markets() -> None:
    holding = held({WETH: ONE, WBTC: ONE}, {USDC: 10**9, EURS: 10**5})
    stale, fresh = (value(holding, at=quote(LATER, which)) for which in (Which.NONE, Which.ALL))
    pair = value(holding, at=quote(LATER, frozenset({token(USDC), token(WETH)})))
    amounts = [{(leg.token.symbol, leg.side): leg.amount for leg in seen.legs} for seen in (stale, pair, fresh)]
    assert amounts[0]["USDC", Side.DEBT] < amounts[1]["USDC", Side.DEBT] == amounts[2]["USDC", Side.DEBT]
    assert amounts[0]["WETH", Side.COLLATERAL] < amounts[1]["WETH", Side.COLLATERAL]
    assert amounts[0]["WBTC", Side.COLLATERAL] == amounts[1]["WBTC", Side.COLLATERAL]


def test_a_market_that_cannot_accrue_stays_as_it_is_and_cannot_be_liquidated() -> None:
    stored = paper.stored(NOW)
    for rate in (None, HIGHEST_RATE + 1):
        broken = replace(stored, rates=(stored.rates[0], stored.rates[1], rate, stored.rates[3]))
        seen = ADAPTER.accrue(TERMS, broken, LATER, Which.ALL)
        assert seen.pools[USDC] == stored.pools[USDC] and seen.pools[WETH] != stored.pools[WETH]
        found = ADAPTER.liquidation(TERMS, seen, held(debts={USDC: 2_400 * 10**6}), token(USDC), token(WETH))
        assert isinstance(found, Refusal) and "accrued" in found.reason
        assert any("USDC cannot accrue" in line for line in GOVERNED.stops(TERMS, broken))


def test_a_block_before_the_last_accrual_is_an_overflow_and_a_later_second_of_the_same_block_a_forecast() -> None:
    with pytest.raises(Overflow):
        ADAPTER.accrue(TERMS, paper.stored(NOW), Moment(NOW.number - 1, NOW.timestamp), Which.ALL)
    ahead = ADAPTER.accrue(TERMS, quote(), Moment(NOW.number, NOW.timestamp + 86_400), Which.ALL)
    doubts = value(held(debts={USDC: 10**9}), at=ahead).doubts
    assert [doubt.kind for doubt in doubts] == [DoubtKind.FORECAST]
    assert value(held(), at=ahead).doubts == ()


@pytest.mark.parametrize("place", [WETH, USDC])
def test_without_a_price_whoever_holds_or_owes_it_is_unknown(place: int) -> None:
    gone = ADAPTER.reprice(TERMS, quote(), {token(place): 0})
    with pytest.raises(MissingPrice) as error:
        value(held(debts={USDC: 10**6}), at=gone)
    assert error.value.token == token(place)
    assert value(held({WBTC: ONE}), at=gone).collateral == 65_000 * DOLLAR


def test_a_deposit_that_was_not_entered_protects_nothing_and_needs_no_price() -> None:
    idle = replace(held(), entries=(replace(held().entries[0], entered=False),))
    seen = value(idle)
    assert (seen.collateral, [leg.side for leg in seen.legs]) == (0, [Side.DEPOSIT])
    gone = value(idle, at=ADAPTER.reprice(TERMS, quote(), {token(WETH): 0}))
    assert (gone.legs, [doubt.kind for doubt in gone.doubts]) == ((), [DoubtKind.UNPRICED])


def test_borrowing_power_goes_by_the_bounds_of_prices_and_is_nothing_without_them() -> None:
    price = paper.price(WETH, 250_000)
    bounded = replace(quote(), bounds=((price * 9 // 10, price), *quote().bounds[1:]))
    assert (
        value(held(debts={USDC: 10**9}), at=bounded).available
        == (1_875 * 9 // 10) * DOLLAR + DOLLAR // 2 - 1_000 * DOLLAR
    )
    assert value(held(debts={USDC: 10**9}), at=bounded).liquidity == 1_000 * DOLLAR
    unbound = replace(quote(), bounds=(None, *quote().bounds[1:]))
    assert (value(held(), at=unbound).available, value(held(), at=unbound).liquidity) == (0, 2_000 * DOLLAR)


def test_another_answer_moves_free_bounds_and_widens_protected_ones() -> None:
    price = paper.price(WETH, 250_000)
    free = ADAPTER.reprice(TERMS, quote(), {token(WETH): price // 2})
    assert free.bounds[WETH] == (price // 2, price // 2)
    kept = replace(quote(), bounds=((price * 9 // 10, price), *quote().bounds[1:]))
    assert ADAPTER.reprice(TERMS, kept, {token(WETH): price // 2}).bounds[WETH] == (price // 2, price)
    assert ADAPTER.reprice(TERMS, kept, {token(WETH): 2 * price}).bounds[WETH] == (price * 9 // 10, 2 * price)
    with pytest.raises(UsageError):
        ADAPTER.reprice(TERMS, quote(), {BOB: 1})


class TestLiquidation:
    def test_half_of_a_debt_at_the_incentive_of_what_is_seized(self) -> None:
        found = ADAPTER.liquidation(TERMS, quote(), held(debts={USDC: 2_200 * 10**6}), token(USDC), token(WETH))
        assert isinstance(found, Liquidation)
        assert (found.repay, found.incentive, found.fee, found.deficit) == (1_100 * 10**6, 108 * WAD // 100, 0, 0)
        assert found.seize == 1_100 * 108 * WAD // 100 // 2_500 == 4_752 * 10**14
        assert found.bonus == 88 * DOLLAR

    def test_no_more_than_the_collateral_pays_for_and_the_rest_is_left(self) -> None:
        found = ADAPTER.liquidation(TERMS, quote(), held(debts={USDC: 9_000 * 10**6}), token(USDC), token(WETH))
        assert isinstance(found, Liquidation)
        assert found.seize == WAD and found.deficit == 9_000 * 10**6 - found.repay
        assert found.repay * 108 // 100 // 10**6 == 2_500

    def test_vai_goes_at_the_core_pools_incentive_whatever_the_mode(self) -> None:
        account = held(vai=Minted(2_450 * WAD, 0, WAD), mode=1)
        vai = ADAPTER.liquidation(TERMS, quote(), account, paper.VAI.token.address, token(WETH))
        assert isinstance(vai, Liquidation) and vai.incentive == 108 * WAD // 100
        debt = ADAPTER.liquidation(TERMS, quote(), held(debts={USDC: 2_400 * 10**6}, mode=1), token(USDC), token(WETH))
        assert isinstance(debt, Liquidation) and debt.incentive == 103 * WAD // 100

    @pytest.mark.parametrize("whose", ["everybody", "one"])
    def test_forced_all_of_it_and_without_a_shortfall(self, whose: str) -> None:
        account, terms = held(debts={USDC: 100 * 10**6}), TERMS
        if whose == "one":
            entries = tuple(replace(one, forced=one.place == USDC) for one in account.entries)
            account = replace(account, entries=entries)
        else:
            assets = tuple(replace(one, forced=one.token.symbol == "USDC") for one in TERMS.assets)
            terms = replace(TERMS, assets=assets)
        assert value(account, terms).liquidatable and value(account, terms).health == 20 * WAD
        found = ADAPTER.liquidation(terms, quote(), account, token(USDC), token(WETH))
        assert isinstance(found, Liquidation) and found.repay == 100 * 10**6
        assert ADAPTER.linear is not None and ADAPTER.linear.shares(terms, account) is None

    @pytest.mark.parametrize(
        ("debt", "collateral", "why"),
        [
            (WBTC, WETH, "nothing of it is owed"),
            (USDC, WBTC, "none of it is held"),
            (USDC, EURS, "MARKET_NOT_COLLATERAL"),
        ],
    )
    def test_a_pair_that_is_none(self, debt: int, collateral: int, why: str) -> None:
        account = held({WETH: ONE, EURS: 5}, {USDC: 2_200 * 10**6})
        account = replace(account, entries=tuple(replace(one, entered=one.place != EURS) for one in account.entries))
        found = ADAPTER.liquidation(TERMS, quote(), account, token(debt), token(collateral))
        assert found == Refusal(why)

    def test_what_is_paused_for_every_pair_is_blocked_and_what_has_no_collateral_empty(self) -> None:
        account = held({WETH: ONE, WBTC: 1}, {USDC: 2_600 * 10**6})
        seized = [
            replace(one, paused=Paused.SEIZE if place == WETH else Paused(0)) for place, one in enumerate(TERMS.assets)
        ]
        assert value(account, replace(TERMS, assets=tuple(seized))).blocked is None  # bitcoin can still be seized
        assert value(held(debts={USDC: 1}), replace(TERMS, assets=tuple(seized))).blocked is Blocked.PAUSED
        assert value(account, replace(TERMS, stopped=True)).blocked is Blocked.PAUSED
        assert value(held({}, {USDC: 1})).blocked is Blocked.EMPTY


def changed(**more: Any) -> Terms:
    """Every asset with these rules."""
    return replace(TERMS, assets=tuple(replace(one, **more) for one in TERMS.assets))


IDLE = replace(held(), entries=(replace(held().entries[0], entered=False),))
OWING = held(debts={USDC: 1_000 * 10**6})
REFUSED: dict[str, tuple[Terms, Holding, Action]] = {
    "market supply cap is 0": (changed(supply_cap=0), OWING, Supply(token(WETH), Raw(1))),
    "market supply cap reached": (changed(supply_cap=10**7), OWING, Supply(token(WETH), Raw(1))),
    "market borrow cap is 0": (changed(borrow_cap=0), OWING, Borrow(token(USDC), Raw(1))),
    "market borrow cap reached": (changed(borrow_cap=1), OWING, Borrow(token(USDC), Raw(1))),
    "market not listed": (changed(listed=False), OWING, Repay(token(USDC), Raw(1))),
    "action is paused": (changed(paused=Paused.REPAY), OWING, Repay(token(USDC), Raw(1))),
    "protocol is paused": (replace(TERMS, stopped=True), OWING, Withdraw(token(WETH), Raw(1))),
    "INSUFFICIENT_LIQUIDITY": (TERMS, OWING, Borrow(token(USDC), Raw(876 * 10**6))),
    "math error": (TERMS, IDLE, Withdraw(token(WETH), Raw(2 * WAD))),
    "redeemTokens zero": (TERMS, held(), Withdraw(token(WETH), Raw(1))),
    "no WBTC is owed": (TERMS, OWING, Repay(token(WBTC), Raw(1))),
    "BorrowNotAllowedInPool": (TERMS, held(mode=1), Borrow(token(WBTC), Raw(1))),
    "PoolDoesNotExist": (TERMS, OWING, SetMode(9)),
    "AlreadyInSelectedPool": (TERMS, OWING, SetMode(0)),
    "IncompatibleBorrowedAssets": (TERMS, held(debts={EURS: 1}), SetMode(1)),
    "LiquidityCheckFailed": (TERMS, held({WETH: ONE, EURS: ONE}, {USDC: 2_300 * 10**6}, mode=1), SetMode(0)),
    "value mismatch": (changed(native=True), OWING, Repay(token(USDC), Raw(1_001 * 10**6))),
    "no VAI is owed": (TERMS, OWING, Repay(paper.VAI.token.address, Raw(1))),
    "VAI is minted and repaid, and nothing else": (TERMS, OWING, Supply(paper.VAI.token.address, Raw(1))),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refusal_is_in_the_words_of_venus(reason: str) -> None:
    terms, holding, action = REFUSED[reason]
    assert ADAPTER.act(terms, quote(), holding, action) == Refusal(reason)


def test_what_may_be_minted_of_vai_is_not_told() -> None:
    with pytest.raises(AnswerError, match="how much VAI"):
        ADAPTER.act(TERMS, quote(), OWING, Borrow(paper.VAI.token.address, Raw(1)))


def test_all_of_a_repayment_of_vai_leaves_nothing_and_a_part_its_share_of_interest() -> None:
    account = held(vai=Minted(1_000 * WAD, 100 * WAD, WAD))
    whole = ADAPTER.act(TERMS, quote(), account, Repay(paper.VAI.token.address, Raw(MAX)))
    assert isinstance(whole, Acted) and whole.holding.vai is None
    half = ADAPTER.act(TERMS, quote(), account, Repay(paper.VAI.token.address, Raw(1_009 * WAD // 2)))
    assert isinstance(half, Acted) and half.holding.vai == Minted(500 * WAD, 50 * WAD, WAD)


def test_borrowing_enters_a_market_and_depositing_does_not() -> None:
    borrowed = ADAPTER.act(TERMS, quote(), held(), Borrow(token(EURS), Raw(100)))
    supplied = ADAPTER.act(TERMS, quote(), held(), Supply(token(EURS), Raw(10**6)))
    assert isinstance(borrowed, Acted) and borrowed.holding.entry(EURS).entered
    assert isinstance(supplied, Acted) and not supplied.holding.entry(EURS).entered


def test_the_rate_follows_the_books_after_a_deed() -> None:
    acted = ADAPTER.act(TERMS, quote(), held(), Borrow(token(USDC), Raw(1_000 * 10**6)))
    assert isinstance(acted, Acted) and acted.quote.rates[USDC] != quote().rates[USDC]


@pytest.mark.parametrize(("used", "rate"), [(0, 5), (39, 44), (40, 54), (79, 132), (80, 134), (90, 234), (200, 334)])
def test_two_kinks(used: int, rate: int) -> None:
    """Base 5, one a per cent up to 40; there a second base of 9 and two a per cent up to 80; then ten a per cent, up to 100."""
    curve = TwoKinks(5, 100, 40 * WAD // 100, 9, 200, 80 * WAD // 100, 1_000)
    assert twice_kinked(curve, used * WAD // 100) == rate


def test_every_log_that_is_asked_for_is_understood() -> None:
    query = ADAPTER.moves(TERMS)
    samples: dict[str, Any] = {"address": BOB, "bool": True, "string": "x", "uint256": 1}
    for name in query.events:
        args = tuple([] if kind.endswith("[]") else samples.get(kind, 1) for kind in event(name).types)
        log = Event(name, TERMS.assets[0].v, args, 1, HexStr("0x" + "00" * 32), 0)
        moved = query.read(log)
        assert moved is Touch.TERMS or moved == frozenset({held().key})
        if moved is Touch.TERMS:
            (changes,) = (one.read(log) for one in GOVERNED.changes(TERMS))
            assert changes or name.endswith("PoolLabelUpdated")


def test_a_parameter_that_a_log_sets_is_named_as_the_terms_name_it() -> None:
    known = {setting.name for setting in GOVERNED.settings(TERMS)}
    (query,) = GOVERNED.changes(TERMS)
    v = TERMS.assets[0].v
    for name, args in (
        ("NewCollateralFactor", (0, v, 1, 2)),
        ("NewLiquidationThreshold", (1, v, 1, 2)),
        ("NewLiquidationIncentive", (2, v, 1, 2)),
        ("ActionPausedMarket", (v, 8, True)),
        ("IsForcedLiquidationEnabledUpdated", (v, True)),
        ("PoolFallbackStatusUpdated", (1, True, False)),
        ("NewLiquidatorContract", (v, v)),
        ("NewBorrowCap", (v, 7)),
    ):
        (change,) = query.read(Event(f"venus/comptroller.{name}", TERMS.market.address, args, 1, HexStr("0x00"), 0))
        assert change.setting.name in known


def test_the_rules_say_who_may_liquidate_what_is_forced_and_what_pools_there_are() -> None:
    terms = replace(changed(forced=True), liquidator=BOB)
    text = "\n".join(clause.text for clause in GOVERNED.rulebook(terms).clauses)
    assert f"only {BOB}" in text and "now for everybody: WETH, WBTC, USDC, EURS" in text and "pool 2, alone" in text
    assert {weight.mode for weight in GOVERNED.rulebook(terms).weights} == {0, 1, 2}
    assert ADAPTER.makeup is not None and BOB in dict(ADAPTER.makeup(terms).contracts).values()
