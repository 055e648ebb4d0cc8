"""Morpho Blue without a chain: figures by hand, what cannot be told, what is asked and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address as checksum

from watcher.adapter import (
    Acted,
    Action,
    Adapter,
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
from watcher.adapters import adapter
from watcher.adapters.morpho_blue import ADAPTER
from watcher.adapters.morpho_blue.facts import Holding, Model, Params, Quote, Terms
from watcher.adapters.morpho_blue.reads import identity
from watcher.errors import AnswerError, CallReverted, MissingPrice, Overflow, Transient, UsageError, WatcherError
from watcher.formula.morpho import Pot, Totals
from watcher.model import Market, Moment, PositionKey, Side, Token
from watcher.oracle.feed import NOBODY, Pulse
from watcher.query import Batch, Outcome, Query, Read, Rows, Script
from watcher.units import RAY, WAD, YEAR, Raw

WETH, USDC, ORACLE, IRM, MORPHO, TREASURY, BOB = (checksum("0x" + f"{n:02x}" * 20) for n in range(1, 8))
PARAMS = Params(loan=USDC, collateral=WETH, oracle=ORACLE, irm=NOBODY, lltv=86 * WAD // 100)
MARKET = Market(1, "morpho_blue", "ethereum/morpho-blue/12345678ab", MORPHO, identity(PARAMS))
TERMS = Terms(MARKET, PARAMS, Token(USDC, "USDC", 6), Token(WETH, "WETH", 18), Model.NONE, (), TREASURY)
NOW = Moment(100, 1_700_000_000)
PRICE = 2_000 * 10**24  # 2,000 USDC for one WETH
# one USDC is worth 1e12 shares on both sides: a virtual unit and a million virtual shares keep it so
TOTALS = Totals(supply=Pot(10**12, 10**18), borrow=Pot(5 * 10**11, 5 * 10**17))
QUOTE = Quote(TOTALS, 0, NOW.timestamp - 1000, PRICE, None, Pulse(None, False))
KEY = PositionKey(MARKET.name, bytes.fromhex(BOB[2:]))


def owing(debt: int, collateral: int = WAD, lent: int = 0) -> Holding:
    """Bob with so much debt and deposit in raw USDC, and collateral in raw WETH."""
    return Holding(KEY, lent * 10**6, debt * 10**6, collateral)


def now(quote: Quote = QUOTE, terms: Terms = TERMS) -> Quote:
    return ADAPTER.accrue(terms, quote, NOW, Which.ALL)


def test_the_folder_hands_it_out() -> None:
    found: Adapter[Any, Any, Any] = adapter("morpho_blue")
    assert found is ADAPTER


def test_one_weth_against_fifteen_hundred_dollars() -> None:
    worth = ADAPTER.value(TERMS, now(), owing(1_500_000_000, lent=7))
    assert (worth.collateral, worth.debt) == (2_000_000_000, 1_500_000_000)
    assert (worth.line.weighted, worth.line.owed) == (1_720_000_000, 1_500_000_000)
    assert worth.health == 1_146_666_666_666_666_666
    assert worth.available == 220_000_000
    assert (worth.threshold, worth.scale, worth.unit.symbol, worth.unit.decimals) == (PARAMS.lltv, WAD, "USDC", 6)
    assert not worth.liquidatable and worth.blocked is None
    assert [(leg.side, leg.amount, leg.value) for leg in worth.legs] == [
        (Side.COLLATERAL, WAD, 2_000_000_000),
        (Side.DEPOSIT, 7, 7),
        (Side.DEBT, 1_500_000_000, 1_500_000_000),
    ]


def test_healthy_at_equality_and_liquidatable_one_unit_of_debt_later() -> None:
    even, above = (ADAPTER.value(TERMS, now(), owing(debt)) for debt in (1_720_000_000, 1_720_000_001))
    assert (even.health, even.liquidatable) == (WAD, False)
    assert above.health is not None and above.health < WAD and above.liquidatable


def test_without_debt_there_is_no_ratio() -> None:
    worth = ADAPTER.value(TERMS, now(), owing(0))
    assert (worth.health, worth.liquidatable, worth.available) == (None, False, 1_720_000_000)


@pytest.mark.parametrize("holding", [owing(1), owing(0), owing(1, collateral=0)], ids=["both", "collateral", "debt"])
@pytest.mark.parametrize("price", [None, 0])
def test_a_missing_price_is_unknown_whenever_something_needs_it(price: int | None, holding: Holding) -> None:
    with pytest.raises(MissingPrice) as error:
        ADAPTER.value(
            TERMS, now(replace(QUOTE, price=price, no_price="out of order" if price is None else None)), holding
        )
    assert error.value.token == WETH
    assert ("out of order" if price is None else "would allow any liquidation") in error.value.reason


def test_a_lender_needs_no_price() -> None:
    worth = ADAPTER.value(TERMS, now(replace(QUOTE, price=None, no_price="reverted")), owing(0, collateral=0, lent=10))
    assert [leg.side for leg in worth.legs] == [Side.DEPOSIT]
    assert worth.health is None


def test_a_price_that_the_contract_cannot_multiply_is_an_overflow() -> None:
    with pytest.raises(Overflow):
        ADAPTER.value(TERMS, now(replace(QUOTE, price=2**255)), owing(1))


class TestInterest:
    other = replace(TERMS, model=Model.OTHER, params=replace(PARAMS, irm=IRM))
    quote = replace(QUOTE, rate=WAD // 10 // YEAR, rate_at=NOW.timestamp, fee=WAD // 10)

    def test_a_rate_that_was_read_serves_its_own_block(self) -> None:
        accrued = now(self.quote, self.other)
        gained = accrued.totals.borrow.assets - TOTALS.borrow.assets
        simple = 10**6 * 1000 * 500_000 // (10 * YEAR)  # ten percent of 500,000 USDC for 1,000 of a year's seconds
        assert simple < gained <= simple + 3  # compounded: half of the square of three millionths more
        assert accrued.totals.supply.assets - TOTALS.supply.assets == gained

    def test_a_later_time_is_unknown_under_it(self) -> None:
        with pytest.raises(AnswerError, match="is known for the block that was read only"):
            ADAPTER.accrue(self.other, self.quote, Moment(101, NOW.timestamp + 1), Which.ALL)

    def test_without_borrowers_any_rate_earns_nothing(self) -> None:
        idle = replace(self.quote, totals=replace(TOTALS, borrow=Pot(0, 0)), rate=None)
        later = Moment(101, NOW.timestamp + YEAR)
        assert ADAPTER.accrue(self.other, idle, later, Which.ALL).totals == idle.totals

    def test_a_model_that_answers_no_rate_leaves_the_debt_unknown(self) -> None:
        with pytest.raises(AnswerError, match="answers no rate"):
            now(replace(self.quote, rate=None), self.other)

    def test_stale_views_see_stored_totals(self) -> None:
        for which in (Which.NONE, frozenset({WETH})):
            stale = ADAPTER.accrue(self.other, self.quote, NOW, which)
            assert (stale.totals, stale.at) == (TOTALS, NOW)
        assert ADAPTER.accrue(self.other, self.quote, NOW, frozenset({USDC})).totals != TOTALS

    def test_a_time_before_the_last_update_is_refused(self) -> None:
        with pytest.raises(Overflow):
            ADAPTER.accrue(TERMS, QUOTE, Moment(1, QUOTE.last_update - 1), Which.ALL)

    def test_fee_shares_are_the_fee_recipients_before_any_transaction(self) -> None:
        accrued = now(self.quote, self.other)
        treasury = replace(owing(0, collateral=0), key=self.other.recipient)
        (leg,) = ADAPTER.value(self.other, accrued, treasury).legs
        gained = accrued.totals.borrow.assets - TOTALS.borrow.assets
        assert 0 <= gained // 10 - leg.amount <= 1
        assert ADAPTER.value(self.other, accrued, replace(treasury, key=KEY)).legs == ()

    def test_lenders_earn_what_borrowers_pay_less_the_fee(self) -> None:
        (panel,) = ADAPTER.panels(self.other, now(self.quote, self.other))
        assert panel.borrow_rate == self.quote.rate * YEAR * 10**9  # type: ignore[operator]
        assert (
            abs(panel.supply_rate * 20 - panel.borrow_rate * 9) < panel.borrow_rate // 1000
        )  # half is lent, a tenth is fee
        assert abs(panel.utilisation - RAY // 2) < RAY // 10**4
        assert (panel.free, panel.supply_cap, panel.paused, panel.curve.points) == (5 * 10**11, None, False, ())


def test_only_the_collateral_has_a_price() -> None:
    (price,) = ADAPTER.prices(TERMS, QUOTE)
    assert (price.token.symbol, price.answer, price.unit.symbol, price.unit.decimals) == ("WETH", PRICE, "USDC", 24)
    assert ADAPTER.value(TERMS, ADAPTER.reprice(TERMS, now(), {WETH: PRICE // 2}), owing(10**9)).liquidatable
    with pytest.raises(UsageError, match="only its collateral has"):
        ADAPTER.reprice(TERMS, QUOTE, {USDC: 1})


REFUSED: list[tuple[Action, str]] = [
    (SetMode(1), "no e-mode"),
    (Supply(ORACLE, Raw(1)), "neither the loan nor the collateral"),
    (Supply(USDC, Raw(0)), "zero assets"),
    (Borrow(WETH, Raw(1)), "lends its loan token only"),
    (Borrow(USDC, Raw(720_000_001)), "insufficient collateral"),
    (Withdraw(WETH, Raw(WAD)), "insufficient collateral"),
    (Withdraw(WETH, Raw(WAD + 1)), "only 1 WETH are held"),
    (Withdraw(USDC, Raw(8)), "only 0.000007 USDC are lent"),
    (Repay(USDC, Raw(10**9 + 1)), "only 1000 USDC are owed"),
    (Supply(WETH, Raw(2**128 - 1)), "overflow"),
]


@pytest.mark.parametrize(("action", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_morpho_refuses_is_refused(action: Action, reason: str) -> None:
    answer = ADAPTER.act(TERMS, now(), owing(10**9, lent=7), action)
    assert isinstance(answer, Refusal) and reason in answer.reason


def test_liquidity_runs_out() -> None:
    tight = replace(now(), totals=replace(TOTALS, supply=Pot(5 * 10**11 + 5, 5 * 10**17)))
    for action in (Borrow(USDC, Raw(6)), Withdraw(USDC, Raw(6))):
        assert ADAPTER.act(TERMS, tight, owing(1, lent=7), action) == Refusal("insufficient liquidity")


def test_the_oracle_is_not_asked_of_a_position_without_debt() -> None:
    blind = replace(now(), price=None, no_price="reverted")
    assert isinstance(ADAPTER.act(TERMS, blind, owing(0), Withdraw(WETH, Raw(WAD))), Acted)
    refused = ADAPTER.act(TERMS, blind, owing(1), Withdraw(WETH, Raw(1)))
    assert isinstance(refused, Refusal) and "reverted" in refused.reason


def test_what_is_repaid_is_gone_from_the_market_too() -> None:
    done = ADAPTER.act(TERMS, now(), owing(10**9), Repay(USDC, Raw(10**9)))
    assert isinstance(done, Acted)
    assert done.holding.borrow_shares == 0
    assert done.quote.totals.borrow == Pot(5 * 10**11 - 10**9, 5 * 10**17 - 10**15)
    assert ADAPTER.value(TERMS, done.quote, done.holding).health is None


class TestLiquidation:
    def test_a_healthy_position_is_not_for_sale(self) -> None:
        answer = ADAPTER.liquidation(TERMS, now(), owing(1_720_000_000), USDC, WETH)
        assert answer == Refusal("position is healthy")

    def test_all_debt_goes_where_the_collateral_is_enough(self) -> None:
        done = ADAPTER.liquidation(TERMS, now(), owing(1_800_000_000), USDC, WETH)
        assert isinstance(done, Liquidation)
        factor = WAD * WAD // (WAD - 3 * (WAD - PARAMS.lltv) // 10)
        assert (done.repay, done.incentive, done.deficit, done.fee) == (1_800_000_000, factor, 0, 0)
        assert done.seize == 1_800_000_000 * factor // WAD * 10**36 // PRICE
        assert done.bonus == 1_800_000_000 * factor // WAD - 1_800_000_000

    def test_all_collateral_goes_where_it_is_not_and_lenders_lose_the_rest(self) -> None:
        done = ADAPTER.liquidation(TERMS, now(), owing(2_500_000_000), USDC, WETH)
        assert isinstance(done, Liquidation)
        assert done.seize == WAD
        assert 0 <= done.repay + done.deficit - 2_500_000_000 <= 1

    def test_another_pair_is_refused(self) -> None:
        answer = ADAPTER.liquidation(TERMS, now(), owing(1_800_000_000), WETH, USDC)
        assert isinstance(answer, Refusal) and "seizes its collateral token" in answer.reason


Answers = Callable[[Read], Rows | WatcherError]


def run(query: Query[Any], answers: Answers) -> tuple[Any, int]:
    """What the query comes to and how many round trips it took."""
    trips = 0
    try:
        reads = next(query)
        while True:
            trips += 1
            reads = query.send(tuple(answers(read) for read in reads))
    except StopIteration as stop:
        return stop.value, trips


STORED = (10**12, 10**18, 5 * 10**11, 5 * 10**17, 1_699_999_000, 0)


def chain(**changes: Rows | WatcherError) -> Answers:
    """A Morpho with one market; a keyword replaces the answer to one function."""
    rows: dict[str, Rows | WatcherError] = {
        "idToMarketParams": [PARAMS.row()],
        "feeRecipient": [(TREASURY,)],
        "symbol": [("USDC",)],
        "market": [STORED],
        "price": [(PRICE,)],
        "position": [(0, 5, WAD)],
        **{name: CallReverted(name) for name in ("BASE_VAULT", "MORPHO", "rateAtTarget", "borrowRateView")},
        **changes,
    }

    def answer(read: Read) -> Rows | WatcherError:
        assert isinstance(read, Batch)
        name = read.function.partition(".")[2]
        if name == "decimals" and name not in changes:
            return [(18 if token == WETH else 6,) for token in read.targets]
        return rows.get(name, CallReverted(name))

    return answer


class TestQueries:
    def test_terms_come_from_the_parameters_behind_the_id(self) -> None:
        terms, trips = run(ADAPTER.terms(MARKET), chain())
        assert (terms.params, terms.model, terms.sources, terms.fee_recipient) == (PARAMS, Model.NONE, (), TREASURY)
        assert trips == 2

    def test_an_id_that_this_morpho_does_not_know_is_an_error(self) -> None:
        with pytest.raises(AnswerError, match="has no market"):
            run(ADAPTER.terms(MARKET), chain(idToMarketParams=[(NOBODY, NOBODY, NOBODY, NOBODY, 0)]))

    def test_a_token_without_a_symbol_is_called_by_its_address(self) -> None:
        terms, _ = run(ADAPTER.terms(MARKET), chain(symbol=AnswerError("not a text")))
        assert terms.loan.symbol == USDC[:10]

    def test_a_model_that_only_looks_adaptive_is_not_believed(self) -> None:
        params = replace(PARAMS, irm=IRM)
        market = replace(MARKET, id=identity(params))
        flat: dict[str, Rows | WatcherError] = {
            "idToMarketParams": [params.row()],
            "MORPHO": [(MORPHO,)],
            "rateAtTarget": [(10**9,)],
            "borrowRateView": [(10**9,)] * 7,
        }
        terms, _ = run(ADAPTER.terms(market), chain(**flat))
        assert terms.model is Model.OTHER

    def test_a_rate_that_is_stored_and_always_answered_is_fixed(self) -> None:
        market = replace(MARKET, id=identity(replace(PARAMS, irm=IRM)))
        fixed: dict[str, Rows | WatcherError] = {
            "idToMarketParams": [replace(PARAMS, irm=IRM).row()],
            "MAX_BORROW_RATE": [(8 * WAD // YEAR,)],
            "borrowRateStored": [(77,)],
            "borrowRateView": [(77,)] * 5,
        }
        terms, _ = run(ADAPTER.terms(market), chain(**fixed))
        assert terms.model is Model.FIXED
        quote, trips = run(ADAPTER.quote(terms), chain(**fixed))
        assert (quote.rate, quote.rate_at, trips) == (77, None, 1)
        other, _ = run(ADAPTER.terms(market), chain(**fixed | {"borrowRateView": [(77,)] * 4 + [(78,)]}))
        assert other.model is Model.OTHER

    def test_terms_stay_fresh_until_the_market_or_the_fee_recipient_differs(self) -> None:
        assert run(ADAPTER.fresh(TERMS), chain()) == (True, 1)
        assert run(ADAPTER.fresh(TERMS), chain(feeRecipient=[(BOB,)])) == (False, 1)

    def test_f27_a_token_that_changes_its_decimals_ends_what_was_known_of_its_market(self) -> None:
        assert run(ADAPTER.fresh(TERMS), chain(decimals=[(18,)])) == (False, 1)
        with pytest.raises(CallReverted):
            run(ADAPTER.fresh(TERMS), chain(decimals=CallReverted("decimals", b"\x12")))

    def test_a_quote_is_what_is_stored(self) -> None:
        quote, trips = run(ADAPTER.quote(TERMS), chain())
        assert (quote, trips) == (QUOTE, 1)

    @pytest.mark.parametrize(
        "error", [CallReverted("price", b"\x12"), AnswerError("31 bytes")], ids=["reverts", "garbage"]
    )
    def test_a_broken_oracle_costs_the_price_and_nothing_else(self, error: WatcherError) -> None:
        quote, _ = run(ADAPTER.quote(TERMS), chain(price=error))
        assert (quote.totals, quote.price, quote.no_price) == (TOTALS, None, str(error))

    def test_a_failing_endpoint_is_not_a_missing_price(self) -> None:
        with pytest.raises(Transient):
            run(ADAPTER.quote(TERMS), chain(price=Transient("node", "timeout")))

    def test_another_models_rate_comes_with_the_time_it_is_for(self) -> None:
        terms = replace(TERMS, model=Model.OTHER, params=replace(PARAMS, irm=IRM))
        later = (*STORED[:4], NOW.timestamp, 0)
        script = [Outcome(STORED, b""), Outcome((), b""), Outcome(later, b"")]
        asked = chain(borrowRateView=[(77,)])
        quote, trips = run(ADAPTER.quote(terms), lambda read: script if isinstance(read, Script) else asked(read))
        assert (quote.rate, quote.rate_at, quote.totals, trips) == (77, NOW.timestamp, TOTALS, 2)

    def test_positions_are_the_owners_who_hold_anything(self) -> None:
        keys, _ = run(ADAPTER.positions(TERMS, [BOB, WETH]), chain(position=[(0, 0, 1), (0, 0, 0)]))
        assert keys == (KEY,)

    def test_nobody_is_asked_for_nobody(self) -> None:
        assert run(ADAPTER.holdings(TERMS, []), chain()) == ({}, 0)
        assert run(ADAPTER.reported(TERMS, []), chain()) == ({}, 0)

    @pytest.mark.parametrize(
        ("reason", "verdict"),
        [
            ("position is healthy", {"liquidatable": False}),
            ("transferFrom reverted", {"liquidatable": True}),
            ("oracle is out of order", {}),
        ],
    )
    def test_where_a_simulated_liquidation_fails_says_whether_it_is_allowed(
        self, reason: str, verdict: dict[str, bool]
    ) -> None:
        revert = bytes.fromhex("08c379a0") + encode(["string"], [reason])
        rows = [Outcome((), b""), Outcome(STORED, b""), Outcome((0, 5 * 10**6, WAD), b""), Outcome(None, revert)]
        found, trips = run(ADAPTER.reported(TERMS, [KEY]), lambda _: rows)
        assert (found[KEY].figures, found[KEY].which, trips) == ({"debt": 5, **verdict}, Which.ALL, 1)

    def test_a_market_that_cannot_accrue_has_no_answer_of_its_own(self) -> None:
        rows = [Outcome(None, b"\x01"), Outcome(STORED, b""), Outcome((0, 0, 0), b""), Outcome(None, b"")]
        with pytest.raises(CallReverted):
            run(ADAPTER.reported(TERMS, [KEY]), lambda _: rows)


def event(name: str, *args: Any) -> Event:
    return Event(f"morpho_blue/morpho.{name}", MORPHO, (MARKET.id, *args), 1, "0x00", 0)  # type: ignore[arg-type]


class TestLogs:
    def test_a_log_moves_the_position_it_is_about(self) -> None:
        asked = ADAPTER.moves(TERMS)
        assert asked.indexed == ((MARKET.id,),)
        for name in ("Borrow", "Repay", "Supply", "Withdraw", "SupplyCollateral", "WithdrawCollateral", "Liquidate"):
            assert f"morpho_blue/morpho.{name}" in asked.events
            assert asked.read(event(name, WETH, BOB, USDC, 1, 1)) == frozenset({KEY})

    def test_interest_moves_the_fee_recipient_alone(self) -> None:
        read = ADAPTER.moves(TERMS).read
        assert read(event("AccrueInterest", 1, 1, 0)) == frozenset()
        moved = read(event("AccrueInterest", 1, 1, 9))
        assert not isinstance(moved, Touch) and {key.key for key in moved} == {bytes.fromhex(TREASURY[2:])}

    def test_an_owners_first_log_names_the_market(self) -> None:
        assert ADAPTER.discover is not None
        single = Market(1, "morpho_blue", "ethereum/morpho-blue", MORPHO, start=7)
        asked = ADAPTER.discover(single, [BOB])
        assert asked.indexed == (None, None, (bytes(12) + bytes.fromhex(BOB[2:]),))
        found = asked.read(event("SupplyCollateral", WETH, BOB, 1))
        assert found == replace(single, name=f"ethereum/morpho-blue/{MARKET.id.hex()[:10]}", id=MARKET.id)


@pytest.mark.parametrize("adaptive", [True, False])
def test_a_later_moment_is_accrued_from_what_is_stored_and_not_from_the_present(adaptive: bool) -> None:
    terms = replace(TERMS, model=Model.ADAPTIVE if adaptive else Model.NONE)
    later = Moment(200, NOW.timestamp + 90 * 86_400)
    stored = replace(QUOTE, at_target=WAD // 10 // YEAR, fee=WAD // 10)
    directly = ADAPTER.accrue(terms, stored, later, Which.ALL)
    again = ADAPTER.accrue(terms, ADAPTER.accrue(terms, stored, NOW, Which.ALL), later, Which.ALL)
    assert again == directly
    assert ADAPTER.accrue(terms, directly, NOW, Which.NONE) == replace(stored, at=NOW)


def test_a_loan_settles_interest_and_a_deposit_of_collateral_does_not() -> None:
    terms = replace(TERMS, model=Model.ADAPTIVE)
    present = ADAPTER.accrue(terms, replace(QUOTE, at_target=WAD // 10 // YEAR), NOW, Which.ALL)
    borrowed = ADAPTER.act(terms, present, owing(10**6), Borrow(USDC, Raw(10**6)))
    deposited = ADAPTER.act(terms, present, owing(10**6), Supply(WETH, Raw(10**18)))
    assert isinstance(borrowed, Acted)
    assert isinstance(deposited, Acted)
    assert ADAPTER.accrue(terms, borrowed.quote, NOW, Which.NONE).totals == borrowed.quote.totals
    assert ADAPTER.accrue(terms, deposited.quote, NOW, Which.NONE).totals == QUOTE.totals
