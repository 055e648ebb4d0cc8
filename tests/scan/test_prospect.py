"""A market's prospect on paper: an Aave market of accounts with two collaterals and a debt, and figures held against plain sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from eth_typing import ChecksumAddress

from tests.benchmarks.crowd import Crowd, crowd
from watcher.adapter import Liquidation, Position
from watcher.adapters import adapter
from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.appraisal.pasts import Grid
from watcher.book.book import Book
from watcher.config import Chain
from watcher.health.fall import fall, fallen
from watcher.health.largest import largest
from watcher.health.mover import movers
from watcher.model import Side
from watcher.risk.drive import Driven
from watcher.risk.scenario import Model, market
from watcher.risk.tail import tail
from watcher.scan.foresight import Draw
from watcher.scan.given import Closings, Taken, Told
from watcher.scan.prospect import Prospect, prospect
from watcher.scan.stakes import Stakes, stakes

ACCOUNTS = 120
DRAW = Draw(Model.GBM, 7, 1_000, 48)


def silent(done: int, of: int) -> None:
    """Tells nobody."""


@pytest.fixture(scope="module")
def paper() -> Crowd:
    return crowd(ACCOUNTS)


@pytest.fixture(scope="module")
def book(paper: Crowd) -> Book[Any, Any, Any]:
    return paper.book()


@pytest.fixture(scope="module")
def seen(paper: Crowd, book: Book[Any, Any, Any]) -> Stakes:
    return stakes(book, paper.quote, chain(paper), {})


@pytest.fixture(scope="module")
def lost(paper: Crowd) -> Asset:
    return Asset(paper.terms.market.chain, paper.terms.assets[7])


@pytest.fixture(scope="module")
def taken(paper: Crowd, book: Book[Any, Any, Any], seen: Stakes) -> tuple[Taken, ...]:
    return Closings(book, paper.quote, seen).all(silent)


@pytest.fixture(scope="module")
def found(book: Book[Any, Any, Any], seen: Stakes, taken: tuple[Taken, ...], lost: Asset) -> Prospect:
    return prospect(book, seen, taken, basis(seen, lost), DRAW, silent)


def chain(paper: Crowd) -> Chain:
    return Chain("paper", paper.terms.market.chain, (), Decimal(12), 0, 60, None)


def basis(seen: Stakes, lost: Asset) -> Basis:
    """Everything follows one of two factors but the asset without a past."""
    random = np.random.default_rng(4)
    past = market(random.standard_normal((900, 2)) * 0.02, 3600, 0.97, 24.0)
    driven = {one: Driven(one.name, ((place % 2, 1.0 + place % 3 / 4),)) for place, one in enumerate(seen.assets)}
    del driven[lost]
    return Basis((), past, driven, {lost: "T7 has no stored past"}, Grid(0, 900 * 3600), 900)


def test_rows_are_what_the_adapter_says_of_each_account(paper: Crowd, book: Book[Any, Any, Any], seen: Stakes) -> None:
    assert len(seen) + seen.free + len(seen.unknown) == ACCOUNTS
    for place, row in enumerate(seen.rows.tolist()):
        valued = adapter("aave_v3").value(paper.terms, paper.quote, book.holding(row))
        unit = 10.0**valued.unit.decimals
        near = 0.3  # one raw unit of the coarsest token here
        assert seen.debt[place] == pytest.approx(valued.debt / unit, rel=1e-9, abs=near)
        assert seen.whole[place].sum() == pytest.approx((valued.collateral - valued.debt) / unit, rel=1e-9, abs=near)
        weighted = valued.line.weighted / valued.line.owed * valued.debt / unit
        assert np.maximum(seen.weighted[place], 0).sum() == pytest.approx(weighted, rel=1e-9, abs=near)
        assert bool(seen.liquidatable[place]) == valued.liquidatable
        values = {(leg.token.address, leg.side): leg.value / unit for leg in valued.legs}
        for strand, value in zip(seen.strands, seen.whole[place].tolist(), strict=True):
            sign = 1 if strand.side is Side.COLLATERAL else -1
            assert sign * value == pytest.approx(
                values.get((strand.token.address, strand.side), 0.0), rel=1e-8, abs=0.3
            )


def test_interest_is_that_of_the_market(paper: Crowd, seen: Stakes) -> None:
    panels = {one.token.address: one for one in adapter("aave_v3").panels(paper.terms, paper.quote)}
    for strand in seen.strands:
        panel = panels[strand.token.address]
        rate = panel.supply_rate if strand.side is Side.COLLATERAL else panel.borrow_rate
        assert strand.rate == pytest.approx(rate / 10**27)
    assert {strand.rate > 0 for strand in seen.strands} == {True}


def test_an_account_with_an_asset_without_a_past_is_unknown_for_that_reason(
    seen: Stakes, found: Prospect, lost: Asset
) -> None:
    touched = [
        row
        for row, values in zip(seen.rows.tolist(), seen.whole, strict=True)
        if any(value and strand.traded == lost for value, strand in zip(values.tolist(), seen.strands, strict=True))
    ]
    assert touched and {one.reason for one in found.unknown} == {"T7 has no stored past"}
    assert len(found.unknown) == len(touched)
    assert not {int(seen.rows[one.place]) for one in found.accounts} & set(touched)
    assert len(found.accounts) + len(found.unknown) == len(seen)
    assert found.owed_unknown == pytest.approx(seen.debt[np.isin(seen.rows, touched)].sum())


def test_bad_debt_and_its_parts_are_the_plain_sums_of_the_same_prices(
    book: Book[Any, Any, Any], seen: Stakes, found: Prospect, lost: Asset
) -> None:
    over = basis(seen, lost)
    assets = list(over.driven)
    kept = np.isin(seen.rows, [int(seen.rows[one.place]) for one in found.accounts])
    ends = []
    used = np.flatnonzero((seen.whole[kept] != 0).any(axis=0))
    order = list(dict.fromkeys(seen.strands[place].traded for place in used.tolist()))
    for some, seed in DRAW.parts():
        *_, last = over.paths(DRAW.model, [over.driven[one] for one in order], seed, some.stop - some.start, DRAW.hours)
        ends.append(last.traded)
    assert set(order) <= set(assets)
    moves = np.vstack(ends)
    grown = DRAW.hours * 3600 / 31_536_000
    factors = np.array(
        [
            np.exp(moves[:, order.index(seen.strands[place].traded)] + seen.strands[place].rate * grown)
            for place in used.tolist()
        ]
    )
    losses = np.maximum(-(seen.whole[kept][:, used] @ factors), 0).sum(axis=0)
    figures = found.figures
    assert figures is not None and losses.max() > 0
    assert figures.bad_debt.mean.value == pytest.approx(losses.mean(), rel=1e-4)
    assert figures.bad_debt.es.value == pytest.approx(tail(losses, 0.975).es, rel=1e-4)
    assert figures.bad_debt.var == pytest.approx(tail(losses, 0.99).var, rel=1e-4)
    assert sum(one.shortfall for one in found.accounts) == pytest.approx(figures.bad_debt.es.value, rel=1e-12)
    for side in (Side.DEBT, Side.COLLATERAL):
        assert sum(one.shortfall for one in figures.parts if one.side is side) == pytest.approx(
            figures.bad_debt.es.value, rel=1e-12
        )


def test_sums_over_who_is_struck_are_those_of_the_chances(found: Prospect) -> None:
    figures = found.figures
    assert figures is not None
    count, debt, repaid, cost = (one.mean.value for one in figures.spreads)
    assert count == pytest.approx(sum(one.chance.value for one in found.accounts))
    assert debt == pytest.approx(sum(one.chance.value * one.debt for one in found.accounts))
    assert repaid == pytest.approx(sum(one.chance.value * one.taken.repaid for one in found.accounts))
    assert cost == pytest.approx(sum(one.expected.value for one in found.accounts))
    for one in figures.spreads:
        assert all(far.low <= far.value <= far.high for far in one.far)
    assert {one.chance.value for one in found.accounts if one.now} == {1.0}
    assert 0 < found.liquidatable < len(found.accounts)


def test_what_a_liquidation_takes_is_the_contracts_own_just_past_the_line(
    paper: Crowd, book: Book[Any, Any, Any], seen: Stakes, taken: tuple[Taken, ...]
) -> None:
    closings = Closings(book, paper.quote, seen)
    told = [one.told for one in taken]
    assert told.count(Told.OWN) > len(told) / 2
    for place in range(0, len(seen), 10):
        own = closings.own(place)
        assert own is not None  # nobody here owes what they hold
        position = Position(book.adapter, paper.terms, paper.quote, book.holding(int(seen.rows[place])))
        steps = fall(position).steps
        assert steps is not None
        held = {one.price.token.address: one.answer for one in movers(position) if one.on(Side.COLLATERAL)}
        there = revalued_position(position, fallen(held, steps))
        best = largest(there)
        assert isinstance(best, Liquidation)
        owed = next(leg for leg in there.value().legs if leg.side is Side.DEBT)
        repaid = owed.value * best.repay / owed.amount / 1e8
        assert own.repaid == pytest.approx(repaid, rel=1e-3)
        assert own.cost == pytest.approx(repaid * (best.incentive / 10_000 - 1), rel=1e-2, abs=0.2)


def revalued_position(
    position: Position[Any, Any, Any], answers: Mapping[ChecksumAddress, int]
) -> Position[Any, Any, Any]:
    return replace(position, quote=position.adapter.reprice(position.terms, position.quote, answers))


def test_where_nothing_has_a_past_there_are_no_figures(
    book: Book[Any, Any, Any], seen: Stakes, taken: tuple[Taken, ...]
) -> None:
    nothing = Basis((), None, {}, dict.fromkeys(seen.assets, "no past"), Grid(0, 0), 0)
    bare = prospect(book, seen, taken, nothing, DRAW, silent)
    assert bare.figures is None and bare.accounts == ()
    assert len(bare.unknown) == len(seen)
    without = prospect(book, replace(seen, lost="its values are in XAU"), taken, nothing, DRAW, silent)
    assert {one.reason for one in without.unknown} == {"its values are in XAU"}


def test_where_what_values_are_counted_in_has_no_past_nothing_is_known(
    book: Book[Any, Any, Any], seen: Stakes, taken: tuple[Taken, ...], lost: Asset
) -> None:
    bare = prospect(book, replace(seen, money=lost), taken, basis(seen, lost), DRAW, silent)
    assert bare.figures is None and {one.reason for one in bare.unknown} == {"T7 has no stored past"}
    assert bare.owed_unknown == pytest.approx(seen.debt.sum())
