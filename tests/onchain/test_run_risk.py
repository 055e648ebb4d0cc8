"""`watcher run` on the real contracts: what it stores of a wallet's risk is what they say, and its figures raise alarms."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.onchain.account_scene import OWNER, configured, indebted, user_data
from tests.onchain.conftest import Local
from tests.onchain.test_prices import answered, staged, synced
from watcher.__main__ import main
from watcher.config import UsdFeed, dump
from watcher.exit import Exit
from watcher.localchain.anvil import Anvil
from watcher.model import Status
from watcher.store import appraisals, outbox, recall
from watcher.store.appraisals import Appraised
from watcher.store.open import open_store
from watcher.store.prices import Source, enter, extents, marks

HOUR = 3_600
BANDS = """
[bands]
[[bands.measures]]
measure = "margin_utilisation"
critical = {limit}
[[bands.measures]]
measure = "chance_7d"
warn = "1%"
[risk]
scenarios = 100
"""

CHANCE = """
[bands]
[[bands.measures]]
measure = "chance_7d"
warn = "1%"
[risk]
scenarios = 100
reaction = "2h"
every = "1m"
"""


def run(local: Local, folder: Path, toml: str, feeds: tuple[UsdFeed, ...] = ()) -> int:
    known = replace(configured(local), block_time=Decimal(1), usd=feeds)
    (folder / "chains.toml").write_text(dump(known), encoding="utf-8")
    wallet = f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[wallets]]\naddress = "{OWNER}"\nlabel = "savings"\n'
    (folder / "watcher.toml").write_text(wallet + toml, encoding="utf-8")
    return main(["run", "--config", str(folder / "watcher.toml"), "--once"])


def stored(folder: Path, chain: Anvil) -> Appraised:
    with open_store(folder / "watcher.db") as store:
        (found,) = appraisals.latest(store, chain.chain_id).values()
    return found


def test_a_wallets_margin_is_stored_and_a_figure_beyond_its_limit_is_an_alert(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(indebted(local.v36))
    collateral, debt, free, threshold, _, health = user_data(local.v36)
    used = (collateral - debt - free) / (collateral - debt)  # IM = C − B, and B is what is owed and what may be more
    assert run(local, tmp_path, BANDS.format(limit=f"{used - 0.01:.4f}")) == Exit.OK
    out = capsys.readouterr().out
    found = stored(tmp_path, chain)
    assert found.block.number == asyncio.run(chain.block_number())
    margin, whole = found.margin, 10**8
    assert margin.equity == pytest.approx((collateral - debt) / whole, rel=1e-12)
    assert margin.maintenance == pytest.approx((collateral - health * debt / 1e18) / whole, rel=1e-9)
    assert margin.initial == pytest.approx((collateral - debt - free) / whole, rel=1e-3)
    assert margin.health == pytest.approx(health / 1e18, rel=1e-15)
    assert margin.threshold == pytest.approx(threshold / 10_000, abs=1e-4)
    assert margin.ltv == pytest.approx(debt / collateral, rel=1e-12)
    with open_store(tmp_path / "watcher.db") as store:
        (begin,) = outbox.transitions(store, chain=chain.chain_id)
        kept = list(recall.readings(store, bytes.fromhex(OWNER[2:])))
    assert begin.after is Status.CRITICAL
    assert begin.cause.startswith("margin_utilisation is ")
    assert f"Because: {begin.cause}" in out
    # nobody brought prices: that the chance is not known is said, with the reading and in a message
    assert [doubt.text for doubt in kept[-1].doubts] == ["chance_7d is not told: no appraisal of it is known"]
    assert (found.chances, found.model) == ({}, None)
    assert "A FIGURE WITH A LIMIT IS NOT KNOWN" in out


def past(local: Local, folder: Path, now: int) -> None:
    """A thousand hours of prices, collateral's so wild that it is often lost within a week."""
    random = np.random.default_rng(5)
    with open_store(folder / "watcher.db", write=True, create=True) as store:
        ether = local.v30.reserves["WETH"]  # the first token of the chain's group of ether: all of them follow it
        others = {"WBTC": 0.06, "USDC": 1e-4, "DAI": 1e-4}
        for reserve, wild in ((ether, 0.06), *((local.v36.reserves[name], wild) for name, wild in others.items())):
            walk = reserve.asset.price * np.exp(np.cumsum(wild * random.standard_normal(1_000)))
            source = Source(f"{local.chain.chain_id}:{reserve.token.address}/USD", "file test.csv", 8)
            enter(store, source, [(now - HOUR * back, int(price)) for back, price in enumerate(walk[::-1])])


def test_chances_are_stored_with_their_errors_and_the_next_cycle_is_judged_by_them(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(indebted(local.v36))
    past(local, tmp_path, asyncio.run(chain.timestamp()))
    assert run(local, tmp_path, CHANCE) == Exit.OK
    found = stored(tmp_path, chain)
    assert {name: one.horizon for name, one in found.chances.items()} == {
        "1h": HOUR,
        "1d": 24 * HOUR,
        "7d": 168 * HOUR,
        "30d": 720 * HOUR,
        "reaction": 2 * HOUR,
    }
    for one in found.chances.values():
        assert one.error == pytest.approx((one.chance * (1 - one.chance) / 100) ** 0.5)
    by_horizon = [one.chance for one in sorted(found.chances.values(), key=lambda one: one.horizon)]
    assert by_horizon == sorted(by_horizon)
    assert found.chances["7d"].chance > 0.01
    assert found.var_1d is not None
    assert found.es_1d is not None
    assert 0 < found.var_1d.amount < found.margin.equity
    capsys.readouterr()
    asyncio.run(chain.advance(60))
    assert run(local, tmp_path, CHANCE) == Exit.OK
    out = capsys.readouterr().out
    with open_store(tmp_path / "watcher.db") as store:
        *_, warned = outbox.transitions(store, chain=chain.chain_id)
    assert (warned.before, warned.after) == (Status.SAFE, Status.WARN)
    week = found.chances["7d"]
    assert warned.cause.startswith(f"chance_7d is {week.chance:.2%} ± ".replace("%", " %"))
    assert "warn above 1.00 %" in warned.cause
    assert warned.id in out


def test_a_feed_whose_past_was_begun_goes_on_and_stays_what_the_feed_says(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(indebted(local.v36))
    scene = asyncio.run(staged(chain))
    synced(local, scene, tmp_path, capsys)
    later = [(scene.said[-1][0] + HOUR * hour, 2_100 * 10**8 + hour) for hour in range(1, 4)]
    asyncio.run(answered(chain, scene.aggregators[1], later))
    asyncio.run(chain.advance(5 * HOUR))
    feed = UsdFeed(local.v36.reserves["WETH"].token.address, scene.proxy.address)
    assert run(local, tmp_path, "", (feed,)) == Exit.OK
    assert "3 new prices" in capsys.readouterr().err
    with open_store(tmp_path / "watcher.db") as store:
        (known,) = extents(store)
        assert marks(store, known.source)[-3:] == tuple(later)
        assert known.rows == len(scene.said) + 3
