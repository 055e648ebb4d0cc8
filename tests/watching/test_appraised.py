"""What is stored of one position's risk: its margin in every family, and beside it what could be simulated or why that could not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eth_typing import HexStr
from hypothesis import given, settings

from tests.adapters.situations import SITUATIONS, AnyPosition
from tests.health.toy import KEY, ONE, A, B, position
from tests.store.scene import DRAWN
from tests.watching.test_policy import TOY
from watcher.adapters import names
from watcher.appraisal.held import held
from watcher.config import load
from watcher.config.risk import HOUR, Risk
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.status import read
from watcher.model import BlockRef
from watcher.risk.margin import margin
from watcher.store.appraisals import Appraised
from watcher.store.open import Store, open_store
from watcher.store.prices import Source, enter
from watcher.watching.appraised import OWN, Ground, appraised, figures
from watcher.watching.appraising import Ended

ETHEREUM = load().chain(1)


def row(of: AnyPosition) -> Row:
    at = BlockRef(1, of.value().at.timestamp, 1, HexStr("0x01"))
    key = getattr(of.holding, "key", KEY)
    return Row(getattr(of.terms, "market", TOY), of, read(key, at, of), False, ())


def appraise(of: AnyPosition, store: Store, risk: Risk | None = None) -> Appraised:
    (found,) = appraised(
        [row(of)], ETHEREUM, None, Ground((ETHEREUM,), risk or Risk(scenarios=200), store, lambda: None)
    )
    return found


def past(store: Store, of: AnyPosition, hours: int = 600) -> None:
    """A walk of every token, ending now."""
    random, now = np.random.default_rng(3), of.value().at.timestamp
    for leg in of.value().legs:
        walk = 10**10 * np.exp(np.cumsum(0.01 * random.standard_normal(hours)))
        marks = [(now - HOUR * back, int(price)) for back, price in enumerate(walk[::-1])]
        enter(store, Source(f"1:{leg.token.address}/USD", "file walk.csv", 8), marks)


@pytest.mark.parametrize("protocol", names())
def test_the_margin_of_every_family_is_the_one_in_floats(protocol: str) -> None:
    @given(SITUATIONS[protocol].positions)
    @settings(max_examples=10)
    def holds(of: AnyPosition) -> None:
        try:
            seen = held(row(of), ETHEREUM, OWN, (), None)
        except WatcherError:
            return
        if seen is None or not of.value().line.weighted:
            return
        ours, floats, whole = figures(of.value()), margin(seen.exposure()), 10 ** of.value().unit.decimals
        grain = 2e-4 * of.value().collateral / whole + 10 / whole  # an average that the contract cuts, and roundings
        assert ours.equity == pytest.approx(floats.equity, rel=1e-9, abs=10 / whole)
        assert ours.initial == pytest.approx(floats.initial, rel=1e-9, abs=10 / whole)
        assert ours.maintenance == pytest.approx(floats.maintenance, rel=1e-9, abs=grain)

    holds()


def test_debt_without_collateral_has_no_ratio_and_no_chance_and_says_so(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db", write=True, create=True) as store:
        found = appraise(position({A: 1, B: 1}, {A: 8_000}, {}, {B: 900 * ONE}), store)
    assert found.margin.equity < 0
    assert (found.margin.leverage, found.margin.ltv, found.margin.margin_utilisation) == (None, None, None)
    assert (found.chances, found.sigmas, found.var_1d) == ({}, None, None)
    assert "only debt" in found.missing[0]


def test_without_prices_there_is_the_margin_and_how_to_bring_them(tmp_path: Path) -> None:
    of = DRAWN["aave_v3"]
    with open_store(tmp_path / "a.db", write=True, create=True) as store:
        found = appraise(of, store)
    assert found.margin == figures(of.value())
    assert (found.chances, found.model, found.seed) == ({}, None, None)
    said, *lines = found.missing
    assert "no usable past of" in said
    assert lines
    assert all("has no stored past: watcher prices sync 1:0x" in line for line in lines)


def test_with_prices_there_are_chances_that_come_again_to_the_last_digit(tmp_path: Path) -> None:
    of = DRAWN["aave_v3"]
    with open_store(tmp_path / "a.db", write=True, create=True) as store:
        past(store, of)
        risk = Risk(scenarios=100, reaction=HOUR + 1)
        first, again = appraise(of, store, risk), appraise(of, store, risk)
    assert first == again
    assert (first.model, first.seed, set(first.chances)) == ("fhs", 1, {"1h", "1d", "7d", "30d", "reaction"})
    assert first.chances["1d"].chance <= first.chances["30d"].chance
    assert first.chances["reaction"].horizon == 2 * HOUR  # prices are looked at once an hour
    assert any("oracle price caps" in line for line in first.missing)


def test_who_owes_nothing_is_appraised_without_a_chance(tmp_path: Path) -> None:
    of = DRAWN["compound_v3"]
    free = replace(of, holding=replace(of.holding, principal=0))
    with open_store(tmp_path / "a.db", write=True, create=True) as store:
        found = appraise(free, store)
    assert (found.margin.health, found.margin.ltv, found.chances) == (None, 0, {})
    assert "nothing is owed" in found.missing[0]


def test_a_run_that_ends_does_not_wait_for_the_paths(tmp_path: Path) -> None:
    def over() -> None:
        raise Ended("the run ends")

    of = DRAWN["aave_v3"]
    with open_store(tmp_path / "a.db", write=True, create=True) as store:
        past(store, of)
        ground = Ground((ETHEREUM,), Risk(scenarios=200), store, over)
        with pytest.raises(Ended):
            appraised([row(of)], ETHEREUM, None, ground)
