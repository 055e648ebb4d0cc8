"""Compound V2 on paper: what the comptroller reads, what it refuses, and what of it can be told at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import HexStr

from tests.adapters import compound_paper as paper
from tests.adapters.situations import NOW, OWNERS
from watcher.adapter import Acted, Borrow, Event, Liquidation, Refusal, Repay, SetMode, Supply, Touch, Which, Withdraw
from watcher.adapters.compound_v2 import ADAPTER
from watcher.adapters.compound_v2.facts import NATIVE, Clock, Entry, Holding, Quote
from watcher.adapters.compound_v2.tail import Kind, kinds
from watcher.adapters.compound_v2.words import Head, own, own_reads
from watcher.errors import AnswerError, MissingPrice, UsageError
from watcher.model import Blocked, DoubtKind, Moment, PositionKey, Side
from watcher.query import Batch
from watcher.store.facts import decode, encode
from watcher.units import MAX, WAD, Raw

ADA = OWNERS[0]
WETH, WBTC, USDC, EURS = (token.address for token, *_ in paper.LISTED)
LATER = Moment(NOW.number + 100, NOW.timestamp + 10_000)


def quote(at: Moment = NOW, which: Any = Which.ALL) -> Quote:
    return ADAPTER.accrue(paper.TERMS, paper.quoted(NOW), at, which)


def held(tokens: Mapping[int, int], debts: Mapping[int, int]) -> Holding:
    return paper.holding(ADA, dict(tokens), dict(debts))


def test_interest_runs_by_blocks_in_one_market_and_by_seconds_in_another() -> None:
    """And a market that was not asked for stays as it is stored, whatever was accrued before."""
    before, after = quote(), quote(LATER)
    grown = [now.now.index - then.now.index for then, now in zip(before.states, after.states, strict=True)]
    assert grown == [paper.RATE // 2 * ticks for ticks in (100, 10_000, 100, 10_000)]
    pair = ADAPTER.accrue(paper.TERMS, after, LATER, frozenset({USDC}))
    assert [state.now == state.stored for state in pair.states] == [True, True, False, True]
    assert ADAPTER.accrue(paper.TERMS, after, LATER, Which.NONE).states == before.states


def test_a_market_whose_rate_is_absurd_or_silent_is_not_accrued_by_anybody() -> None:
    for rate in (None, 5 * 10**12 + 1):
        stored = paper.quoted(NOW)
        stored = replace(stored, states=(replace(stored.states[0], rate=rate), *stored.states[1:]))
        seen = ADAPTER.accrue(paper.TERMS, stored, LATER, Which.ALL)
        assert seen.states[0].now == stored.states[0].stored
        assert ADAPTER.act(paper.TERMS, seen, held({0: 10**10}, {}), Supply(WETH, Raw(1))) == Refusal(
            "the market's interest cannot be accrued"
        )
        assert ADAPTER.governance is not None
        assert ADAPTER.governance.stops(paper.TERMS, seen) == (
            "cWETH cannot accrue interest: nothing can be done in it",
        )


def test_only_markets_that_were_entered_count() -> None:
    holding = replace(held({0: 10**10, 2: 10**12}, {2: 10**8}), entered=0b100)
    seen = ADAPTER.value(paper.TERMS, quote(), holding)
    assert [(leg.token.symbol, leg.side) for leg in seen.legs] == [
        ("USDC", Side.COLLATERAL),
        ("USDC", Side.DEBT),
        ("WETH", Side.DEPOSIT),
    ]
    unpriced = ADAPTER.reprice(paper.TERMS, quote(), {WETH: 0})
    (doubt,) = ADAPTER.value(paper.TERMS, unpriced, holding).doubts
    assert doubt.kind is DoubtKind.UNPRICED
    with pytest.raises(MissingPrice):
        ADAPTER.value(paper.TERMS, unpriced, replace(holding, entered=0b101))


def test_a_debt_that_is_known_by_its_balance_alone_is_unknown_and_no_number() -> None:
    holding = replace(held({0: 10**12}, {2: 10**8}), entries=(Entry(0, 10**12, 0, 0), Entry(2, 0, 10**8, 0)))
    with pytest.raises(AnswerError, match="cUSDC"):
        ADAPTER.value(paper.TERMS, quote(), holding)
    assert ADAPTER.linear is not None and ADAPTER.linear.shares(paper.TERMS, holding) is None


def test_a_debt_in_a_deprecated_market_is_open_without_a_shortfall() -> None:
    old = paper.terms(
        listings=(*paper.TERMS.listings[:2], paper.listing(2, factor=0, deprecated=True), paper.TERMS.listings[3])
    )
    holding = held({0: 10**12}, {2: 10**8})
    seen = ADAPTER.value(old, quote(), holding)
    assert seen.liquidatable and seen.health is not None and seen.health > WAD and seen.shortfall == 0
    found = ADAPTER.liquidation(old, quote(), holding, USDC, WETH)
    assert isinstance(found, Liquidation) and found.repay == 10**8
    assert ADAPTER.liquidation(paper.TERMS, quote(), holding, USDC, WETH) == Refusal("INSUFFICIENT_SHORTFALL")
    assert ADAPTER.linear is not None and ADAPTER.linear.shares(old, holding) is None


def test_without_anything_to_seize_a_debt_is_blocked() -> None:
    seen = ADAPTER.value(paper.TERMS, quote(), held({}, {2: 10**8}))
    assert (seen.liquidatable, seen.blocked, seen.health) == (True, Blocked.EMPTY, 0)


REFUSED = [
    (Supply(WETH, Raw(0)), "an amount of zero"),
    (Borrow(WBTC, Raw(10**15)), "INSUFFICIENT_LIQUIDITY"),
    (Borrow(EURS, Raw(10**10)), "INSUFFICIENT_LIQUIDITY"),
    (Withdraw(WETH, Raw(MAX)), "INSUFFICIENT_LIQUIDITY"),
    (Withdraw(USDC, Raw(MAX)), "redeemTokens zero"),
    (Withdraw(USDC, Raw(10)), "REDEEM_NEW_ACCOUNT_BALANCE"),
    (Repay(USDC, Raw(10**9 + 1)), "REPAY_BORROW_NEW_ACCOUNT_BORROW_BALANCE"),
    (Borrow(paper.at(1), Raw(1)), "has no market"),
    (SetMode(1), "no e-mode"),
]


@pytest.mark.parametrize(("action", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_is_refused_is_refused_in_the_protocols_own_words(action: Any, reason: str) -> None:
    answer = ADAPTER.act(paper.TERMS, quote(), held({0: 10**9}, {2: 10**9}), action)
    assert isinstance(answer, Refusal) and reason in answer.reason


def test_pauses_and_caps_refuse_what_they_are_for() -> None:
    strict = paper.listing(0, mint_paused=True, borrow_paused=True)
    capped = paper.listing(2, borrow_cap=10**6, supply_cap=10**6)
    terms = paper.terms(listings=(strict, paper.listing(1), capped, paper.listing(3)))
    holding = held({0: 10**12}, {})
    reasons = [
        ADAPTER.act(terms, quote(), holding, action)
        for action in (Supply(WETH, Raw(1)), Borrow(WETH, Raw(1)), Supply(USDC, Raw(1)), Borrow(USDC, Raw(1)))
    ]
    assert [one.reason for one in reasons if isinstance(one, Refusal)] == [
        "mint is paused",
        "borrow is paused",
        "market supply cap reached",
        "market borrow cap reached",
    ]


def test_repaying_all_leaves_no_debt_and_borrowing_enters_the_market() -> None:
    holding = held({0: 10**12}, {2: 10**9})
    paid = ADAPTER.act(paper.TERMS, quote(LATER), holding, Repay(USDC, Raw(MAX)))
    assert isinstance(paid, Acted) and paid.holding.entry(2) == Entry(2, 0, 0, 0)
    borrowed = ADAPTER.act(paper.TERMS, quote(LATER), holding, Borrow(EURS, Raw(10**4)))
    assert isinstance(borrowed, Acted) and borrowed.holding.counts(3)
    assert borrowed.holding.entry(3) == Entry(3, 0, 10**4, quote(LATER).states[3].now.index)
    assert borrowed.quote.states[3].rate != quote(LATER).states[3].rate
    assert ADAPTER.value(paper.TERMS, borrowed.quote, borrowed.holding).at == LATER


def test_what_was_left_out_among_many_is_not_guessed() -> None:
    assert ADAPTER.bare is not None
    whole = replace(held({0: 10**10, 1: 10**10}, {}), entered=1)
    bare = ADAPTER.bare(whole)
    assert (bare.complete, [entry.id for entry in bare.entries]) == (False, [0])
    with pytest.raises(AnswerError, match="were not read"):
        ADAPTER.act(paper.TERMS, quote(), bare, Withdraw(WBTC, Raw(1)))
    assert ADAPTER.bare(bare) is bare


def test_an_answer_for_a_token_that_has_no_market_is_a_mistake() -> None:
    with pytest.raises(UsageError):
        ADAPTER.reprice(paper.TERMS, quote(), {paper.at(1): 1})


def test_a_log_names_accounts_or_touches_the_terms() -> None:
    query = ADAPTER.moves(paper.TERMS)
    assert {paper.MARKET.address, *(one.address for one in paper.TERMS.listings)} == set(query.addresses)
    bob = OWNERS[1]

    def said(name: str, *args: Any) -> Any:
        return query.read(Event(f"compound_v2/{name}", paper.at(0xB20), args, 1, HexStr("0x"), 0))

    keys = {who: PositionKey(paper.MARKET.name, bytes.fromhex(who[2:])) for who in (ADA, bob)}
    assert said("ctoken.Transfer", ADA, bob, 5) == frozenset(keys.values())
    assert said("ctoken.RepayBorrow", bob, ADA, 1, 2, 3) == {keys[ADA]}
    assert said("comptroller.MarketEntered", paper.at(0xB20), bob) == {keys[bob]}
    assert said("comptroller.ActionPaused(address,string,bool)", paper.at(0xB20), "Mint", True) is Touch.TERMS
    assert said("ctoken.NewReserveFactor", 1, 2) is Touch.TERMS


def test_a_market_is_by_block_or_by_second_by_what_it_answers_and_never_both() -> None:
    head = Head(paper.at(1), (paper.at(2), paper.at(3)), paper.at(4), 0, 0, seize_paused=False, transfer_paused=False)
    answers: list[Any] = [[("cETH",), ("mUSDC",)], [None, (paper.at(9),)], [(17,), None], [None, (1_700,)]]
    assert kinds(head, answers) == (
        Kind("cETH", None, Clock.BLOCK),
        Kind("mUSDC", paper.at(9), Clock.SECOND),
    )
    for both in ([(17,), (18,)], [None, None]):
        with pytest.raises(AnswerError, match="by block or by second"):
            kinds(head, [answers[0], answers[1], both, both])
    assert NATIVE == "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"


def test_what_a_ctoken_does_not_have_is_asked_for_once() -> None:
    """An ether market takes an unknown call for a deposit, which accrues interest and spoils what is read beside it."""
    head = paper.TERMS.words.head
    size = len(head.tokens)
    found = own(head, None, [[(paper.at(1),)] * size, [(5,)] * size, [(7,), None, None, (8,)], [None] * size])
    assert [one.share for one in found] == [7, None, None, 8]
    reads = own_reads(head, found)
    assert [len(read.targets) for read in reads if isinstance(read, Batch)] == [size, size, 2, 0]


def test_its_facts_come_back_from_the_store_as_they_were() -> None:
    for kind, fact in (
        (ADAPTER.terms_type, paper.TERMS),
        (ADAPTER.quote_type, quote(LATER)),
        (ADAPTER.holding_type, held({0: 2**200}, {2: 1})),
    ):
        assert decode(kind, encode(fact)) == fact


def test_its_parameters_and_its_rules_are_told() -> None:
    assert ADAPTER.governance is not None and ADAPTER.makeup is not None
    rules = ADAPTER.governance.rulebook(paper.TERMS)
    assert {weight.token.symbol: weight.threshold for weight in rules.weights}["WBTC"] == 70 * paper.PERCENT
    names = {(setting.subject, setting.name): setting.value for setting in ADAPTER.governance.settings(paper.TERMS)}
    assert names["cUSDC", "collateral factor"] == 85 * paper.PERCENT
    assert names["comptroller", "close factor"] == 50 * paper.PERCENT
    (query,) = ADAPTER.governance.changes(paper.TERMS)
    args = (paper.at(0xB22), 1, 2)
    event = Event("compound_v2/comptroller.NewCollateralFactor", paper.MARKET.address, args, 1, HexStr("0x"), 0)
    (change,) = query.read(event)
    assert (change.setting.subject, change.setting.name, change.was, change.setting.value) == (
        "cUSDC",
        "collateral factor",
        1,
        2,
    )
    unsure = ADAPTER.makeup(replace(paper.TERMS, told=False))
    assert "assumed" in unsure.limits[0] and not ADAPTER.makeup(paper.TERMS).limits
