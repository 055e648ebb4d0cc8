"""How the demo holds a whole market against the contracts' own word: whoever is missing, invented or off by a unit is named."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.following.scene import Desk, opened, street
from watcher.cli.demo.market import AT_RISK, Looked, looked
from watcher.cli.demo.show import console, crowd, panel
from watcher.cli.demo.whole import whole
from watcher.config import Chain, Note
from watcher.following.followed import Followed
from watcher.localchain.stage.margin import Margin
from watcher.localchain.stage.truth import Told
from watcher.model import PositionKey
from watcher.units import WAD

Market = tuple[Followed, Chain]


@pytest.fixture
def market() -> Market:
    """Sixty borrowers on both sides of the line."""
    town = street()
    scene = asyncio.run(opened(town, Desk(town)))
    return scene.one, replace(scene.line.chain, notes=(Note(town.market.name, "WETH/USDC", ""),))


def healths(one: Followed) -> dict[PositionKey, int]:
    found = {key: one.of.value(one.terms, one.accrued(), held).health for key, held in one.book.holdings()}
    return {key: health for key, health in found.items() if health is not None}


def said(healths: Mapping[PositionKey, int]) -> Told:
    """As the contracts would, if everybody had these."""
    margins = {key: Margin(Fraction(wad, WAD), wad < WAD, None) for key, wad in healths.items()}
    listed = dict(list(margins.items())[:3])
    return Told({}, {}, listed, {key: margin for key, margin in margins.items() if key not in listed})


def fields(seen: Looked) -> Counter[str]:
    return Counter(one.field for one in seen.differences)


def test_a_book_that_is_the_contracts_own_has_no_difference_and_nobody_is_missing(market: Market) -> None:
    one, chain = market
    truth = healths(one)
    seen = looked(one, chain, said(truth))
    assert seen.differences == ()
    assert (seen.label, seen.accounts, seen.unexplained) == ("Morpho WETH/USDC", len(truth), 0)
    lines = [WAD, WAD * 105 // 100, AT_RISK]
    assert seen.below == tuple(sum(wad < line for wad in truth.values()) for line in lines)
    assert 0 < seen.below[0] <= seen.below[-1] == seen.found == seen.expected < len(truth)


def test_one_unit_of_one_health_is_a_difference(market: Market) -> None:
    one, chain = market
    truth = healths(one)
    far = max(truth, key=lambda key: truth[key])
    assert fields(looked(one, chain, said({**truth, far: truth[far] + 1}))) == {"health in the book": 1}
    near = min(truth, key=lambda key: truth[key])
    seen = looked(one, chain, said({**truth, near: truth[near] - 1}))
    assert fields(seen) == {"health in the book": 1, "health in the list of those at risk": 1}


def test_whoever_is_missing_in_the_book_is_named_and_the_debt_belongs_to_nobody(market: Market) -> None:
    one, chain = market
    truth = healths(one)
    gone = max(truth, key=lambda key: truth[key])
    shares = one.of.shares
    assert shares is not None
    (owed,) = shares(one.terms, one.book.holding(one.book.row(gone))).debts.values()
    one.book.drop([gone])
    seen = looked(one, chain, said(truth))
    assert [(each.key, each.ours) for each in seen.differences] == [(gone, "not there")]
    assert seen.unexplained == owed


def test_somebody_at_risk_whom_the_contracts_do_not_know_is_a_difference(market: Market) -> None:
    one, chain = market
    truth = healths(one)
    stranger = min(truth, key=lambda key: truth[key])
    seen = looked(one, chain, said({key: wad for key, wad in truth.items() if key != stranger}))
    assert seen.found == seen.expected + 1
    assert fields(seen)["health in the book"] == fields(seen)["health in the list of those at risk"] == 1
    assert any(field.startswith("accounts below") for field in fields(seen))


def test_the_contracts_verdict_counts_and_not_the_number_beside_it(market: Market) -> None:
    one, chain = market
    told = said(healths(one))
    over = next(key for key, margin in told.crowd.items() if margin.liquidatable)
    wrong = {**told.crowd, over: replace(told.crowd[over], liquidatable=False)}
    assert fields(looked(one, chain, replace(told, crowd=wrong))) == {"liquidatable in the list": 1}


def test_what_a_run_comes_to_counts_every_block_and_ends_with_the_newest(market: Market) -> None:
    one, chain = market
    last = looked(one, chain, said(healths(one)))
    before = replace(last, block=replace(last.block, number=last.block.number - 1), found=last.found - 1)
    seen = whole([before, last], last.block.number, (7, 7), sound=True)
    assert (seen.markets, seen.accounts, seen.comparisons) == (1, last.accounts, 2 * last.accounts)
    assert (seen.found, seen.expected, seen.newest) == (
        2 * last.found - 1,
        2 * last.found,
        (last.found, last.found),
    )
    assert [text for kept, text in seen.broken() if not kept] == [
        "1 markets are followed at the last block, not 6",
        f"{seen.found} accounts at risk were found, {seen.expected} are",
    ]


def test_the_panel_says_who_is_under_each_line_and_whether_anybody_is_missing(market: Market) -> None:
    one, chain = market
    seen = looked(one, chain, said(healths(one)))
    out = io.StringIO()
    console(out).print(panel([seen, replace(seen, label="other", unexplained=5)]))
    rows = [line.split() for line in out.getvalue().splitlines()[2:]]
    figures = [str(figure) for figure in (seen.accounts, *seen.below)]
    assert rows == [["Morpho", "WETH/USDC", *figures, "exact"], ["other", *figures, "5", "shares", "missing"]]
    assert crowd([seen]) == f"  {seen.found} of {seen.accounts} at risk"
    assert crowd([]) == ""
