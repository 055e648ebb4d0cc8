"""What the contract would liquidate at simulated prices: its own integers, as fractions of what is held and owed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters import comet_paper
from tests.adapters.situations import NOW, OWNERS, SITUATIONS, aave_terms, key
from tests.appraisal.scene import A, AnyPosition, B, chain, holds, in_ether, loan, on_morpho, row
from tests.health import toy
from watcher.adapter import Liquidation, Position, Which
from watcher.adapters import adapter
from watcher.adapters.aave_v3 import facts as aave
from watcher.adapters.compound_v3 import ADAPTER as COMET
from watcher.appraisal.closing import Closer, typical
from watcher.appraisal.depth import Depth
from watcher.appraisal.held import Held, held
from watcher.config.chain import Group
from watcher.errors import AnswerError
from watcher.formula.aave.version import Version
from watcher.health.largest import largest, wholly
from watcher.health.walk import revalued
from watcher.model import Moment, Side
from watcher.oracle.dollar import Rate
from watcher.risk.owner import Closing
from watcher.units import RAY, WAD, Raw, Ray

BLOCKS = {1: 12.0}
EVERY = pytest.mark.parametrize("name", sorted(SITUATIONS))


def closer(*positions: Held, depth: Depth | None = None) -> Closer:
    assets = tuple(dict.fromkeys(asset for one in positions for asset in one.assets))
    return Closer(positions, assets, BLOCKS, depth)


def closed(one: Held, factors: dict[str, float], elapsed: float = 0.0, depth: Depth | None = None) -> Closing | None:
    """At these factors by symbol; 1 for the others."""
    ask = closer(one, depth=depth)
    return ask(0, np.array([factors.get(asset.token.symbol, 1.0) for asset in ask.assets]), elapsed)


def by_symbol(one: Held, parts: Any) -> dict[str, float]:
    return {asset.token.symbol: float(part) for asset, part in zip(closer(one).assets, parts, strict=True)}


@EVERY
@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(data=st.data())
def test_fractions_are_the_adapters_amounts_at_exactly_those_prices(name: str, data: st.DataObject) -> None:
    """All prices but what the market counts in fall to a dyadic share of themselves, so that a float holds the factor exactly."""
    position: AnyPosition = data.draw(SITUATIONS[name].positions)
    share = Fraction(data.draw(st.sampled_from((128, 127, 120, 96))), 128)
    found = held(row(position), chain(Group("ETH", (OWNERS[0],))), Rate(Fraction(1)), (), None)
    if found is None or not found.owes or found.lost is not None:
        return
    ask = closer(found)
    held_in = {leg.token.address for leg in found.valuation.legs if leg.side is Side.COLLATERAL}
    moved = [asset for asset in ask.assets if asset.token.address in held_in and asset != found.unit]
    closing = ask(0, np.array([float(share) if asset in moved else 1.0 for asset in ask.assets]), 0.0)
    tokens = {asset.token.address for asset in moved}
    answers = {
        price.token.address: max(1, int(price.answer * share))
        for price in position.adapter.prices(position.terms, position.quote)
        if price.answer is not None and (price.token.address in tokens or _of_a_mode(position, price.token.address))
    }
    if any(_of_a_mode(position, address) for address in answers):
        return  # a source of its own follows one of several: tested apart
    there = replace(position, quote=position.adapter.reprice(position.terms, position.quote, answers))
    present = there.value()
    assert (closing is not None) == present.liquidatable
    if closing is None:
        return
    best = largest(there)
    if isinstance(best, Liquidation):
        amounts = {
            (best.debt.address, Side.DEBT): best.repay + best.credit,
            (best.collateral.address, Side.COLLATERAL): best.seize,
        }
        amounts |= {(one.address, Side.COLLATERAL): amount for one, amount in best.along}
    else:
        (whole, *_) = wholly(there) or (None,)
        amounts = {} if whole is None else {(one.address, Side.COLLATERAL): amount for one, amount in whole.seizes}
        for one, amount in () if whole is None else (*whole.repays, *whole.written_off):
            amounts[one.address, Side.DEBT] = amounts.get((one.address, Side.DEBT), 0) + amount
    for leg in present.legs:
        place = next(n for n, asset in enumerate(ask.assets) if asset.token.address == leg.token.address)
        told = closing.repaid if leg.side is Side.DEBT else closing.seized
        if leg.side is not Side.DEPOSIT and leg.amount:
            assert told[place] * leg.amount == pytest.approx(amounts.get((leg.token.address, leg.side), 0), rel=1e-12)


def _of_a_mode(position: AnyPosition, address: str) -> bool:
    legs = {leg.token.address for leg in position.value().legs}
    return address not in legs and position.adapter.name.startswith("aave")


def test_half_of_the_debt_for_a_tenth_more_of_the_only_collateral() -> None:
    """Ten A at 2,000 × 0.6 protect 9,600 of the 10,000 owed: 5,000 are repaid with 5,500 of the 12,000."""
    one = holds(loan())
    closing = closed(one, {"T1": 0.6})
    assert closing is not None
    assert by_symbol(one, closing.repaid) == pytest.approx({"T1": 0.0, "T2": 0.5}, rel=1e-4)
    assert by_symbol(one, closing.seized) == pytest.approx({"T1": 5_500 / 12_000, "T2": 0.0}, rel=1e-4)
    assert closing.slippage == 0


def test_above_the_contracts_own_line_there_is_none() -> None:
    one = holds(loan())
    assert closed(one, {"T1": 0.626}) is None  # 0.626 · 16,000 = 10,016
    assert closed(one, {"T1": 0.6249}) is not None
    assert closed(one, {"T2": 1.7}) is not None


def test_two_prices_that_move_alike_change_nothing() -> None:
    assert closed(holds(loan()), {"T1": 0.01, "T2": 0.01}) is None


def test_a_market_of_a_loan_token_decides_by_the_ratio_of_the_two() -> None:
    """25,000 · 86 % = 21,500 against 20,000: both prices may fall together, the collateral's not alone."""
    one = holds(on_morpho(20_000))
    assert closed(one, {"COLL": 0.5, "LOAN": 0.5}) is None
    alone = closed(one, {"COLL": 0.92})
    dearer = closed(one, {"LOAN": 1 / 0.92})
    assert alone is not None
    assert dearer is not None
    assert alone.repaid == pytest.approx(dearer.repaid)
    assert alone.seized == pytest.approx(dearer.seized)


def test_a_market_in_ether_decides_by_prices_in_ether() -> None:
    """Its feeds answer 2,500 ETH for one of the collateral: nothing there hangs on the dollar."""
    ether = toy.token(0x99)
    one = holds(in_ether(), chain(Group("ETH", (ether.address,))))
    assert closed(one, {"WETH": 0.3, "ETH": 0.3, "USDC": 0.3}) is None
    assert closed(one, {"WETH": 0.3, "USDC": 1.0}) is not None
    assert closed(one, {"ETH": 0.1}) is None


def test_comet_takes_all_collateral_and_leaves_a_credit() -> None:
    one = holds(_two_in_comet())
    closing = closed(one, {"WETH": 0.78, "WBTC": 0.78})
    assert closing is not None
    seized = by_symbol(one, closing.seized)
    assert (seized["WETH"], seized["WBTC"], seized["USDC"]) == (1, 1, 0)
    credit = (10 * 2_500 + 65_000) * 0.78 * 0.95 / 60_000
    assert by_symbol(one, closing.repaid)["USDC"] == pytest.approx(credit, rel=1e-4)
    assert credit > 1


def test_what_is_below_nothing_is_not_more_than_everything() -> None:
    """Bad debt: all collateral goes, and pays for a part."""
    one = holds(loan())
    closing = closed(one, {"T1": 0.2})
    assert closing is not None
    assert by_symbol(one, closing.seized)["T1"] == 1
    assert by_symbol(one, closing.repaid)["T2"] == pytest.approx(4_000 / 1.1 / 10_000, rel=1e-3)


def test_an_e_modes_own_price_moves_all_that_it_values() -> None:
    """Aave 3.0: the category's source answers for what is held of it, and follows that; a price that nothing is valued by does nothing."""
    position = _in_a_mode()
    one = holds(position)
    assert position.value().liquidatable is False
    down = closed(one, {"WETH": 0.5})
    assert down is not None
    assert closed(one, {"WBTC": 0.5}) is None


def test_interest_is_the_contracts_own_at_that_time() -> None:
    """80 of 100 protect 79.9 at 10 % a year: over the line in five days, at the same prices."""
    one = holds(toy.position({A: 100, B: 100}, {A: 8_000}, {A: 10**9}, {B: 799_000_000}, rates={B: RAY // 10}))
    assert closed(one, {}, 3 * 86_400.0) is None
    assert closed(one, {}, 6 * 86_400.0) is not None


def test_terms_that_cannot_tell_a_later_time_are_no_safety() -> None:
    """The toy knows its rate for a week: afterwards it is liquidated by what is owed now, and that is said."""
    one = holds(loan(rate=10))
    ask = closer(one)
    assert ask(0, np.array([0.6, 1.0]), 8 * 86_400.0) is not None
    assert ask.notes == ("paper/toy/one: the rate is known for a week: liquidations are by its rates of now",)


def test_a_liquidation_that_cannot_be_valued_is_counted() -> None:
    def broken(*_: object) -> Any:
        raise AnswerError("no such pair")

    position = loan()
    one = holds(replace(position, adapter=replace(position.adapter, liquidation=broken)))
    ask = closer(one)
    assert [ask(0, np.array([0.6, 1.0]), 0.0) for _ in range(2)] == [None, None]
    assert "2 times a liquidation could not be valued" in ask.notes[0]


def test_a_sale_loses_what_the_table_says_of_its_size() -> None:
    depth = Depth({"t1": ((1_000.0, 0.01), (11_000.0, 0.11))})
    closing = closed(holds(loan()), {"T1": 0.6}, depth=depth)
    assert closing is not None
    assert closing.slippage == pytest.approx(0.01 + 0.1 * 4_500 / 10_000, rel=1e-4)


def test_in_a_market_of_another_money_a_sale_is_sized_in_the_dollars_of_the_scenario() -> None:
    """Everything at a tenth: the same ratio, a tenth of the dollars."""
    depth = Depth({"coll": ((100.0, 0.0), (10**6, 0.5))})
    one = holds(on_morpho(20_000), rate=Rate(Fraction(1, 10**6)))
    big, small = (closed(one, {"COLL": 0.9 * size, "LOAN": size}, depth=depth) for size in (1.0, 0.1))
    assert big is not None
    assert small is not None
    assert small.slippage == pytest.approx(big.slippage / 10, rel=0.05)


def test_what_is_worth_no_known_dollars_is_sold_for_nobody_knows_what() -> None:
    depth = Depth({"coll": ((100.0, 0.5),)})
    closing = closed(holds(on_morpho(20_000), rate=Rate(None, reason="no feed")), {"COLL": 0.9}, depth=depth)
    assert closing is not None
    assert closing.slippage == 0
    assert any("in dollars is not known" in line for line in depth.beyond)


def test_the_liquidation_at_the_line_is_half_of_the_debt_and_a_tenth_more() -> None:
    there = _at(loan(), {A.address: 124_000})
    rule = typical(there)
    assert rule is not None
    assert (rule.repaid, rule.bonus, rule.kept) == pytest.approx((0.5, 0.1, 0.1), rel=1e-3)


def test_comets_cost_is_by_its_absorption_factor_and_the_rest_is_a_credit() -> None:
    there = _at(_two_in_comet(), {token.address: price * 78 // 100 for token, price, *_ in comet_paper.LISTED[:2]})
    rule = typical(there)
    assert rule is not None
    assert rule.bonus == pytest.approx(1 / 0.95 - 1, rel=1e-4)
    assert rule.repaid > 1


def test_the_protocols_part_of_the_bonus_is_not_the_liquidators() -> None:
    """Aave V3: a tenth of the bonus of 5 %."""
    there = _at(_in_pool(Version.V3_6), {_in_pool_token(): 1_500 * 10**8})
    rule = typical(there)
    assert rule is not None
    assert rule.bonus == pytest.approx(0.05, rel=1e-3)
    assert rule.kept == pytest.approx(0.045, rel=1e-3)


def test_without_anything_to_seize_there_is_no_rule() -> None:
    assert typical(toy.position({B: 100}, {}, {}, {B: 1_000})) is None


def _at(position: AnyPosition, answers: dict[Any, int]) -> AnyPosition:
    assert revalued(position, answers).liquidatable
    return replace(position, quote=position.adapter.reprice(position.terms, position.quote, answers))


def _two_in_comet() -> AnyPosition:
    """10 WETH at 2,500 (90 %) and 1 WBTC at 65,000 (77 %) against 60,000 of base."""
    quote = COMET.accrue(comet_paper.TERMS, comet_paper.stored(NOW, age=0), NOW, Which.ALL)
    principal = 60_000 * 10**6 * 10**15 // quote.totals.borrow_index
    holding = comet_paper.holding(OWNERS[0], -principal, {0: 10 * WAD, 1: 10**8})
    return Position(COMET, comet_paper.TERMS, quote, holding)


def _in_pool(version: Version, *, mode: int = 0) -> AnyPosition:
    """10 WETH at 2,500 against 15,000 USDC, at indices of one."""
    terms = aave_terms(version, own_source=mode > 0)
    states = tuple(
        aave.State(
            Ray(RAY), Ray(0), Ray(RAY), Ray(0), NOW.timestamp, 10**30, 10**29, 0, Raw(0), Raw(0), 0, Raw(10**30), Raw(0),
            Ray(0), 0, Ray(RAY), Ray(RAY),
        )
        for _ in range(4)
    )  # fmt: skip
    prices = tuple([2_500 * 10**8, 65_000 * 10**8, 10**8, 10**8, 2_500 * 10**8][: len(terms.assets)])
    quote = adapter("aave_v3").accrue(terms, aave.Quote(None, states, prices, (), True, True), NOW, Which.ALL)
    balances = (aave.Balance(0, 10 * WAD, 0), aave.Balance(2, 0, 15_000 * 10**6))
    holding = aave.Holding(key(terms.market, OWNERS[0]), 2 | 1 << 4, mode, balances)
    return Position(adapter("aave_v3"), terms, quote, holding)


def _in_pool_token() -> Any:
    return aave_terms(Version.V3_6).assets[0].address


def _in_a_mode() -> AnyPosition:
    return _in_pool(Version.V3_0, mode=1)


def test_time_only_goes_on_and_one_quote_of_each_pool_is_kept() -> None:
    seen: list[Moment] = []
    position = loan()

    def accrue(terms: Any, quote: Any, at: Moment, which: Any) -> Any:
        seen.append(at)
        return quote

    ask = closer(holds(replace(position, adapter=replace(position.adapter, accrue=accrue))))
    for elapsed in (3_600.0, 3_600.0, 7_200.0):
        ask(0, np.array([0.6, 1.0]), elapsed)
    assert [at.timestamp - toy.NOW.timestamp for at in seen] == [3_600, 7_200]
    assert [at.number - toy.NOW.number for at in seen] == [300, 600]
