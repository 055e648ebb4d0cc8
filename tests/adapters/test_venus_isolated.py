"""Venus isolated pools without a chain: figures by hand, what cannot be told, what is refused, and what is made of answers and logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from tests.adapters import venus_isolated_paper as paper
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
from watcher.adapters import adapter
from watcher.adapters.venus_isolated import ADAPTER, layout, models
from watcher.adapters.venus_isolated.facts import Balance, Deed, Holding, Quote, State, Terms
from watcher.adapters.venus_isolated.governance import GOVERNED
from watcher.adapters.venus_isolated.paths import whole
from watcher.adapters.venus_isolated.rates import Kind, borrow_rate, drawn, utilisation
from watcher.adapters.venus_isolated.reads import IDLE
from watcher.errors import AnswerError, MissingPrice, Overflow, UsageError
from watcher.formula.compound.pool import Pool
from watcher.model import Blocked, DoubtKind, Market, Moment, PositionKey, Side
from watcher.query import Batch, Query, Read, Rows, Slot
from watcher.units import MAX, WAD, YEAR, Raw

T = TypeVar("T")
NOW = Moment(1_000, 1_700_000_000)
BOB = paper.at(0xB0B)
KEY = PositionKey(paper.MARKET.name, bytes.fromhex(BOB[2:]))
WETH, WBTC, USDC, EURS = (token.address for token, *_ in paper.LISTED)
WHOLE = 8 * 10**7  # of a vToken for a whole underlying: it is worth 1.25
PAST = Moment(900, NOW.timestamp - 86_400)


def now(quote: Quote | None = None, terms: Terms = paper.TERMS) -> Quote:
    return ADAPTER.accrue(terms, quote or paper.stored(NOW), NOW, Which.ALL)


def owing(weth: int, usdc: int) -> Holding:
    """Bob with whole WETH, owing raw USDC; both markets entered."""
    return paper.holding(BOB, {0: weth * WHOLE}, {2: usdc})


def with_vtoken(place: int, **changes: Any) -> Terms:
    vtokens = list(paper.VTOKENS)
    vtokens[place] = replace(vtokens[place], **changes)
    return replace(paper.TERMS, vtokens=tuple(vtokens))


def run(query: Query[T], answer: Callable[[Read], Rows]) -> tuple[T, int]:
    """The result, and in how many round trips."""
    rounds = 0
    try:
        reads = next(query)
        while True:
            rounds += 1
            reads = query.send(tuple(answer(read) for read in reads))
    except StopIteration as stop:
        found: T = stop.value
        return found, rounds


def test_the_folder_hands_it_out() -> None:
    assert adapter("venus_isolated") is ADAPTER


def test_an_account_by_hand() -> None:
    """2 WETH at 2,500: 5,000 dollars, of which 4,000 protect and 3,750 may be borrowed; 2,000 are owed."""
    seen = ADAPTER.value(paper.TERMS, now(), owing(2, 2_000 * 10**6))
    assert (seen.collateral, seen.debt, seen.available) == (5_000 * WAD, 2_000 * WAD, 1_750 * WAD)
    assert (seen.line.weighted, seen.health) == (4_000 * WAD, 2 * WAD)
    assert (seen.threshold, seen.ltv) == (8 * WAD // 10, 75 * WAD // 100)
    assert [(leg.side, leg.amount) for leg in seen.legs] == [(Side.COLLATERAL, 2 * WAD), (Side.DEBT, 2_000 * 10**6)]


@pytest.mark.parametrize(("usdc", "liquidatable"), [(4_000 * 10**6, False), (4_000 * 10**6 + 1, True)])
def test_at_equality_an_account_is_healthy(usdc: int, liquidatable: bool) -> None:
    seen = ADAPTER.value(paper.TERMS, now(), owing(2, usdc))
    assert (seen.liquidatable, seen.health == WAD) == (liquidatable, not liquidatable)


def test_bad_debt_counts_as_lent_in_the_exchange_rate_and_in_utilisation() -> None:
    quote = paper.stored(NOW)
    bad = replace(quote.states[0], bad=quote.states[0].books.borrows // 5)
    states = (bad, *quote.states[1:])
    seen = ADAPTER.value(paper.TERMS, now(replace(quote, states=states)), owing(2, 0))
    assert seen.collateral == 5_500 * WAD  # a tenth more of everything that was there
    assert utilisation(bad.books, bad.bad) == 6 * WAD // 11
    assert utilisation(Pool(1, 9, 5, 1, WAD, 0), 1) == WAD  # never above


def test_a_deposit_that_was_not_entered_protects_nothing_and_needs_no_price() -> None:
    balance = Balance(paper.VTOKENS[0].address, WHOLE, 0, 0, entered=False)
    held = Holding(KEY, (balance,))
    quote = now(replace(paper.stored(NOW), prices=(None, None, None, None), reasons=("gone",) * 4))
    seen = ADAPTER.value(paper.TERMS, quote, held)
    assert [(leg.side, leg.amount, leg.value) for leg in seen.legs] == [(Side.DEPOSIT, WAD, 0)]
    assert (seen.collateral, seen.health, [doubt.kind for doubt in seen.doubts]) == (0, None, [DoubtKind.UNPRICED])


@pytest.mark.parametrize("price", [None, 0])
def test_an_entered_asset_without_a_price_makes_the_account_unknown_though_nothing_of_it_is_held(
    price: int | None,
) -> None:
    quote = paper.stored(NOW)
    quote = replace(quote, prices=(*quote.prices[:3], price))
    with pytest.raises(MissingPrice) as missing:
        ADAPTER.value(paper.TERMS, now(quote), paper.holding(BOB, {0: 1, 3: 0}, {}))
    assert missing.value.token == EURS


def test_what_is_not_listed_any_more_counts_for_nothing() -> None:
    held = owing(2, 2_000 * 10**6)
    gone = Balance(paper.at(0xDEAD), 10**30, 10**30, WAD, entered=True)
    assert ADAPTER.value(paper.TERMS, now(), replace(held, balances=(*held.balances, gone))) == ADAPTER.value(
        paper.TERMS, now(), held
    )


def test_interest_runs_by_the_block_or_by_the_second_and_only_where_it_is_named() -> None:
    stored = paper.stored(PAST)
    every = ADAPTER.accrue(paper.TERMS, stored, NOW, Which.ALL)
    stamps = [state.books.stamp for state in every.states]
    assert stamps == [NOW.timestamp, NOW.number, NOW.timestamp, NOW.timestamp]
    rate = stored.states[0].rate
    assert every.states[0].books.index == WAD + rate * 86_400
    assert every.states[1].books.index == WAD + rate * 100
    some = ADAPTER.accrue(paper.TERMS, every, NOW, frozenset({USDC}))
    assert [state == old for state, old in zip(some.states, stored.states, strict=True)] == [True, True, False, True]
    assert ADAPTER.accrue(paper.TERMS, every, NOW, Which.NONE).states == stored.states
    with pytest.raises(Overflow):
        ADAPTER.accrue(paper.TERMS, paper.stored(NOW), PAST, Which.ALL)


def test_a_quote_that_was_not_accrued_has_no_moment() -> None:
    with pytest.raises(ValueError, match="not been accrued"):
        ADAPTER.value(paper.TERMS, paper.stored(NOW), owing(1, 0))


def test_the_close_factor_bounds_a_repayment_and_the_seizure_is_shared() -> None:
    """Half of 4,100 dollars at 110 %: 2,255 dollars of WETH, of which five hundredths of 2,050 go to the protocol."""
    done = ADAPTER.liquidation(paper.TERMS, now(), owing(2, 4_100 * 10**6), USDC, WETH)
    assert isinstance(done, Liquidation)
    assert (done.repay, done.blocked, done.deficit) == (2_050 * 10**6, None, 0)
    assert (done.seize, done.fee) == (2_255 * WAD // 2_500, 1_025 * WAD // 25_000)
    assert done.bonus == (2_255 - 2_050) * WAD - 1_025 * WAD // 10


def test_a_liquidation_takes_no_more_than_there_is() -> None:
    held = paper.holding(BOB, {0: WHOLE // 10, 2: 4_000 * WHOLE}, {2: 10_000 * 10**6})
    done = ADAPTER.liquidation(paper.TERMS, now(), held, USDC, WETH)
    assert isinstance(done, Liquidation)
    assert done.seize == WAD // 10
    assert done.repay < 5_000 * 10**6


def without_cash(place: int, cash: int) -> Quote:
    """Everything of a market is lent but this."""
    quote = paper.stored(NOW)
    books = quote.states[place].books
    lent = replace(books, cash=cash, borrows=books.cash + books.borrows - cash)
    return now(
        replace(quote, states=tuple(replace(s, books=lent) if i == place else s for i, s in enumerate(quote.states)))
    )


def test_a_market_without_cash_for_the_protocols_share_lets_less_be_seized() -> None:
    held, share = owing(2, 4_100 * 10**6), 1_025 * WAD // 25_000
    whole_, half = (
        ADAPTER.liquidation(paper.TERMS, without_cash(0, cash), held, USDC, WETH) for cash in (share, share // 2)
    )
    assert isinstance(whole_, Liquidation) and isinstance(half, Liquidation)
    assert (whole_.repay, whole_.fee) == (2_050 * 10**6, share)
    assert share // 2 - 10**12 < half.fee <= share // 2 and half.repay < 1_026 * 10**6
    for usdc in (85 * 10**6, 95 * 10**6):
        refused = whole(paper.TERMS, without_cash(0, 0), small(usdc))
        assert isinstance(refused, Refusal) and "cash" in refused.reason


def test_reserves_leave_with_the_cash_once_they_are_due() -> None:
    terms, stored = with_vtoken(0, payout=3_600), paper.stored(PAST)
    first = stored.states[0]
    owing_ = replace(first, books=replace(first.books, reserves=7), paid=PAST.timestamp)
    quote = replace(stored, states=(owing_, *stored.states[1:]))
    (paid, *_), (kept, *_) = (ADAPTER.accrue(one, quote, NOW, Which.ALL).states for one in (terms, paper.TERMS))
    assert (paid.books.reserves, paid.paid) == (0, NOW.timestamp)
    assert kept.books.cash - paid.books.cash == kept.books.reserves > 7
    assert (paid.rate, paid.books.borrows) == (kept.rate, kept.books.borrows)


@pytest.mark.parametrize(
    ("debt", "collateral", "reason"),
    [
        (WETH, WETH, "nothing of this debt"),
        (USDC, WBTC, "nothing of this collateral"),
        (USDC, WETH, "there is no shortfall"),
    ],
)
def test_a_pair_that_cannot_be_liquidated_is_refused(debt: Any, collateral: Any, reason: str) -> None:
    refused = ADAPTER.liquidation(paper.TERMS, now(), owing(2, 2_000 * 10**6), debt, collateral)
    assert isinstance(refused, Refusal) and reason in refused.reason


def test_a_pair_does_not_see_the_interest_of_a_third_market() -> None:
    """EURS has run up interest for a day that nobody stored: the account falls short of it, but not for the pair USDC and WETH."""
    stored = paper.stored(PAST)
    states = tuple(replace(state, rate=WAD // 10**8 if place == 3 else 0) for place, state in enumerate(stored.states))
    quote = now(replace(stored, states=states))
    held = paper.holding(BOB, {0: 2 * WHOLE}, {2: 2_000 * 10**6, 3: 185_150})
    assert ADAPTER.value(paper.TERMS, quote, held).liquidatable
    assert ADAPTER.liquidation(paper.TERMS, quote, held, USDC, WETH) == Refusal("there is no shortfall")
    assert isinstance(ADAPTER.liquidation(paper.TERMS, quote, held, EURS, WETH), Liquidation)


def small(usdc: int) -> Holding:
    """A hundredth of the pool's minimum below it: 99 dollars of WETH."""
    return paper.holding(BOB, {0: WHOLE * 99 // 2_500}, {2: usdc})


def test_a_small_account_is_liquidated_whole_or_healed() -> None:
    refused = ADAPTER.liquidation(paper.TERMS, now(), small(85 * 10**6), USDC, WETH)
    assert isinstance(refused, Refusal) and "only the whole account" in refused.reason
    for usdc, path in ((85 * 10**6, "liquidateAccount"), (95 * 10**6, "healAccount")):
        ways = whole(paper.TERMS, now(), small(usdc))
        assert not isinstance(ways, Refusal)
        (way,) = ways
        left = sum(amount for _, amount in way.written_off)
        assert (way.path, way.blocked, left > 0) == (path, None, path == "healAccount")
        assert sum(amount for _, amount in way.repays) + left == usdc
        assert bool(way.orders) is (path == "liquidateAccount")
    for held in (owing(2, 4_100 * 10**6), small(50 * 10**6)):
        assert isinstance(whole(paper.TERMS, now(), held), Refusal)


def test_who_owes_and_holds_nothing_is_healed_for_nothing() -> None:
    ways = whole(paper.TERMS, now(), paper.holding(BOB, {}, {2: 7}))
    assert not isinstance(ways, Refusal)
    (way,) = ways
    assert (way.repays, way.seizes, way.bonus) == ((), (), 0)
    assert [amount for _, amount in way.written_off] == [7]
    assert ADAPTER.value(paper.TERMS, now(), paper.holding(BOB, {}, {2: 7})).blocked is None


@pytest.mark.parametrize(
    ("place", "deed", "held", "blocked"),
    [
        (2, Deed.LIQUIDATE, owing(2, 4_100 * 10**6), True),
        (2, Deed.REPAY, owing(2, 4_100 * 10**6), True),
        (0, Deed.SEIZE, owing(2, 4_100 * 10**6), True),
        (0, Deed.LIQUIDATE, owing(2, 4_100 * 10**6), False),
        (2, Deed.LIQUIDATE, small(85 * 10**6), True),
        (2, Deed.LIQUIDATE, small(95 * 10**6), False),  # whoever heals liquidates nothing
        (2, Deed.REPAY, small(95 * 10**6), True),
        (0, Deed.SEIZE, small(95 * 10**6), True),
    ],
)
def test_what_is_paused_blocks_the_paths_that_need_it(place: int, deed: Deed, held: Holding, blocked: bool) -> None:
    terms = with_vtoken(place, paused=1 << deed)
    seen = ADAPTER.value(terms, now(terms=terms), held)
    assert (seen.liquidatable, seen.blocked) == (True, Blocked.PAUSED if blocked else None)
    ways = whole(terms, now(terms=terms), held)
    if not isinstance(ways, Refusal):
        assert {way.blocked for way in ways} == {seen.blocked}


def test_a_forced_debt_is_liquidatable_at_any_health_and_in_full() -> None:
    terms = with_vtoken(2, forced=True)
    held = owing(2, 100 * 10**6)
    seen = ADAPTER.value(terms, now(terms=terms), held)
    assert (seen.health, seen.liquidatable, seen.blocked) == (40 * WAD, True, None)
    done = ADAPTER.liquidation(terms, now(terms=terms), held, USDC, WETH)
    assert isinstance(done, Liquidation) and done.repay == 100 * 10**6
    assert ADAPTER.linear is not None
    assert ADAPTER.linear.shares(terms, held) is None  # no sum tells it


@pytest.mark.parametrize(
    ("terms", "action", "reason"),
    [
        (paper.TERMS, SetMode(1), "no e-mode"),
        (paper.TERMS, Supply(paper.at(0xDEAD), Raw(1)), "is not listed"),
        (with_vtoken(0, paused=1 << Deed.MINT), Supply(WETH, Raw(1)), "mint is paused for WETH"),
        (with_vtoken(0, supply_cap=10**25), Supply(WETH, Raw(1)), "supply cap of 10000000 WETH exceeded"),
        (with_vtoken(0, paused=1 << Deed.REDEEM), Withdraw(WETH, Raw(WAD)), "redeem is paused"),
        (paper.TERMS, Withdraw(WETH, Raw(WAD)), "insufficient liquidity"),
        (paper.TERMS, Withdraw(WETH, Raw(1)), "nothing would be paid out"),
        (with_vtoken(2, paused=1 << Deed.BORROW), Borrow(USDC, Raw(1)), "borrow is paused"),
        (with_vtoken(3, paused=1 << Deed.ENTER), Borrow(EURS, Raw(1)), "enter is paused"),
        (with_vtoken(2, borrow_cap=5 * 10**12), Borrow(USDC, Raw(1)), "borrow cap of 5000000 USDC exceeded"),
        (paper.TERMS, Borrow(USDC, Raw(750 * 10**6 + 1)), "insufficient liquidity"),
        (with_vtoken(2, paused=1 << Deed.REPAY), Repay(USDC, Raw(1)), "repay is paused"),
    ],
)
def test_what_the_contract_refuses_is_refused(terms: Terms, action: Action, reason: str) -> None:
    refused = ADAPTER.act(terms, now(terms=terms), owing(2, 3_000 * 10**6), action)
    assert isinstance(refused, Refusal) and reason in refused.reason


def test_nobody_takes_more_than_the_market_has_at_hand() -> None:
    quote = paper.stored(NOW)
    poor = replace(quote.states[2], books=replace(quote.states[2].books, cash=10, reserves=4))
    quote = now(replace(quote, states=(*quote.states[:2], poor, quote.states[3])))
    assert isinstance(ADAPTER.act(paper.TERMS, quote, owing(2, 1), Borrow(USDC, Raw(6))), Acted)
    refused = ADAPTER.act(paper.TERMS, quote, owing(2, 1), Borrow(USDC, Raw(7)))
    assert isinstance(refused, Refusal) and "cash" in refused.reason


def test_everything_is_withdrawn_and_repaid_to_the_last_unit() -> None:
    paid = ADAPTER.act(paper.TERMS, now(), owing(2, 3_000 * 10**6), Repay(USDC, Raw(MAX)))
    assert isinstance(paid, Acted)
    left = ADAPTER.act(paper.TERMS, paid.quote, paid.holding, Withdraw(WETH, Raw(MAX)))
    assert isinstance(left, Acted)
    assert ADAPTER.value(paper.TERMS, left.quote, left.holding).legs == ()


def test_what_was_left_out_among_thousands_cannot_be_acted_on() -> None:
    held = replace(owing(2, 1), complete=False)
    with pytest.raises(AnswerError, match="read fewer accounts"):
        ADAPTER.act(paper.TERMS, now(), held, Supply(WBTC, Raw(1)))
    assert isinstance(ADAPTER.act(paper.TERMS, now(), held, Supply(WETH, Raw(WAD))), Acted)


def test_another_price_is_of_a_listed_asset() -> None:
    quote = ADAPTER.reprice(paper.TERMS, now(), {WETH: 1})
    assert quote.prices[0] == 1
    with pytest.raises(UsageError):
        ADAPTER.reprice(paper.TERMS, now(), {BOB: 1})


def test_vtokens_are_worth_their_underlying() -> None:
    assert ADAPTER.worth is not None
    vtoken = paper.VTOKENS[0].address
    assert ADAPTER.worth(paper.TERMS, now(), Side.COLLATERAL, vtoken, Raw(WHOLE)) == 2_500 * WAD
    assert ADAPTER.worth(paper.TERMS, now(), Side.DEBT, USDC, Raw(10**6)) == WAD
    with pytest.raises(AnswerError):
        ADAPTER.worth(paper.TERMS, now(), Side.DEBT, vtoken, Raw(1))


TWO = {"BASE_RATE_PER_BLOCK_OR_SECOND": 10, "MULTIPLIER_PER_BLOCK_OR_SECOND": 100, "KINK_1": WAD // 2}
TWO |= {"BASE_RATE_2_PER_BLOCK_OR_SECOND": 3, "MULTIPLIER_2_PER_BLOCK_OR_SECOND": 200, "KINK_2": WAD * 8 // 10}
TWO |= {"JUMP_MULTIPLIER_PER_BLOCK_OR_SECOND": 1_000}
ONE = {"baseRatePerBlock": 10, "multiplierPerBlock": 100}


@pytest.mark.parametrize(
    ("getters", "rate", "kind"),
    [
        (ONE, 70, Kind.STRAIGHT),
        (ONE | {"jumpMultiplierPerBlock": 1_000, "kink": WAD // 2}, 160, Kind.JUMP),
        (TWO, 83, Kind.TWO_KINKS),
        (ONE, 71, Kind.OTHER),  # it does not explain what is charged
        (TWO | {"MULTIPLIER_2_PER_BLOCK_OR_SECOND": -200}, 83, Kind.OTHER),
        ({}, 70, Kind.OTHER),
    ],
)
def test_a_rate_model_is_known_by_its_getters_and_by_what_it_charges(
    getters: dict[str, int], rate: int, kind: Kind
) -> None:
    """Six tenths are lent."""
    answers = [(getters[name],) if name in getters else None for name in models.GETTERS]
    found = models.model(paper.at(9), answers, models.Now(0, WAD, 60, 0, 100, 0, 40, rate))
    assert found.kind is kind
    assert borrow_rate(found, WAD * 6 // 10) == (None if kind is Kind.OTHER else rate)
    rates = [one for _, one in drawn(found, YEAR).points]
    assert rates == sorted(rates) and bool(rates) is (kind is not Kind.OTHER)
    assert models.again(found, answers) == found


def test_books_in_other_places_are_no_books() -> None:
    assert layout.initial(BOB, (7, 1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6)) == 7
    with pytest.raises(AnswerError, match="does not keep its books"):
        layout.initial(BOB, (7, 1, 2, 3, 4, 5, 7), (1, 2, 3, 4, 5, 6))


def test_pools_of_one_name_are_told_apart() -> None:
    registry = Market(1, "venus_isolated", "ethereum/venus-isolated", paper.at(1), start=50)
    names = ("A b!", "A b", "C", "")
    pools = tuple((name, BOB, paper.at((place + 1) << 152), 60, 0) for place, name in enumerate(names))
    assert ADAPTER.listed is not None
    found, rounds = run(ADAPTER.listed(registry), lambda _: [(pools,)])
    assert rounds == 1
    assert [market.name.rpartition("/")[2] for market in found] == ["a-b-01000000", "a-b-02000000", "c", "04000000"]


def test_of_many_accounts_only_what_was_entered_is_read_and_debts_only_where_something_is_owed() -> None:
    keys = [PositionKey(paper.MARKET.name, number.to_bytes(20)) for number in range(IDLE // 4 + 1)]
    counts: list[tuple[str, int]] = []

    def answer(read: Read) -> Rows:
        if isinstance(read, Slot):
            counts.append(("slots", len(read.slots)))
            return [(5,)] * len(read.slots)
        assert isinstance(read, Batch)
        counts.append((read.function.rpartition(".")[2], len(read.targets)))
        if read.function.endswith("getAssetsIn"):
            inside = (paper.VTOKENS[0].address, paper.VTOKENS[2].address, paper.at(0xDEAD))
            return [(inside if number == 0 else (),) for number in range(len(read.args))]
        return [(0, 9, int(target == paper.VTOKENS[2].address), WAD) for target in read.targets]

    found, rounds = run(ADAPTER.holdings(paper.TERMS, keys), answer)
    assert rounds == 3
    assert counts == [("getAssetsIn", len(keys)), ("getAccountSnapshot", 2), ("slots", 2)]
    assert {len(held.balances) for held in found.values()} == {0, 2}
    assert [one.principal for one in found[keys[0]].balances] == [0, 5]
    assert not any(held.complete for held in found.values())


def event(name: str, *args: Any, address: Any = paper.VTOKENS[0].address) -> Event:
    return Event(f"venus_isolated/{name}", address, args, 1, "0x", 0)  # type: ignore[arg-type]


def test_logs_name_whom_they_move() -> None:
    read = ADAPTER.moves(paper.TERMS).read
    other, vtoken, nobody = paper.at(0xC), paper.VTOKENS[0].address, paper.at(0)
    mine = frozenset({KEY})
    assert read(event("vtoken.Transfer", BOB, vtoken, 1)) == mine  # a withdrawal
    assert read(event("vtoken.Transfer", nobody, BOB, 1)) == mine
    assert read(event("vtoken.RepayBorrow", other, BOB, 1, 0, 0)) == mine
    assert read(event("comptroller.MarketExited", vtoken, BOB, address=paper.MARKET.address)) == mine
    assert read(event("comptroller.NewCloseFactor", 1, 2, address=paper.MARKET.address)) is Touch.TERMS
    assert ADAPTER.borrowers is not None and ADAPTER.suppliers is not None
    assert ADAPTER.borrowers([paper.TERMS]).read(event("vtoken.Borrow", BOB, 1, 2, 3)) == KEY
    assert ADAPTER.suppliers([paper.TERMS]).read(event("vtoken.Transfer", other, BOB, 1)) == KEY


def test_a_log_that_sets_nothing_known_is_an_error() -> None:
    (query,) = GOVERNED.changes(paper.TERMS)
    with pytest.raises(AnswerError):
        query.read(event("vtoken.Transfer", BOB, BOB, 1))
    told = query.read(event("comptroller.MarketUnlisted", paper.at(0xDEAD)))
    assert told[0].setting.subject == paper.at(0xDEAD)


def test_the_rules_are_told_in_words_and_what_is_stopped_by_name() -> None:
    book = GOVERNED.rulebook(with_vtoken(2, forced=True))
    said = {clause.topic: clause.text for clause in book.clauses}
    assert "at or below 100 USD" in said["small accounts"] and said["forced"].endswith("USDC")
    assert {weight.token.symbol for weight in book.weights} == {"WETH", "WBTC", "USDC", "EURS"}
    terms = with_vtoken(0, paused=1 << Deed.SEIZE | 1 << Deed.MINT)
    quote = now(replace(paper.stored(NOW), prices=(1, 1, 1, None), reasons=(None, None, None, "old")))
    assert GOVERNED.stops(terms, quote) == ("seize of WETH is paused", "EURS has no price: old")


def test_an_unknown_exchange_rate_costs_an_idle_deposit_its_leg_and_nothing_else() -> None:
    quote = paper.stored(NOW)
    broken = State(Pool(1, 1, 9, 5, WAD, NOW.timestamp), 0, 0)
    quote = now(replace(quote, states=(*quote.states[:3], broken)))
    idle = Balance(paper.VTOKENS[3].address, 5, 0, 0, entered=False)
    held = owing(2, 2_000 * 10**6)
    seen = ADAPTER.value(paper.TERMS, quote, replace(held, balances=(*held.balances, idle)))
    assert (seen.health, len(seen.legs), [doubt.kind for doubt in seen.doubts]) == (2 * WAD, 2, [DoubtKind.UNPRICED])
