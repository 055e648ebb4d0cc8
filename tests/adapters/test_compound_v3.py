"""A Comet on paper: what it asks for, what its logs mean, what it says where the chain says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import HexStr

from tests.adapters import comet_paper as paper
from tests.adapters.comet_paper import BASE_TOKEN, COMET, MARKET, TERMS, at, feed, holding, stored
from tests.adapters.paper import Paper
from tests.adapters.situations import NOW
from watcher.adapter import Acted, Action, Event, Measure, Refusal, Repay, SetMode, Supply, Touch, Which, Withdraw
from watcher.adapters.compound_v3 import ADAPTER
from watcher.adapters.compound_v3.currency import currency
from watcher.adapters.compound_v3.facts import ABSORB, WITHDRAW
from watcher.chain.abi import event, function
from watcher.errors import AnswerError, CallReverted, MissingPrice, Overflow, UsageError
from watcher.formula.comet import INDEX_SCALE
from watcher.model import Blocked, DoubtKind, Moment, PositionKey, Side, Token
from watcher.oracle.feed import NOBODY
from watcher.units import RAY, WAD, Raw

ALICE, BOB, ABSORBER = at(0xA1), at(0xA2), at(0xA3)
WETH, WBTC = (asset.token.address for asset in TERMS.assets[:2])
USDC = BASE_TOKEN.address
EVENTS = "compound_v3/comet."


def key(owner: str) -> PositionKey:
    return PositionKey(MARKET.name, bytes.fromhex(owner[2:]))


def log(name: str, *args: Any, index: int = 0) -> Event:
    return Event(EVENTS + name, COMET, args, 1, HexStr("0x" + "00" * 32), index)


def now(**changed: Any) -> Any:
    return ADAPTER.accrue(TERMS, stored(NOW, **changed), NOW, Which.ALL)


def owing(dollars: int, **held: int) -> Any:
    """Owes so much, a little more or less than a raw unit aside, against whole `weth` and `wbtc`."""
    index = now().totals.borrow_index
    balances = {0: held.get("weth", 0) * 10**18, 1: held.get("wbtc", 0) * 10**8}
    return holding(ALICE, -(dollars * 10**6 * INDEX_SCALE // index), balances)


# What prices count in


@pytest.mark.parametrize(
    ("symbol", "base", "constant", "others", "unit"),
    [
        ("USDC", "USDC / USD", None, ["ETH / USD"], "USD"),
        ("WETH", "Constant price feed", 10**8, ["cbETH / ETH", "wstETH / ETH price feed"], "ETH"),
        ("WETH", "Constant price feed", 10**8, [], "ETH"),
        ("wstETH", "Constant price feed", 10**8, ["rsETH / wstETH price feed"], "wstETH"),
        ("USDC", "ETH / usd", None, [], "usd"),
        ("USDC", "x", None, ["wstETH / stETH ETH / USD", "ETH/usd"], "usd"),
        ("wstETH", "Custom price feed for wstETH / ETH", None, [], "ETH"),
        ("WBTC", "Constant price feed", 10**8, ["a feed", "another / feed / BTC"], "BTC"),
        ("USDS", "Constant price feed", 10**8, ["ETH / USD", "wstETH / ETH"], "USDS"),
        ("AERO", "a feed", None, ["ETH / USD", "wstETH / ETH"], "?"),
        ("AERO", "a feed", 2 * 10**8, [], "?"),
    ],
)
def test_the_unit_is_what_bases_feed_or_all_the_others_name_or_base_itself(
    symbol: str, base: str, constant: int | None, others: list[str], unit: str
) -> None:
    token = Token(USDC, symbol, 18)
    found = currency(token, feed(1, base), constant, [feed(2, name) for name in others])
    assert (found.symbol, found.decimals) == (unit, 8)


# Reads


def test_holdings_cost_two_trips_and_ask_only_for_what_is_entered() -> None:
    users = {ALICE: (-5, 0, 0, 0b0011, 0xFF), BOB: (7, 0, 0, 0, 0)}
    asked = []

    def collateral(_: str, args: tuple[Any, ...]) -> tuple[int, int]:
        asked.append(args)
        return 10**18, 0

    chain = Paper({EVENTS + "userBasic": lambda _, args: users[args[0]], EVENTS + "userCollateral": collateral})
    found = chain.run(ADAPTER.holdings(TERMS, [key(ALICE), key(BOB)]))
    assert chain.rounds == 2
    assert asked == [(ALICE, WETH), (ALICE, WBTC)]
    alice = found[key(ALICE)]
    assert (alice.principal, alice.entered, alice.balances) == (-5, 0b0011 | 0xFF << 16, ((0, 10**18), (1, 10**18)))
    assert found[key(BOB)].balances == ()


def test_a_lender_without_collateral_has_a_position_and_a_stranger_none() -> None:
    users = {ALICE: (7, 0, 0, 0, 0), BOB: (0, 5, 5, 0, 0), ABSORBER: (0, 0, 0, 0, 1)}
    chain = Paper({EVENTS + "userBasic": lambda _, args: users[args[0]]})
    assert chain.run(ADAPTER.positions(TERMS, [ALICE, BOB, ABSORBER])) == (key(ALICE), key(ABSORBER))


def test_a_quote_costs_one_trip_and_an_answer_of_nothing_is_none() -> None:
    answers = {0x80: (1, 5, 9, 9, 1), 0x81: (1, 0, 9, 9, 1), 0x82: (1, -5, 9, 9, 1), 0x83: None, 0x8F: (1, 1, 9, 9, 1)}
    chain = Paper(
        {
            EVENTS + "totalsBasic": ((11, 12, 0, 0, 13, 14, 15, 8),),
            EVENTS + "totalsCollateral": (16, 0),
            "erc20/token.balanceOf": (17,),
            "chainlink/feed.latestRoundData": lambda target, _: answers[int(target, 16)],
        }
    )
    quote = chain.run(ADAPTER.quote(TERMS))
    assert chain.rounds == 1
    assert quote.prices == (5, None, None, None, 1)
    assert (quote.totals.supply_index, quote.totals.borrow_index) == (11, 12)
    assert (quote.totals.supplied, quote.totals.borrowed, quote.updated, quote.cash) == (13, 14, 15, 17)
    assert quote.stops(ABSORB) and not quote.stops(WITHDRAW)


def test_a_quote_of_a_comet_that_cannot_be_read_raises() -> None:
    with pytest.raises(CallReverted):
        Paper({}).run(ADAPTER.quote(TERMS))


# Value


def test_a_debt_is_counted_down_and_collateral_by_its_own_factor() -> None:
    seen = ADAPTER.value(TERMS, now(), owing(1_000, weth=1, wbtc=1))
    assert seen.collateral == (2_500 + 65_000) * 10**8
    assert seen.line.weighted == (2_500 * 90 + 65_000 * 77) * 10**6
    assert 999_99990000 <= seen.debt <= 1_000 * 10**8
    assert seen.health == seen.line.weighted * WAD // seen.debt
    assert [leg.side for leg in seen.legs] == [Side.COLLATERAL, Side.COLLATERAL, Side.DEBT]


def test_base_that_is_lent_is_a_deposit_and_nothing_is_owed() -> None:
    seen = ADAPTER.value(TERMS, now(), holding(ALICE, 10**6, {}))
    (leg,) = seen.legs
    assert (leg.side, seen.health, seen.debt, seen.collateral) == (Side.DEPOSIT, None, 0, 0)
    assert leg.amount == now().totals.supply_index * 10**6 // INDEX_SCALE
    assert 0 < leg.rate < RAY


def test_who_owes_nothing_needs_no_price_and_is_told_what_has_none() -> None:
    dark = now(prices=(None,) * 5)
    seen = ADAPTER.value(TERMS, dark, holding(ALICE, 10**6, {0: 10**18}))
    assert (seen.health, seen.legs, seen.liquidatable) == (None, (), False)
    assert [doubt.kind for doubt in seen.doubts] == [DoubtKind.UNPRICED] * 2


def test_a_price_past_the_one_that_covers_the_debt_is_not_needed_and_one_before_it_is() -> None:
    later, first = now(prices=(2_500 * 10**8, None, 1, 1, 10**8)), now(prices=(None, 65_000 * 10**8, 1, 1, 10**8))
    seen = ADAPTER.value(TERMS, later, owing(2_249, weth=1, wbtc=1))
    assert not seen.liquidatable and [leg.token.symbol for leg in seen.legs] == ["WETH", "USDC"]
    for quote, dollars, lacking in ((later, 2_251, WBTC), (first, 2, WETH)):
        with pytest.raises(MissingPrice) as missing:
            ADAPTER.value(TERMS, quote, owing(dollars, weth=1, wbtc=1))
        assert missing.value.token == lacking
    with pytest.raises(MissingPrice) as missing:
        ADAPTER.value(TERMS, now(prices=(*paper.PRICES[:4], None)), owing(1, weth=1))
    assert missing.value.token == USDC


def test_a_product_that_the_contract_would_not_come_to_is_no_overflow() -> None:
    quote = now(prices=(2_500 * 10**8, 2**250, 1, 1, 10**8))
    assert not ADAPTER.value(TERMS, quote, owing(1, weth=1, wbtc=1)).liquidatable
    with pytest.raises(Overflow):
        ADAPTER.value(TERMS, quote, owing(3_000, weth=1, wbtc=1))


def test_equality_is_healthy_and_one_unit_less_is_not() -> None:
    quote = now()
    held = owing(2_000, weth=1)
    owed = ADAPTER.value(TERMS, quote, held).debt
    price = -(-owed * 10**18 // (90 * 10**16))
    assert not ADAPTER.value(TERMS, ADAPTER.reprice(TERMS, quote, {WETH: price}), held).liquidatable
    assert ADAPTER.value(TERMS, ADAPTER.reprice(TERMS, quote, {WETH: price - 2}), held).liquidatable


def test_a_pause_of_absorptions_blocks_whoever_owes() -> None:
    assert ADAPTER.value(TERMS, now(paused=1 << ABSORB), owing(1, weth=1)).blocked is Blocked.PAUSED
    assert ADAPTER.value(TERMS, now(paused=1 << WITHDRAW), owing(1, weth=1)).blocked is None
    assert ADAPTER.value(TERMS, now(paused=1 << ABSORB), holding(ALICE, 1, {})).blocked is None


def test_only_its_own_tokens_have_prices() -> None:
    with pytest.raises(UsageError):
        ADAPTER.reprice(TERMS, now(), {ALICE: 1})
    assert ADAPTER.worth is not None
    assert ADAPTER.worth(TERMS, now(), Side.DEBT, USDC, Raw(10**6)) == 10**8
    assert ADAPTER.worth(TERMS, now(), Side.COLLATERAL, WETH, Raw(10**18)) == 2_500 * 10**8
    for side, token in ((Side.DEBT, WETH), (Side.COLLATERAL, ALICE)):
        with pytest.raises(AnswerError):
            ADAPTER.worth(TERMS, now(), side, token, Raw(1))


# Interest


def test_a_quote_goes_back_to_what_is_stored_and_not_before_it() -> None:
    quote = stored(NOW)
    accrued = ADAPTER.accrue(TERMS, quote, NOW, Which.ALL)
    assert accrued.totals.borrow_index > quote.totals.borrow_index
    assert ADAPTER.accrue(TERMS, accrued, NOW, Which.NONE) == replace(quote, at=NOW)
    assert ADAPTER.accrue(TERMS, quote, NOW, frozenset({USDC})) == accrued
    assert ADAPTER.accrue(TERMS, quote, NOW, frozenset({WETH})).totals == quote.totals
    with pytest.raises(Overflow):
        ADAPTER.accrue(TERMS, quote, Moment(1, quote.updated - 1), Which.ALL)
    with pytest.raises(ValueError, match="accrued"):
        ADAPTER.value(TERMS, quote, owing(1, weth=1))


# Actions


def test_what_comet_has_no_word_for_is_refused() -> None:
    held, quote = owing(1_000, weth=1), now()
    refused: dict[Action, str] = {
        SetMode(1): "no e-mode",
        Supply(WETH, Raw(0)): "nothing",
        Supply(ALICE, Raw(1)): "neither base nor collateral",
        Repay(USDC, Raw(10**12)): "only 999.99",
        Withdraw(USDC, Raw(1)): "only 0 USDC are lent",
        Withdraw(WETH, Raw(2 * 10**18)): "only 1 WETH are held",
    }
    for action, reason in refused.items():
        said = ADAPTER.act(TERMS, quote, held, action)
        assert isinstance(said, Refusal) and reason in said.reason


def test_base_that_is_supplied_repays_first_and_the_rest_is_lent() -> None:
    acted = ADAPTER.act(TERMS, now(), owing(1_000, weth=1), Supply(USDC, Raw(1_500 * 10**6)))
    assert isinstance(acted, Acted)
    seen = ADAPTER.value(TERMS, acted.quote, acted.holding)
    (leg,) = (leg for leg in seen.legs if leg.side is not Side.COLLATERAL)
    assert leg.side is Side.DEPOSIT and 499_999_998 <= leg.amount <= 500_000_001


# Logs


def test_every_log_names_those_whom_it_moves() -> None:
    read = ADAPTER.moves(TERMS).read
    moved = {
        log("Supply", BOB, ALICE, 1): {ALICE},
        log("Withdraw", ALICE, BOB, 1): {ALICE},
        log("Transfer", NOBODY, ALICE, 1): {ALICE},
        log("Transfer", ALICE, NOBODY, 1): {ALICE},
        log("TransferCollateral", ALICE, BOB, WETH, 1): {ALICE, BOB},
        log("SupplyCollateral", BOB, ALICE, WETH, 1): {ALICE},
        log("WithdrawCollateral", ALICE, BOB, WETH, 1): {ALICE},
        log("AbsorbDebt", ABSORBER, ALICE, 1, 1): {ALICE},
    }
    for one, owners in moved.items():
        assert read(one) == frozenset(map(key, owners))
    assert read(log("Upgraded", BOB)) is Touch.TERMS
    assert all(event(name) for name in ADAPTER.moves(TERMS).events)


def test_who_may_owe_is_found_by_the_collateral_that_he_was_given() -> None:
    assert ADAPTER.borrowers is not None and ADAPTER.suppliers is not None and ADAPTER.founding is not None
    found = ADAPTER.borrowers([TERMS])
    assert found.addresses == (COMET,)
    assert found.read(log("SupplyCollateral", BOB, ALICE, WETH, 1)) == key(ALICE)
    assert found.read(log("TransferCollateral", BOB, ALICE, WETH, 1)) == key(ALICE)
    assert found.read(log("Withdraw", ALICE, BOB, 1)) == key(ALICE)
    lenders = ADAPTER.suppliers([TERMS])
    assert lenders.read(log("Supply", BOB, ALICE, 1)) == key(ALICE)
    assert lenders.read(log("Transfer", ALICE, NOBODY, 1)) == key(ALICE)
    assert ADAPTER.founding(TERMS).events == (EVENTS + "Upgraded",)


def test_two_absorptions_of_one_block_are_told_apart_by_the_place_of_their_logs() -> None:
    assert ADAPTER.liquidations is not None and ADAPTER.beside is not None
    read = ADAPTER.liquidations(TERMS).read
    debts = [
        log("AbsorbDebt", ABSORBER, who, 100, 1_000, index=place) for who, place in ((ALICE, 4), (BOB, 6), (ALICE, 9))
    ]
    beside = [
        log("AbsorbCollateral", ABSORBER, ALICE, WETH, 5, 400, index=2),
        log("AbsorbCollateral", ABSORBER, ALICE, WBTC, 6, 500, index=3),
        log("AbsorbCollateral", ABSORBER, BOB, WETH, 7, 1_100, index=5),
        log("AbsorbCollateral", ABSORBER, ALICE, WETH, 8, 999, index=8),
    ]
    first, second, third = ADAPTER.beside.settle(TERMS, [(one, read(one)) for one in debts], beside)
    assert (first.collateral, first.taken, first.along) == (WBTC, 6, ((WETH, 5),))
    assert (first.repay, first.written_off) == (100, ((USDC, 10),))
    assert (second.taken, second.along, second.written_off) == (7, (), ())
    assert (third.taken, third.written_off) == (8, ((USDC, 1),))
    assert all(one.absorbed and one.fee == 0 and one.liquidator == ABSORBER for one in (first, second, third))


def test_an_absorption_of_nothing_is_all_written_off() -> None:
    assert ADAPTER.liquidations is not None and ADAPTER.beside is not None
    debt = log("AbsorbDebt", ABSORBER, ALICE, 100, 1_000, index=1)
    (found,) = ADAPTER.beside.settle(TERMS, [(debt, ADAPTER.liquidations(TERMS).read(debt))], [])
    assert (found.taken, found.along, found.written_off) == (0, (), ((USDC, 100),))


# Rules


def test_rules_and_what_changes_them_are_told() -> None:
    assert ADAPTER.governance is not None
    rules = ADAPTER.governance.rulebook(TERMS)
    assert [weight.threshold for weight in rules.weights] == [asset.liquidate for asset in TERMS.assets]
    assert rules.weights[0].incentive == WAD * WAD // (95 * WAD // 100)
    (changes,) = ADAPTER.governance.changes(TERMS)
    (change,) = changes.read(log("Upgraded", BOB))
    known = {(one.token, one.subject, one.name) for one in ADAPTER.governance.settings(TERMS)}
    assert (change.setting.token, change.setting.subject, change.setting.name) in known
    paused = changes.read(log("PauseAction", False, False, True, True, False))
    assert [(one.setting.name, one.setting.value) for one in paused if one.setting.value] == [
        ("withdraw and borrow paused", 1),
        ("absorb paused", 1),
    ]
    assert {one.setting.measure for one in paused} == {Measure.SWITCH}
    assert ADAPTER.governance.stops(TERMS, now(paused=0b11000)) == ("absorb is paused", "buy collateral is paused")
    assert ADAPTER.governance.stops(TERMS, now()) == ()


def test_what_is_not_known_of_it_is_in_its_makeup() -> None:
    assert ADAPTER.makeup is not None
    plain, dark = (
        ADAPTER.makeup(TERMS),
        ADAPTER.makeup(replace(TERMS, unit=currency(BASE_TOKEN, feed(1, "x"), None, []))),
    )
    assert "4 collaterals" in plain.rules and ("implementation", paper.IMPLEMENTATION) in plain.contracts
    assert len(dark.limits) == len(plain.limits) + 1


def test_every_function_that_is_asked_for_is_in_the_abi() -> None:
    for name in ("totalsBasic", "userBasic", "getAssetInfo", "isLiquidatable"):
        assert function(EVENTS + name).selector
