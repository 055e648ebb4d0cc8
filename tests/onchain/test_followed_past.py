"""What the store keeps of a followed market answers later for accounts that nobody tracked, as the contract answered then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.conftest import Local
from tests.onchain.followed_past import Past, lived
from watcher.__main__ import main
from watcher.cli.history.at import Moment, at_block
from watcher.cli.history.course import places
from watcher.localchain.scenario import account
from watcher.store.open import open_store
from watcher.units import MAX

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def past(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    snapshot = asyncio.run(local.chain.snapshot())
    yield asyncio.run(lived(local, tmp_path_factory.mktemp("past")))
    asyncio.run(local.chain.revert(snapshot))


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's watcher.toml is found."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def history(
    capsys: pytest.CaptureFixture[str], past: Past, who: str, *line: str, code: int = 0
) -> list[dict[str, Any]]:
    capsys.readouterr()
    asked = ["history", who, "--market", past.market.name, "--db", str(past.db), "--chains", str(past.chains)]
    assert main([*asked, "--format", "json", "--quiet", *line]) == code
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def told(row: dict[str, Any]) -> tuple[str | None, str, str]:
    return row["health"], row["collateral"], row["debt"]


def contract(said: tuple[int, ...]) -> tuple[str | None, str, str]:
    """The health factor, collateral and debt of `getUserAccountData` as the command writes them."""
    return (None if said[5] == MAX else str(said[5])), str(said[0]), str(said[1])


def test_at_any_followed_block_everybody_has_the_health_that_the_contract_told(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(past.db) as store:
        for owner in past.owners[::3]:
            (place,) = places(store, bytes.fromhex(owner[2:]))
            for block, truth in past.truth.items():
                seen = at_block(store, place, block.number)
                assert isinstance(seen, Moment), seen
                kept = seen.kept
                assert kept.block == block
                assert (kept.health and str(kept.health), str(kept.collateral), str(kept.debt)) == contract(
                    truth[owner]
                )
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = past.owners[number % len(past.owners)]
        (row,) = history(capsys, past, owner, "--at", str(block.number))
        assert (row["block"], told(row)) == (str(block.number), contract(truth[owner]))


def test_the_course_goes_through_the_same_figures(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    for owner in past.owners[:3]:
        rows = history(capsys, past, owner, "--since", "2000-01-01", "--every", "0")
        found = {row["block"]: told(row) for row in rows if row["block"] is not None}
        for block, truth in past.truth.items():
            assert found[str(block.number)] == contract(truth[owner])


def test_where_nobody_looked_and_for_who_never_owed_it_is_unknown_with_the_reason(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = history(capsys, past, past.owners[0], "--at", str(past.gap[2]), code=4)
    assert (row["status"], row["health"]) == ("unknown", None)
    assert "nobody watched" in row["note"]
    first = min(block.number for block in past.truth)
    (row,) = history(capsys, past, past.owners[0], "--at", str(first - 1), code=4)
    assert row["status"] == "unknown" and "not followed by block" in row["note"]
    (row,) = history(capsys, past, account("who never owed"), "--at", str(first), code=4)
    assert row["status"] == "unknown" and "it never owed there" in row["note"]
