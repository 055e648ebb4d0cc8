"""A crowd under simulated prices, against the same paths walked account by account, hour by hour, in doubles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from tests.adapters.situations import address
from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.appraisal.pasts import Grid
from watcher.model import Side, Token
from watcher.risk.drive import STABLE, Depeg, Driven, Feed
from watcher.risk.exposure import Flags, Floats
from watcher.risk.scenario import Model, market
from watcher.scan.foresight import PART, Draw, Foreseen, Pairs, Winds, foresee
from watcher.scan.stakes import Strand
from watcher.units import YEAR

HOUR = 3600
WETH, WBTC, USDC, WSTETH = (
    Asset(1, Token(address(0x20 + number), symbol, 18), feed)
    for number, (symbol, feed) in enumerate(
        (("WETH", Feed.MARKET), ("WBTC", Feed.MARKET), ("USDC", Feed.MARKET), ("wstETH", Feed.RATE))
    )
)
OFTEN = Depeg(40.0, (0.2, 0.1))  # breaks a year: some within a day, which an oracle at a rate does not see
DRIVEN = {
    WETH: Driven("WETH", ((0, 1.0),)),
    WBTC: Driven("WBTC", ((1, 1.0),)),
    USDC: Driven("USDC", (), depeg=STABLE),
    WSTETH: Driven("wstETH", ((0, 1.0),), residual=0.02, depeg=OFTEN, feed=Feed.RATE),
}


def basis(size: float = 0.008) -> Basis:
    random = np.random.default_rng(8)
    moves = random.standard_t(4, (1_000, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]]) * size / np.sqrt(2)
    past = market(moves, HOUR, 0.94, 24.0)
    return Basis((), past, DRIVEN, {}, Grid(0, 1_000 * HOUR), 1_000)


def strand(asset: Asset, side: Side, rate: float) -> Strand:
    return Strand(asset.token, side, asset, asset, rate)


STRANDS = tuple(
    strand(asset, Side.COLLATERAL, rate) for asset, rate in zip(DRIVEN, (0.02, 0.0, 0.05, 0.0), strict=True)
) + tuple(strand(asset, Side.DEBT, 0.6) for asset in (WETH, USDC))


def crowd(accounts: int, *, most: int) -> Floats:
    """Weighted collateral in up to `most` assets against a debt in one, between a third of it and all."""
    random = np.random.default_rng(accounts)
    found = np.zeros((accounts, len(STRANDS)))
    for row in found:
        held = random.choice(4, random.integers(1, most + 1), replace=False)
        row[held] = random.random(len(held)) * 1_000
        row[4 + random.integers(0, 2)] = -row.sum() * random.uniform(0.3, 1.0)
    return found


def walked(weighted: Floats, draw: Draw, over: Basis, money: Asset | None = None) -> Flags:
    """Accounts × scenarios, every hour of every path looked at."""
    found = []
    assets = list(dict.fromkeys([strand.traded for strand in STRANDS]))
    order = assets if money is None or money in assets else [*assets, money]
    for some, seed in draw.parts():
        count = some.stop - some.start
        struck = np.zeros((len(weighted), count), dtype=bool)
        for hour, now in enumerate(
            over.paths(draw.model, [over.driven[one] for one in order], seed, count, draw.hours), 1
        ):
            for account, row in enumerate(weighted):
                margin = np.zeros(count)
                for value, one in zip(row, STRANDS, strict=True):
                    move = now.oracle[:, order.index(one.traded)]
                    if money is not None:
                        move = move - now.oracle[:, order.index(money)]
                    margin += value * np.exp(move + one.rate * hour * HOUR / YEAR)
                struck[account] |= margin < 0
        found.append(struck)
    return np.hstack(found)


def foreseen(weighted: Floats, amounts: Floats, draw: Draw, over: Basis, money: Asset | None = None) -> Foreseen:
    heard: list[tuple[int, int]] = []
    none = np.zeros(len(weighted), dtype=bool)
    winds = Winds.of(STRANDS, money, over)
    found = foresee(weighted, amounts, none, winds, over, draw, lambda done, of: heard.append((done, of)))
    assert heard[-1] == (draw.scenarios, draw.scenarios)
    return found


@pytest.mark.parametrize("model", list(Model))
def test_everybody_is_struck_where_a_walk_of_the_same_paths_is(model: Model) -> None:
    weighted, draw = crowd(40, most=3), Draw(model, 11, PART + 100, 26)
    amounts = np.column_stack([np.ones(40), np.arange(40.0)])
    truth, found = walked(weighted, draw, basis()), foreseen(weighted, amounts, draw, basis())
    assert 0 < truth.mean() < 1 and 0 < found.paired < 40
    near = 1.5 / draw.scenarios  # a path that ends on the line is told by rounding
    assert found.chances == pytest.approx(truth.mean(axis=1), abs=near)
    assert found.sums == pytest.approx(truth.T @ amounts, abs=40)
    assert np.mean(found.sums == truth.T @ amounts) > 0.99


def test_values_counted_in_a_token_move_against_it() -> None:
    weighted, draw = crowd(20, most=2), Draw(Model.FHS, 3, 200, 24)
    truth = walked(weighted, draw, basis(), WETH)
    found = foreseen(weighted, np.ones((20, 1)), draw, basis(), WETH)
    assert found.chances == pytest.approx(truth.mean(axis=1), abs=1.5 / 200)
    assert found.ends[0] == pytest.approx(np.exp(0.02 * 24 * HOUR / YEAR), rel=1e-6)  # itself, with its interest


def test_at_the_end_a_token_is_worth_what_it_trades_at_however_its_oracle_sees_it() -> None:
    draw, over = Draw(Model.GBM, 3, 200, 24), basis()
    found = foreseen(crowd(3, most=1), np.ones((3, 1)), draw, over, WETH)
    tokens = [over.driven[one] for one in DRIVEN]
    *_, last = over.paths(draw.model, tokens, draw.seed, draw.scenarios, draw.hours)
    assert 0.02 < np.mean(last.traded[:, 3] != last.oracle[:, 3]) < 0.3
    grown = np.array([one.rate for one in STRANDS]) * 24 * HOUR / YEAR
    place = [list(DRIVEN).index(one.traded) for one in STRANDS]
    assert found.ends == pytest.approx(np.exp(last.traded[:, place] - last.traded[:, [0]] + grown).T, rel=1e-5)


def test_whoever_is_past_the_line_is_struck_in_every_future() -> None:
    weighted, draw = crowd(5, most=1), Draw(Model.GBM, 3, 50, 2)
    past = np.array([False, True, False, False, True])
    found = foresee(weighted, weighted[:, :1], past, Winds.of(STRANDS, None, basis()), basis(), draw, lambda *_: None)
    assert found.chances[past].tolist() == [1.0, 1.0]
    assert (found.sums[:, 0] >= weighted[past, 0].sum()).all()


def test_the_same_seed_gives_the_same_digits_and_parts_share_no_path() -> None:
    weighted, draw = crowd(30, most=3), Draw(Model.GBM, 5, 2 * PART, 5)
    one, two = (foreseen(weighted, np.ones((30, 1)), draw, basis()) for _ in range(2))
    assert np.array_equal(one.chances, two.chances) and np.array_equal(one.ends, two.ends)
    assert np.mean(one.ends[0, :PART] == one.ends[0, PART:]) < 0.01
    other = foreseen(weighted, np.ones((30, 1)), Draw(Model.GBM, 6, 2 * PART, 5), basis())
    assert np.mean(one.ends[0] == other.ends[0]) < 0.01


def test_a_pair_is_told_by_the_closed_form_of_one_step() -> None:
    """One step of a normal: P(ln H + σ Z − σ²/2 < 0)."""
    over = basis()
    assert over.market is not None
    sigma = float(np.sqrt(over.market.variance[0]))
    healths = np.exp(np.array([0.5, 1.0, 2.0]) * sigma)
    weighted = np.zeros((3, len(STRANDS)))
    weighted[:, 0], weighted[:, 5] = healths, -1.0
    strands = (strand(WETH, Side.COLLATERAL, 0), *STRANDS[1:5], Strand(USDC.token, Side.DEBT, None, USDC, 0))
    winds = Winds.of(strands, None, over)
    draw = Draw(Model.GBM, 2, 20_000, 1)
    found = foresee(weighted, np.ones((3, 1)), np.zeros(3, dtype=bool), winds, over, draw, lambda *_: None)
    expected = ndtr(-(np.log(healths) - sigma**2 / 2) / sigma)
    assert found.paired == 3
    assert found.chances == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(20_000))


def test_only_accounts_of_one_collateral_and_one_debt_are_pairs() -> None:
    weighted = np.array([[5.0, 0, -4.0], [5.0, 1.0, -4.0], [0, 3.0, -1.0], [2.0, 0, -1.0], [0, 0, -1.0]])
    found = Pairs.of(weighted)
    assert found.others.tolist() == [1, 4]
    assert {two: rows.tolist() for two, rows in zip(found.strands, found.members, strict=True)} == {
        (0, 2): [0, 3],
        (1, 2): [2],
    }


def test_an_asset_that_nothing_drives_is_an_error() -> None:
    with pytest.raises(KeyError):
        Winds.of((strand(Asset(1, Token(address(9), "X", 18)), Side.DEBT, 0),), None, basis())
