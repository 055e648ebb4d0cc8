"""`watcher run` with a whole market to follow: who changes band is written down as the contract says, and told to who asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from tests.onchain.account_scene import OWNER, Said, configured, indebted
from tests.onchain.conftest import Local
from tests.onchain.test_following import BANDS, health
from watcher.__main__ import main
from watcher.book.canon import differences
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.connection import connect
from watcher.exit import Exit
from watcher.following.opening import stored, surveyed
from watcher.health.bands import LADDER
from watcher.localchain.anvil import Anvil
from watcher.localchain.scenario import reorg, set_price
from watcher.localchain.seeder import seed
from watcher.model import PositionKey, Status, Transition
from watcher.store import outbox, survey
from watcher.store.open import open_store
from watcher.units import WAD
from watcher.watching.session import opened

Watch = Callable[..., Said]
BORROWERS = 30


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "watcher.db"


@pytest.fixture
def run(local: Local, tmp_path: Path, db: Path, capsys: pytest.CaptureFixture[str]) -> Watch:
    """One cycle; ``run('alert = "critical"')``, ``run(wallet=True)``."""

    def go(alert: str = "", *more: str, wallet: bool = False) -> Said:
        chain = replace(configured(local), block_time=Decimal(1), finality=2)
        (tmp_path / "chains.toml").write_text(dump(chain), encoding="utf-8")
        path = tmp_path / "watcher.toml"
        text = f'chains_file = "chains.toml"\ndb = "{db.name}"\n[[follow]]\nmarket = "{local.v36.name}"\n{alert}\n'
        path.write_text(text + (f'[[wallets]]\naddress = "{OWNER}"\n' if wallet else ""))
        capsys.readouterr()
        code = main(["run", "--config", str(path), "--once", *more])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


def changes(db: Path, chain: int) -> dict[PositionKey, list[Transition]]:
    found: dict[PositionKey, list[Transition]] = {}
    with open_store(db) as store:
        for one in outbox.transitions(store, chain=chain):
            found.setdefault(one.key, []).append(one)
    return found


def status(said: int) -> Status:
    return Status.LIQUIDATABLE if said < WAD else LADDER[1 + sum(said < step for step in BANDS)]


async def fall(local: Local, percent: int) -> None:
    for symbol in ("WETH", "WBTC", "LINK"):
        reserve = local.v36.reserves[symbol]
        await set_price(reserve.feed, reserve.asset.price * percent // 100)


def test_everyone_who_changes_band_is_in_the_store_as_the_contract_says(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    owners = asyncio.run(seed(local.v36, BORROWERS))
    assert run().code == Exit.OK
    asyncio.run(fall(local, 80))
    said = run()
    assert said.code == Exit.OK, said.err
    assert f"{local.v36.name}" not in said.out  # nobody asked to be told

    async def now() -> list[int]:
        async with connect(configured(local)) as line:
            return await health(local.v36, owners, await line.block())

    truth = asyncio.run(now())
    assert any(one < WAD for one in truth)
    seen = changes(db, chain.chain_id)
    for owner, wad in zip(owners, truth, strict=True):
        key = PositionKey(local.v36.name, bytes.fromhex(owner[2:]))
        told = seen.get(key, [])
        assert (told[-1].after if told else Status.SAFE) is status(wad)
        assert not told or told[-1].health == wad


def test_the_book_in_the_store_is_the_one_that_a_fresh_survey_makes_also_after_a_reorg(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    asyncio.run(seed(local.v36, BORROWERS))
    run()
    asyncio.run(fall(local, 85))
    run()
    before = changes(db, chain.chain_id)

    async def undone() -> None:
        await reorg(chain, 2, [])

    asyncio.run(undone())
    asyncio.run(chain.mine(1))
    assert run().code == Exit.OK

    async def both() -> tuple[str, ...]:
        async with connect(replace(configured(local), finality=2)) as line:
            with open_store(db) as store:
                kept = await stored(line, local.v36.market(), store)
            assert kept is not None
            assert kept.block == await line.block()
            fresh = await surveyed(line, local.v36.market())
            return differences(kept.book, fresh.book)

    assert asyncio.run(both()) == ()
    after = changes(db, chain.chain_id)
    assert sum(map(len, after.values())) != sum(map(len, before.values()))


def test_a_wallet_in_a_followed_market_is_told_once_and_as_a_wallet(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    asyncio.run(seed(local.v36, BORROWERS))
    asyncio.run(indebted(local.v36))
    run('alert = "liquidatable"', wallet=True)
    asyncio.run(fall(local, 25))
    said = run('alert = "liquidatable"', wallet=True)
    key = PositionKey(local.v36.name, bytes.fromhex(OWNER[2:]))
    own = changes(db, chain.chain_id)[key]
    assert [one.after for one in own][-1] is Status.LIQUIDATABLE
    assert len(own) == 2  # by the wallet's own cycle, and not once more by the book
    first, second, *_ = said.out.splitlines()
    assert first.startswith(f"{BORROWERS + 1} changes of {BORROWERS + 1} positions")
    assert second.startswith(f"LIQUIDATABLE: {OWNER}")  # one's own before everybody else


def test_the_standing_proof_of_a_followed_market_is_kept_and_its_failure_is_told(
    local: Local, chain: Anvil, db: Path, tmp_path: Path, run: Watch
) -> None:
    asyncio.run(seed(local.v36, BORROWERS))
    assert run().code == Exit.OK
    out = StringIO()

    async def look() -> tuple[list[str], ...]:
        watch = load_watch(tmp_path / "watcher.toml", {})
        async with opened(watch, {}, out) as session:
            await session.once()
            await session.upkeep.audit()
            await session.desk.said()
            fine = out.getvalue().splitlines()
            (one,) = (one for chain in session.desk.chains.values() for one in chain.follower.markets.values())
            one.book.drop([one.book.keys[0]])  # somebody is missing
            await session.upkeep.audit()
            await session.desk.said()
            return fine, out.getvalue().splitlines()

    fine, wrong = asyncio.run(look())
    assert fine == []
    assert wrong[0].startswith("A FOLLOWED MARKET IS NOT PROVED")
    assert "belong to nobody in the book" in wrong[1]
    with open_store(db) as store:
        market = local.v36.market()
        assert any(one.booked != one.total for one in survey.proofs(store, market))
        assert survey.audits(store, market)[0].looked >= BORROWERS - 1


def test_a_profile_says_where_the_time_of_a_cycle_went(local: Local, chain: Anvil, run: Watch) -> None:
    asyncio.run(seed(local.v36, BORROWERS))
    run()
    asyncio.run(fall(local, 90))
    said = run("", "--profile")
    told = dict(re.findall(r"^(\w[\w, ]*?) +([0-9.]+) s$", said.err, re.MULTILINE))
    assert told.keys() >= {"logs", "rules, quote, holdings", "screen", "exact", "store", "all"}
    spent = {name: float(seconds) for name, seconds in told.items()}
    assert all(0 <= one <= spent["all"] for one in spent.values())
    assert 0 < spent["logs"] + spent["rules, quote, holdings"] + spent["store"] < spent["all"]
