"""What tokens follow: the configuration's word, the group's base, the own past, a proxy; and what is lost is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from eth_typing import ChecksumAddress

from tests.adapters.situations import address
from watcher.appraisal.asset import Asset, leads
from watcher.appraisal.basis import Basis, basis
from watcher.appraisal.pasts import Grid, columns
from watcher.config.chain import Chain, Group
from watcher.config.risk import Assumed
from watcher.model import Token
from watcher.prices.past import HOUR
from watcher.risk.drive import STABLE, STAKED, Feed
from watcher.risk.exposure import Floats
from watcher.risk.scenario import Model
from watcher.store.open import Store, open_store
from watcher.store.prices import Source, enter

WETH, STETH, USDC, ALT = (Token(address(0x10 + n), s, 18) for n, s in enumerate(("WETH", "stETH", "USDC", "ALT")))
CHAIN = Chain(
    "local",
    31337,
    (),
    Decimal(1),
    0,
    60,
    None,
    groups=(Group("ETH", (WETH.address, STETH.address)), Group("USD", (USDC.address,))),
)
END = 2_000 * HOUR
GRID = Grid(END - 1_000 * HOUR, END)
RANDOM = np.random.default_rng(5)
MOVES = RANDOM.standard_t(4, (1_000, 2)) / np.sqrt(2) * 0.008  # per hour: 75 % a year


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "w.db", write=True, create=True) as made:
        yield made


def put(store: Store, pair: str, moves: Floats) -> None:
    """Hourly prices that end at END."""
    prices = 2_000 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    times = END - HOUR * np.arange(len(prices))[::-1]
    enter(store, Source(pair, "file", 8), [(int(t), int(p * 1e8)) for t, p in zip(times, prices, strict=True)])


def asset(token: Token, feed: Feed | None = None) -> Asset:
    return Asset(31337, token, feed)


def of(token: ChecksumAddress) -> str:
    return f"31337:{token}/USD"


def made(store: Store, *assets: Asset, assumed: tuple[Assumed, ...] = ()) -> Basis:
    wanted = leads(assets, (CHAIN,), assumed)
    proxies = (("ETH/USD",),)
    return basis(wanted, columns(store, wanted, proxies, GRID), GRID, proxies)


def test_a_group_follows_its_base_and_a_stablecoin_nothing_but_its_peg(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    found = made(store, asset(WETH), asset(STETH, Feed.RATE), asset(USDC, Feed.MARKET))
    weth, steth, usdc = (found.driven[one] for one in (asset(WETH), asset(STETH, Feed.RATE), asset(USDC, Feed.MARKET)))
    assert (weth.loadings, weth.depeg) == (((0, 1.0),), None)
    assert (steth.loadings, steth.depeg, steth.feed) == (((0, 1.0),), STAKED, Feed.RATE)
    assert (usdc.loadings, usdc.depeg) == ((), STABLE)
    assert [one.name for one in found.factors] == [of(WETH.address)]
    assert found.rows == 1_000
    assert found.beyond == ("a lost peg of stETH (its oracle follows a rate and does not see one)",)
    assert found.factors[0].volatility == pytest.approx(0.008 * np.sqrt(8_760), rel=0.35)


def test_without_a_past_an_asset_is_lost_with_the_command_that_brings_it(store: Store) -> None:
    found = made(store, asset(ALT), asset(USDC, Feed.MARKET))
    assert asset(ALT) not in found.driven
    assert "ALT has no stored past: watcher prices sync" in found.lost[asset(ALT)]
    assert asset(USDC, Feed.MARKET) in found.driven
    assert found.market is None


def test_a_young_asset_stands_on_a_proxy_with_its_own_beta_and_residual(store: Store) -> None:
    put(store, "ETH/USD", MOVES[:, 0])
    own = 1.4 * MOVES[-200:, 0] + 0.004 * RANDOM.standard_normal(200)
    put(store, of(ALT.address), own)
    found = made(store, asset(ALT))
    (only,) = found.driven.values()
    assert only.loadings[0][1] == pytest.approx(1.4, abs=0.1)
    assert only.residual == pytest.approx(0.004 * np.sqrt(8_760), rel=0.15)
    assert "ALT is young" in found.notes[0]


def test_too_short_a_past_for_even_a_beta_is_lost(store: Store) -> None:
    put(store, "ETH/USD", MOVES[:, 0])
    put(store, of(ALT.address), MOVES[-60:, 1])
    assert "ALT has 60 hourly returns of the 500" in made(store, asset(ALT)).lost[asset(ALT)]


def test_what_the_owner_says_of_a_token_comes_first(store: Store) -> None:
    put(store, "BTC/USD", MOVES[:, 1])
    said = Assumed(31337, ALT.address, "BTC/USD", 1.5, 0.3, "stable", "rate")
    (only,) = made(store, asset(ALT), assumed=(said,)).driven.values()
    assert (only.loadings, only.residual, only.depeg, only.feed) == (((0, 1.5),), 0.3, STABLE, Feed.RATE)


def test_a_price_in_eth_is_chained_to_ether_in_dollars(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    put(store, f"31337:{ALT.address}/ETH", MOVES[:, 1])
    found = made(store, asset(WETH), asset(ALT))
    alone = found.covariance([found.driven[asset(ALT)]], 1)[0, 0]
    ether = found.covariance([found.driven[asset(WETH)]], 1)[0, 0]
    assert alone > ether
    assert found.factors[1].name == f"31337:{ALT.address}/ETH · {of(WETH.address)}"
    assert found.factors[1].beta == pytest.approx(1.0, abs=0.15)


def test_a_price_that_never_moves_is_no_ground_for_anything(store: Store) -> None:
    put(store, of(WETH.address), np.zeros(1_000))
    assert "does not move" in made(store, asset(WETH)).lost[asset(WETH)]


def test_a_past_that_ended_long_ago_is_said_to(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    later = Grid(GRID.start + 10 * HOUR, END + 10 * HOUR)
    wanted = leads([asset(WETH)], (CHAIN,), ())
    found = basis(wanted, columns(store, wanted, (), later), later, ())
    assert found.notes == (f"{of(WETH.address)} ends 10.0 h before the block",)


def test_the_same_seed_gives_the_same_paths(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    found = made(store, asset(WETH), asset(USDC, Feed.MARKET))
    tokens = tuple(found.driven.values())
    for model in Model:
        one, two = ([step.traded for step in found.paths(model, tokens, 7, 100, 24)] for _ in range(2))
        assert np.array_equal(one, two)
        other = [step.traded for step in found.paths(model, tokens, 8, 100, 24)]
        assert not np.array_equal(one, other)


def test_volatility_of_paths_is_that_of_the_covariance(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    found = made(store, asset(WETH))
    tokens = tuple(found.driven.values())
    *_, last = found.paths(Model.GBM, tokens, 3, 20_000, 24)
    expected = found.covariance(tokens, 24)[0, 0]
    assert last.traded.var() == pytest.approx(expected, rel=0.03)


def test_one_coin_on_two_chains_is_one_factor(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    there = Token(address(0x99), "WETH", 18)
    other = replace(CHAIN, name="other", id=5, groups=(Group("ETH", (there.address,)),))
    wanted = leads([asset(WETH), Asset(5, there)], (CHAIN, other), ())
    found = basis(wanted, columns(store, wanted, (), GRID), GRID, ())
    assert len(found.factors) == 1
    assert {one.loadings for one in found.driven.values()} == {((0, 1.0),)}


def test_a_price_that_stands_still_takes_nobody_else_along(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    put(store, of(ALT.address), np.concatenate([MOVES[:50, 1], np.zeros(950)]))
    found = made(store, asset(ALT), asset(WETH), asset(STETH, Feed.RATE))
    assert "does not move" in found.lost[asset(ALT)]
    assert set(found.driven) == {asset(WETH), asset(STETH, Feed.RATE)}
    assert (len(found.factors), found.rows) == (1, 1_000)


def entered(store: Store, pair: str, hours: list[int]) -> None:
    """A price that goes up and down at these hours of the window."""
    enter(store, Source(pair, "file", 8), [(GRID.start + HOUR * n, 10**8 + n % 7 * 10**5) for n in hours])


def test_a_past_without_hours_in_common_with_the_others_is_lost_alone(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    entered(store, of(ALT.address), list(range(450, 1_001)))
    entered(store, "BTC/USD", [*range(500), 1_000])
    said = Assumed(31337, USDC.address, "BTC/USD")
    wide = made(store, asset(WETH), asset(ALT))
    assert wide.rows == 550
    found = made(store, asset(WETH), asset(ALT), asset(USDC), assumed=(said,))
    assert "hours in common with" in found.lost[asset(USDC)]
    assert set(found.driven) == {asset(ALT), asset(WETH)}


def test_a_past_that_ended_days_before_the_others_is_lost_and_theirs_are_used_to_their_end(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    entered(store, of(ALT.address), list(range(700)))
    found = made(store, asset(ALT), asset(WETH))
    assert "ends 301 h before the block, others do not: watcher prices sync" in found.lost[asset(ALT)]
    assert (found.rows, set(found.driven)) == (1_000, {asset(WETH)})


def test_a_young_asset_whose_past_and_its_proxys_do_not_meet_is_lost(store: Store) -> None:
    put(store, "ETH/USD", MOVES[:, 0])
    source = Source(of(ALT.address), "file", 8)
    enter(store, source, [(GRID.start + HOUR * n, 10**8 + n % 5) for n in range(200)])
    put(store, "ETH/USD", MOVES[:, 0])
    later = Grid(GRID.start, END)
    wanted = leads([asset(ALT)], (CHAIN,), ())
    known = columns(store, wanted, (("ETH/USD",),), later)
    known[("ETH/USD",)].logs[:300] = np.nan
    assert "of the 500" in basis(wanted, known, later, (("ETH/USD",),)).lost[asset(ALT)]


def test_a_young_asset_whose_price_stands_still_is_not_one_without_risk(store: Store) -> None:
    put(store, "ETH/USD", MOVES[:, 0])
    put(store, of(ALT.address), np.zeros(200))
    assert asset(ALT) in made(store, asset(ALT)).lost


def test_betas_are_to_ether_wherever_it_is_followed(store: Store) -> None:
    put(store, of(WETH.address), MOVES[:, 0])
    put(store, of(ALT.address), 0.5 * MOVES[:, 0] + 0.1 * MOVES[:, 1])
    wanted = leads([asset(ALT), asset(WETH)], (CHAIN,), ())
    proxies = ((of(WETH.address),),)
    found = basis(wanted, columns(store, wanted, proxies, GRID), GRID, proxies)
    assert found.betas([found.driven[asset(WETH)], found.driven[asset(ALT)]]) == pytest.approx([1, 0.5], abs=0.02)
