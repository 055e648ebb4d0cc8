"""The rules of Aave V3 that differ between versions, on a pool on paper: figures are proved on chain and by vectors, not here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.adapters.aave_pool import (
    CONFIGURATOR,
    ETH,
    KEY,
    MARKET,
    MODE_SOURCE,
    NOW,
    OLD,
    ORACLE,
    OWNER,
    POOL,
    PRICES,
    PROVIDER,
    REVISIONS,
    TOKENS,
    USD,
    at,
    debt,
    deposit,
    functions,
    stable,
    word,
    world,
)
from tests.adapters.paper import Paper
from watcher.adapter import Acted, Borrow, Event, Refusal, Repay, SetMode, Supply, Touch, Which, Withdraw
from watcher.adapters.aave_v3 import ADAPTER, truncates
from watcher.adapters.aave_v3.facts import Holding, Quote, Terms, configuration
from watcher.adapters.aave_v3.rules import isolate
from watcher.errors import AnswerError, CallReverted, MissingPrice, Overflow
from watcher.formula.aave.version import Version
from watcher.model import Blocked, DoubtKind, Moment, PositionKey, Side
from watcher.units import MAX, RAY, Raw

VERSIONS = tuple(REVISIONS)
OLD_MODES = ("3.0", "3.1")


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_terms_take_four_trips_known_ones_one(version: str) -> None:
    paper = Paper(functions(version))
    terms = paper.run(ADAPTER.terms(MARKET))
    assert paper.rounds == 4
    assert paper.run(ADAPTER.fresh(terms)) is True
    assert paper.rounds == 5
    quote = paper.run(ADAPTER.quote(terms))
    assert paper.rounds == 6
    paper.run(ADAPTER.holdings(terms, [KEY]))
    assert paper.rounds == 8
    assert quote.at is None


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("aave_v3/pool__POOL_REVISION", (11,)),
        ("aave_v3/pool__getReservesList", (TOKENS[:2],)),
        ("aave_v3/provider__getPriceOracle", (at(77),)),
        ("aave_v3/provider__getPriceOracleSentinel", (at(0),)),
        ("aave_v3/oracle__getSourceOfAsset", (at(77),)),
        ("aave_v3/pool__getLiquidationGracePeriod", (NOW,)),
        ("aave_v3/strategy_v2__getInterestRateDataBps", (8_000, 0, 400, 7_501)),
        ("aave_v3/pool__getEModeCategoryCollateralBitmap", (0b111,)),
        ("aave_v3/pool__getEModeCategoryLtvzeroBitmap", (0b111,)),
        ("aave_v3/pool__getEModeCategoryCollateralConfig", (9_000, 9_100, 10_100)),
    ],
)
def test_known_terms_end_with_any_of_their_words(name: str, answer: tuple[Any, ...]) -> None:
    terms, _, _ = world("3.6")
    assert Paper(functions("3.6", **{name: answer})).run(ADAPTER.fresh(terms)) is False


def test_known_terms_end_with_a_configuration_word_and_with_a_read_that_reverts() -> None:
    terms, _, _ = world("3.6")
    known = functions("3.6")
    data: Any = known["aave_v3/pool.getReserveData"]

    def paused(target: Any, args: Any) -> Any:
        first, *rest = data(target, args)
        return (first | 1 << 60, *rest)

    assert Paper({**known, "aave_v3/pool.getReserveData": paused}).run(ADAPTER.fresh(terms)) is False
    assert Paper({**known, "aave_v3/oracle.BASE_CURRENCY": None}).run(ADAPTER.fresh(terms)) is False


def test_interest_alone_does_not_end_terms() -> None:
    terms, _, _ = world("3.6")
    known = functions("3.6")
    data: Any = known["aave_v3/pool.getReserveData"]

    def grown(target: Any, args: Any) -> Any:
        row = list(data(target, args))
        row[1] += 1
        row[6] += 12
        return tuple(row)

    assert Paper({**known, "aave_v3/pool.getReserveData": grown}).run(ADAPTER.fresh(terms)) is True


@pytest.mark.parametrize("revision", [1, 2, 3, 4, 5, 8])
def test_a_fork_of_3_0_is_read_as_3_0_whatever_it_counts_its_upgrades(revision: int) -> None:
    """SparkLend: Aave's 3.0.2 was its second pool and a patch of it its third; an upgrade must have a higher number than the last."""
    known = functions("3.0", **{"aave_v3/pool__POOL_REVISION": (revision,)})
    paper = Paper(known)
    terms = paper.run(ADAPTER.terms(MARKET))
    assert paper.run(ADAPTER.fresh(terms)) is True
    plain, quote, holding = world("3.0")
    assert terms.version is Version.V3_0
    assert ADAPTER.value(terms, quote, holding) == ADAPTER.value(plain, quote, holding)
    assert ADAPTER.makeup is not None
    assert ADAPTER.makeup(terms).rules.startswith(f"Aave 3.0 (revision {revision})")


def test_an_unknown_revision_is_an_error_that_names_it() -> None:
    with pytest.raises(AnswerError, match="revision 99"):
        Paper(functions("3.6", aave_v3__pool=None) | {"aave_v3/pool.POOL_REVISION": (99,)}).run(ADAPTER.terms(MARKET))


def test_a_required_read_that_reverts_is_an_error() -> None:
    with pytest.raises(CallReverted):
        Paper(functions("3.6") | {"aave_v3/pool.getReserveData": None}).run(ADAPTER.terms(MARKET))


def test_a_base_currency_that_is_no_power_of_ten_is_refused() -> None:
    with pytest.raises(AnswerError, match="power of ten"):
        world("3.6", **{"aave_v3/oracle__BASE_CURRENCY_UNIT": (3,)})


def test_a_configuration_word_is_read_bit_by_bit() -> None:
    packed = word(7_777, 8_888, 10_999, 6, 9, 1 << 57 | 1 << 60 | 1 << 61 | 1 << 62)
    packed |= 123_456 << 80 | 654_321 << 116 | 2_500 << 152 | 5_000_000_00 << 212
    rules = configuration(packed)
    assert (rules.ltv, rules.threshold, rules.bonus, rules.decimals, rules.mode) == (7_777, 8_888, 10_999, 6, 9)
    assert rules.active and rules.frozen and rules.borrowing and rules.paused and rules.accounted
    assert rules.isolation_borrowable and rules.siloed
    assert (rules.factor, rules.borrow_cap, rules.supply_cap) == (1_000, 123_456, 654_321)
    assert (rules.fee, rules.ceiling) == (2_500, 5_000_000_00)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_does_not_have_is_not_in_its_terms(version: str) -> None:
    terms, _, _ = world(version)
    assert all((reserve.stable is not None) == (version in OLD_MODES) for reserve in terms.reserves)
    assert (terms.sentinel is None) == (version == "3.7")
    sources = [category.price_source for category in terms.categories]
    assert sources == ([None, MODE_SOURCE] if version in OLD_MODES else [None, None])
    assert [asset.address for asset in terms.assets[3:]] == ([MODE_SOURCE] if version in OLD_MODES else [])
    assert [category.isolated for category in terms.categories] == ([True, False] if version == "3.7" else [False] * 2)
    assert truncates(terms) == (version < "3.5")


def test_an_assets_one_category_until_3_1_is_written_as_a_bitmap() -> None:
    terms, _, _ = world("3.0")
    assert [(c.collateral, c.borrowable) for c in terms.categories] == [(0b001, 0b001), (0b110, 0b110)]


def in_mode(holding: Holding, mode: int, *, secured: tuple[int, ...], owed: tuple[int, ...] = (1,)) -> Holding:
    flags = sum(2 << 2 * id for id in secured) + sum(1 << 2 * id for id in owed)
    return replace(holding, mode=mode, flags=flags)


@pytest.mark.parametrize("version", VERSIONS)
def test_collateral_without_a_base_threshold_counts_from_3_6_only(version: str) -> None:
    terms, quote, holding = world(version)
    seen = ADAPTER.value(terms, quote, in_mode(holding, 2, secured=(2,)))
    sides = {leg.token.symbol: leg.side for leg in seen.legs if leg.side is not Side.DEBT}
    assert sides["OLD"] is (Side.COLLATERAL if version >= "3.6" else Side.DEPOSIT)
    assert (seen.collateral > 0) == (version >= "3.6")
    assert seen.threshold == (9_200 if version >= "3.6" else 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_e_mode_replaces_threshold_and_loan_to_value_of_what_it_holds(version: str) -> None:
    terms, quote, holding = world(version)
    plain = ADAPTER.value(terms, quote, in_mode(holding, 0, secured=(0,)))
    inside = ADAPTER.value(terms, quote, in_mode(holding, 1, secured=(0,)))
    outside = ADAPTER.value(terms, quote, in_mode(holding, 2, secured=(0,)))
    assert (plain.threshold, plain.ltv) == (8_250, 8_000)
    assert (inside.threshold, inside.ltv) == (9_500, 9_300)
    assert (outside.threshold, outside.ltv) == (8_250, 8_000)


def test_an_isolated_e_mode_takes_the_loan_to_value_of_everything_outside_it() -> None:
    terms, quote, holding = world("3.7")
    held = replace(holding, balances=(replace(holding.balance(1), deposit=10**12), holding.balance(2)))
    seen = ADAPTER.value(terms, quote, in_mode(held, 1, secured=(1,), owed=()))
    assert (seen.threshold, seen.ltv) == (7_800, 0)


@pytest.mark.parametrize("version", ["3.6", "3.7"])
def test_collateral_on_the_zero_list_of_an_e_mode_lends_nothing_and_still_protects(version: str) -> None:
    terms, quote, holding = world(version)
    held = replace(holding, balances=(replace(holding.balance(1), deposit=10**12),))
    seen = ADAPTER.value(terms, quote, in_mode(held, 2, secured=(1,), owed=()))
    assert (seen.threshold, seen.ltv) == (9_200, 0)


@pytest.mark.parametrize("version", OLD_MODES)
def test_an_e_modes_own_price_counts_on_both_sides_until_3_1(version: str) -> None:
    terms, quote, holding = world(version)
    plain = ADAPTER.value(terms, quote, in_mode(holding, 0, secured=(0,)))
    priced = ADAPTER.value(terms, quote, in_mode(holding, 2, secured=(0,)))
    assert priced.debt == plain.debt * PRICES[MODE_SOURCE] // 10**8
    with pytest.raises(MissingPrice) as missing:
        broken = ADAPTER.reprice(terms, quote, {MODE_SOURCE: 0})
        ADAPTER.value(terms, broken, in_mode(holding, 2, secured=(0,), owed=()))
    assert missing.value.token == MODE_SOURCE  # read first, although no reserve uses it


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_price_matters_where_the_contract_reads_it(version: str) -> None:
    def without_old(_: Any, args: Any) -> Any:
        return None if args[0] == OLD else (PRICES[args[0]],)

    terms, quote, holding = world(version, **{"aave_v3/oracle__getAssetPrice": without_old})
    seen = ADAPTER.value(terms, quote, holding)
    assert [doubt.kind for doubt in seen.doubts] == [DoubtKind.UNPRICED]
    with pytest.raises(MissingPrice):
        ADAPTER.value(terms, quote, in_mode(holding, 0, secured=(0, 2)))
    empty = replace(holding, flags=0)
    assert ADAPTER.value(terms, quote, empty).health is None


def test_a_price_of_zero_is_missing_and_a_foreign_asset_is_a_bug() -> None:
    terms, quote, holding = world("3.6")
    with pytest.raises(MissingPrice):
        ADAPTER.value(terms, ADAPTER.reprice(terms, quote, {ETH: 0}), holding)
    with pytest.raises(KeyError):
        ADAPTER.reprice(terms, quote, {at(999): 1})


def test_an_e_mode_that_the_terms_do_not_know_is_an_error() -> None:
    terms, quote, holding = world("3.6")
    with pytest.raises(AnswerError, match="e-mode 9"):
        ADAPTER.value(terms, quote, in_mode(holding, 9, secured=(0,)))


def test_a_quote_without_a_moment_is_a_bug_and_one_before_its_update_reverts() -> None:
    terms, quote, holding = world("3.6")
    with pytest.raises(ValueError, match="not been accrued"):
        ADAPTER.value(terms, replace(quote, at=None), holding)
    with pytest.raises(Overflow):
        ADAPTER.accrue(terms, quote, Moment(0, NOW - 1_001), Which.ALL)


def test_only_the_named_tokens_accrue() -> None:
    terms, quote, _ = world("3.6")
    some = ADAPTER.accrue(terms, quote, Moment(1, NOW), frozenset({USD}))
    assert some.states[1] == quote.states[1]
    assert some.states[0].income == some.states[0].index


def blocked(version: str, **changed: Any) -> Blocked | None:
    terms, quote, holding = world(version, **changed)
    low = ADAPTER.reprice(terms, quote, {ETH: 720 * 10**8})  # health 0.95 and more, below one
    seen = ADAPTER.value(terms, low, holding)
    assert seen.liquidatable
    return seen.blocked


@pytest.mark.parametrize("version", VERSIONS)
def test_what_blocks_a_liquidation_by_version(version: str) -> None:
    assert blocked(version) is None
    sentinel = blocked(version, **{"aave_v3/sentinel__isLiquidationAllowed": (False,)})
    assert sentinel is (None if version == "3.7" else Blocked.SENTINEL)
    broken = blocked(version, **{"aave_v3/sentinel__isLiquidationAllowed": None})
    assert broken is (None if version == "3.7" else Blocked.SENTINEL)
    if version != "3.0":
        assert blocked(version, **{"aave_v3/pool__getLiquidationGracePeriod": (NOW,)}) is Blocked.GRACE
        assert blocked(version, **{"aave_v3/pool__getLiquidationGracePeriod": (NOW - 1,)}) is None


def test_one_free_pair_is_enough_to_be_liquidated() -> None:
    terms, quote, holding = world("3.6")
    reserves = (terms.reserves[0], terms.reserves[1], replace(terms.reserves[2], grace_until=NOW + 5))
    both = in_mode(holding, 0, secured=(0, 2))
    assert ADAPTER.value(replace(terms, reserves=reserves), quote, both).blocked is None


@pytest.mark.parametrize("version", VERSIONS)
def test_debt_without_collateral_is_below_the_line_with_nothing_to_seize(version: str) -> None:
    terms, quote, holding = world(version)
    seen = ADAPTER.value(terms, quote, in_mode(holding, 0, secured=()))
    assert (seen.health, seen.liquidatable, seen.blocked) == (0, True, Blocked.EMPTY)


def test_a_debt_with_discount_in_3_3_is_not_guessed() -> None:
    terms, quote, holding = world("3.3")
    plain = replace(terms.reserves[1], rules=configuration(terms.reserves[1].rules.word & ~(1 << 252)))
    with pytest.raises(AnswerError, match="discount"):
        ADAPTER.value(replace(terms, reserves=(terms.reserves[0], plain, terms.reserves[2])), quote, holding)


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_can_be_undone(version: str) -> None:
    terms, quote, holding = world(version)
    repaid = ADAPTER.act(terms, quote, holding, Repay(USD, Raw(MAX)))
    assert isinstance(repaid, Acted)
    assert not repaid.holding.borrows(1)
    out = ADAPTER.act(terms, repaid.quote, repaid.holding, Withdraw(ETH, Raw(MAX)))
    assert isinstance(out, Acted)
    assert out.holding.flags == 0
    assert [balance.id for balance in out.holding.balances] == [2]


REFUSALS: tuple[tuple[str, Any, str], ...] = (
    ("an asset that is not listed", Supply(at(999), Raw(1)), "ReserveInactive"),
    ("nothing", Supply(ETH, Raw(0)), "InvalidAmount"),
    ("more than there is", Withdraw(ETH, Raw(10**20)), "NotEnoughAvailableUserBalance"),
    ("a debt that is not there", Repay(ETH, Raw(1)), "NoDebtOfSelectedType"),
    ("an e-mode that is not there", SetMode(9), "InconsistentEModeCategory"),
    ("too much debt", Borrow(USD, Raw(20_000 * 10**6)), "CollateralCannotCoverNewBorrow"),
    ("what holds the debt", Withdraw(ETH, Raw(7 * 10**18)), "HealthFactorLowerThanLiquidationThreshold"),
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("action", "reason"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_refusal_has_the_pools_own_name(version: str, action: Any, reason: str) -> None:
    terms, quote, holding = world(version)
    refused = ADAPTER.act(terms, quote, holding, action)
    if isinstance(action, Borrow) and version >= "3.5":
        reason = "HealthFactorLowerThanLiquidationThreshold"
    assert refused == Refusal(reason)


def test_deposits_that_were_not_read_are_not_guessed() -> None:
    terms, quote, holding = world("3.6")
    with pytest.raises(AnswerError, match="fewer accounts"):
        ADAPTER.act(terms, quote, replace(holding, complete=False), Supply(OLD, Raw(1)))


def test_nothing_is_asked_for_nobody() -> None:
    paper = Paper(functions("3.6"))
    terms = paper.run(ADAPTER.terms(MARKET))
    before = paper.rounds
    assert paper.run(ADAPTER.holdings(terms, [])) == {}
    assert paper.run(ADAPTER.positions(terms, [])) == ()
    assert paper.run(ADAPTER.reported(terms, [])) == {}
    assert paper.rounds == before


def test_many_accounts_are_read_without_what_protects_nothing() -> None:
    paper = Paper(functions("3.6"))
    terms = paper.run(ADAPTER.terms(MARKET))
    keys = [KEY, *(PositionKey(MARKET.name, n.to_bytes(20, "big")) for n in range(10_000, 12_000))]
    many = paper.run(ADAPTER.holdings(terms, keys))
    few = paper.run(ADAPTER.holdings(terms, [KEY]))
    assert (many[KEY].complete, few[KEY].complete) == (False, True)
    assert [b.id for b in few[KEY].balances] == [0, 1, 2]
    assert many[KEY].balances == few[KEY].balances[:2]


def test_the_pools_own_answer_without_debt_has_no_health_and_a_reverting_one_is_absent() -> None:
    paper = Paper(functions("3.6", **{"aave_v3/pool__getUserAccountData": (5, 0, 4, 8_000, 7_000, MAX)}))
    terms = paper.run(ADAPTER.terms(MARKET))
    figures = paper.run(ADAPTER.reported(terms, [KEY]))[KEY].figures
    assert figures == {"collateral": 5, "debt": 0, "available": 4, "threshold": 8_000, "ltv": 7_000, "health": None}
    assert Paper(functions("3.6")).run(ADAPTER.reported(terms, [KEY])) == {}


def event(name: str, *args: Any) -> Event:
    return Event(name, POOL, args, 1, "0x", 0)  # type: ignore[arg-type]


def test_logs_name_accounts_or_touch_the_terms() -> None:
    terms, _, _ = world("3.1")
    query = ADAPTER.moves(terms)
    other = at(55)
    key = PositionKey(MARKET.name, bytes.fromhex(other[2:]))
    both = frozenset({KEY, key})
    assert query.read(event("aave_v3/token.BalanceTransfer", OWNER, other, 1, RAY)) == both
    assert query.read(event("aave_v3/token.Mint", OWNER, other, 1, 0, RAY)) == frozenset({key})
    assert query.read(event("aave_v3/stable_token.Burn", other, 1, 1, 0, 0, 0)) == frozenset({key})
    assert query.read(event("aave_v3/pool.UserEModeSet", OWNER, 1)) == frozenset({KEY})
    assert query.read(event("aave_v3/configurator.ReservePaused", ETH, True)) is Touch.TERMS
    tokens = {name(token) for token in TOKENS for name in (deposit, debt, stable)}
    assert set(query.addresses) == {POOL, PROVIDER, ORACLE, CONFIGURATOR, *tokens}


def test_prices_say_where_they_come_from() -> None:
    terms, quote, _ = world("3.0")
    ether, *_, shared = ADAPTER.prices(terms, quote)
    assert (ether.token.symbol, ether.answer, ether.unit.symbol, ether.unit.decimals) == (
        "ETH",
        2_000 * 10**8,
        "USD",
        8,
    )
    assert (ether.description, ether.updated) == ("ANY / USD", NOW - 60)
    assert (shared.token.symbol, shared.answer) == ("e-mode RATE", 101_000_000)


def test_a_panel_says_what_is_left_and_what_it_costs() -> None:
    terms, quote, _ = world("3.6")
    panel = ADAPTER.panels(terms, quote)[1]
    assert panel.token.symbol == "USD"
    assert panel.free == 10**23
    assert panel.borrowed > 10**24  # with interest
    total = panel.free + panel.borrowed
    assert abs(panel.utilisation - Fraction(panel.borrowed * RAY, total)) <= Fraction(1, 2)
    assert panel.curve.points == ((0, 0), (RAY * 8 // 10, RAY * 4 // 100), (RAY, RAY * 79 // 100))
    assert (panel.supply_cap, panel.borrow_cap, panel.paused, panel.grace_until) == (None, None, False, None)


def test_a_strategy_of_another_make_has_no_curve_and_keeps_its_rates() -> None:
    terms, quote, holding = world("3.6", **{"aave_v3/strategy_v2__getInterestRateDataBps": None})
    assert ADAPTER.panels(terms, quote)[0].curve.points == ()
    acted = ADAPTER.act(terms, quote, holding, Repay(USD, Raw(10**9)))
    assert isinstance(acted, Acted)
    assert acted.quote.states[1].debt_rate == quote.states[1].debt_rate
    assert acted.quote.states[1].free == quote.states[1].free + 10**9


def test_a_sentinel_that_is_down_is_a_doubt_beside_the_figures() -> None:
    terms, quote, holding = world("3.6", **{"aave_v3/sentinel__isLiquidationAllowed": (False,)})
    kinds = [doubt.kind for doubt in ADAPTER.value(terms, quote, holding).doubts]
    assert kinds == [DoubtKind.SEQUENCER]


def liquidatable(version: str) -> tuple[Terms, Quote, Holding]:
    terms, quote, holding = world(version)
    return terms, ADAPTER.reprice(terms, quote, {ETH: 500 * 10**8}), holding


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pair_that_the_account_does_not_have_is_refused(version: str) -> None:
    terms, quote, holding = liquidatable(version)
    assert ADAPTER.liquidation(terms, quote, holding, ETH, ETH) == Refusal("SpecifiedCurrencyNotBorrowedByUser")
    assert ADAPTER.liquidation(terms, quote, holding, USD, OLD) == Refusal("CollateralCannotBeLiquidated")
    assert ADAPTER.liquidation(terms, quote, holding, at(999), ETH) == Refusal("ReserveInactive")
    terms, quote, holding = world(version)
    assert ADAPTER.liquidation(terms, quote, holding, USD, ETH) == Refusal("HealthFactorNotBelowThreshold")


@pytest.mark.parametrize("amount", [100, -100])
def test_isolated_debt_of_a_token_with_less_than_two_decimals_overflows_as_in_the_contract(amount: int) -> None:
    terms, quote, _ = world("3.6")
    whole = replace(terms.reserves[1], rules=replace(terms.reserves[1].rules, decimals=1))
    with pytest.raises(Overflow, match="underflow"):
        isolate(terms, quote, 0, whole, amount)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_blocks_a_liquidation_stands_beside_its_amounts(version: str) -> None:
    terms, quote, holding = liquidatable(version)
    free = ADAPTER.liquidation(terms, quote, holding, USD, ETH)
    stopped = replace(terms.reserves[0], rules=configuration(terms.reserves[0].rules.word | 1 << 60))
    held = ADAPTER.liquidation(replace(terms, reserves=(stopped, *terms.reserves[1:])), quote, holding, USD, ETH)
    assert not isinstance(free, Refusal) and not isinstance(held, Refusal)
    assert (free.blocked, held.blocked) == (None, Blocked.PAUSED)
    assert replace(held, blocked=None) == free
