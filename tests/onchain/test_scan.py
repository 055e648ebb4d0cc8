"""`watcher scan` on the real contracts: it lists exactly whom the pool itself says is under the limit, to the last unit."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.onchain.account_scene import figures
from tests.onchain.conftest import either
from tests.onchain.scan_scene import Run, accounts, at_once, priced, watcher
from watcher.exit import Exit
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account, fund, set_price
from watcher.localchain.seeder import seed
from watcher.store.open import open_store
from watcher.units import MAX, WAD

__all__ = ["watcher"]  # a fixture

BORROWERS = 120
LIQUIDATOR = account("payer")


def listed(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    return {row["account"]: figures(row) for row in rows}


@either
def test_it_lists_exactly_whom_the_pool_says_is_under_the_limit(aave: AaveMarket, watcher: Run) -> None:
    owners = asyncio.run(seed(aave, BORROWERS))
    asyncio.run(priced(aave, 88))
    said = watcher("scan", aave.name, "--below", "1.2")
    assert (said.code, said.err) == (Exit.OK, "")
    found = json.loads(said.out)
    truth = accounts(aave, owners)
    wanted = {owner: data for owner, data in truth.items() if data[5] < 12 * WAD // 10}
    assert 0 < len(wanted) < BORROWERS
    assert listed(found["accounts"]) == wanted
    healths = [int(row["health_wad"]) for row in found["accounts"]]
    assert healths == sorted(healths)
    for tier in found["tiers"]:
        line = int(tier["below"].replace(".", "").ljust(3, "0")) * WAD // 100
        under = [data for data in truth.values() if data[5] < line]
        assert int(tier["all"]["accounts"]) == len(under)
    assert found["coverage"]["exact"] and int(found["audit"]["looked"]) >= len(wanted)


@either
def test_under_another_price_it_says_what_the_pool_says_once_the_feed_has_it(aave: AaveMarket, watcher: Run) -> None:
    owners = asyncio.run(seed(aave, BORROWERS))
    said = watcher("scan", aave.name, "--below", "1.3", "--price", "WETH=1700.5", "--price", "WBTC=-12.5%")
    found = json.loads(said.out)
    assert said.code == Exit.OK
    bitcoin = aave.reserves["WBTC"].asset.price * 875 // 1000
    assert [one["answer"] for one in found["prices_assumed"]] == ["170050000000", str(bitcoin)]
    asyncio.run(at_once(aave, [("WETH", 1700_50000000), ("WBTC", bitcoin)]))
    wanted = {who: data for who, data in accounts(aave, owners).items() if data[5] < 13 * WAD // 10}
    assert wanted and listed(found["accounts"]) == wanted
    table = watcher("scan", aave.name, "--price", "WETH=1000", "--format", "table").out
    assert "UNDER ANOTHER PRICE: WETH at 1,000.00 USD" in table


@either
def test_the_liquidation_of_the_next_block_is_the_one_that_really_happens(aave: AaveMarket, watcher: Run) -> None:
    async def setting() -> None:
        await seed(aave, BORROWERS)
        await priced(aave, 90)
        for symbol in ("USDC", "DAI", "USDT", "WETH"):
            token = aave.reserves[symbol].token
            await fund(token, LIQUIDATOR, 10**7 * 10 ** aave.reserves[symbol].decimals, aave.pool.address)

    asyncio.run(setting())
    said = watcher("scan", aave.name, "--liquidatable")
    rows = json.loads(said.out)["accounts"]
    assert said.code == Exit.OK and len(rows) >= 3

    async def happens(row: dict[str, Any]) -> None:
        deed = row["liquidation_next_block"]
        debt, held = aave.by_address(deed["repay_token"]), aave.by_address(deed["seize_token"])
        repay, seize, fee = (
            round_trip(deed[name], place)
            for name, place in (
                ("repay", debt.decimals),
                ("seize", held.decimals),
                ("protocol_fee", held.decimals),
            )
        )
        snapshot = await aave.chain.snapshot()
        before = [await one.token.call("balanceOf", LIQUIDATOR) for one in (debt, held)]
        await aave.chain.next_timestamp(int(deed["time"]))
        call = do.liquidation(aave, row["account"], held.symbol, debt.symbol, repay)
        await aave.pool.send(*call, sender=LIQUIDATOR)
        after = [await one.token.call("balanceOf", LIQUIDATOR) for one in (debt, held)]
        assert (before[0] - after[0], after[1] - before[1]) == (repay, seize - fee)
        await aave.chain.revert(snapshot)

    for row in rows[:: len(rows) // 3]:
        asyncio.run(happens(row))


def round_trip(text: str, decimals: int) -> int:
    """Whole tokens as raw units."""
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(decimals, "0"))


def test_without_a_price_its_holders_are_unknown_and_never_safe(v36: AaveMarket, watcher: Run) -> None:
    owners = asyncio.run(seed(v36, BORROWERS))
    asyncio.run(set_price(v36.reserves["WBTC"].feed, 0))
    said = watcher("scan", v36.name, "--below", "100")
    found = json.loads(said.out)
    assert said.code == Exit.SOURCE
    lost = {row["account"]: row["reason"] for row in found["unknown_accounts"]}
    known = {row["account"] for row in found["accounts"]}
    assert lost and set(lost) | known == set(owners) and not set(lost) & known
    assert all("no usable price" in reason for reason in lost.values())
    assert {row["status"] for row in found["unknown_accounts"]} == {"unknown"}
    assert f"UNKNOWN: {len(lost)} accounts" in watcher("scan", v36.name, "--format", "table").out


def test_a_book_in_a_store_is_kept_read_beside_its_writer_and_its_gap_is_told(
    v36: AaveMarket, watcher: Run, tmp_path: Path
) -> None:
    owners = asyncio.run(seed(v36, BORROWERS))
    where = ("--below", "1.3", "--db", str(tmp_path / "w.db"))
    first = json.loads(watcher("scan", v36.name, *where).out)
    who = first["accounts"][0]["account"]
    asyncio.run(do.supply(v36, who, "WETH", 10**15))
    moved = asyncio.run(v36.chain.block_number())
    with open_store(tmp_path / "w.db", write=True):
        said = watcher("scan", v36.name, *where)
    assert said.code == Exit.OK
    found = json.loads(said.out)
    wanted = {owner: data for owner, data in accounts(v36, owners).items() if data[5] < 13 * WAD // 10}
    assert listed(found["accounts"]) == wanted
    moves = {row["account"]: (row["last_move"], row["last_move_at_least"]) for row in found["accounts"]}
    if who in moves:
        assert moves[who] == (str(moved), False)
    assert all(least for owner, (_, least) in moves.items() if owner != who)
    with sqlite3.connect(tmp_path / "w.db") as store:
        assert store.execute("select count(*) from sample").fetchone() == (1,)
        store.execute("delete from member where position_id = (select max(position_id) from member)")
    with open_store(tmp_path / "w.db", write=True):
        said = watcher("scan", v36.name, *where)
    assert said.code == Exit.SOURCE
    proof = json.loads(said.out)["coverage"]
    assert not proof["exact"]
    assert sum(int(one["unexplained"]) > 0 for one in proof["debts"]) == 1


def test_sorting_and_narrowing_and_every_format_are_of_the_same_accounts(v36: AaveMarket, watcher: Run) -> None:
    asyncio.run(seed(v36, BORROWERS))
    whole = json.loads(watcher("scan", v36.name, "--below", "1.4").out)
    rows = whole["accounts"]
    by_debt = json.loads(watcher("scan", v36.name, "--below", "1.4", "--sort", "debt", "--top", "5").out)
    largest = sorted((units8(row["debt"]) for row in rows), reverse=True)[:5]
    assert [units8(row["debt"]) for row in by_debt["accounts"]] == largest
    assert (by_debt["matched"], by_debt["shown"]) == (whole["matched"], "5")
    least = json.loads(watcher("scan", v36.name, "--below", "1.4", "--min-debt", "9999.5").out)
    assert [row["account"] for row in least["accounts"]] == [
        row["account"] for row in rows if units8(row["debt"]) >= 9999_50000000
    ]
    near = json.loads(watcher("scan", v36.name, "--below", "1.4", "--sort", "distance").out)["accounts"]
    falls = [float(row["collateral_fall"]["fraction"]) for row in near]
    assert falls == sorted(falls) and len(falls) == len(rows)
    lines = [
        json.loads(line) for line in watcher("scan", v36.name, "--below", "1.4", "--format", "jsonl").out.splitlines()
    ]
    assert [line["account"] for line in lines[:-1]] == [row["account"] for row in rows]
    assert lines[-1]["kind"] == "scan"
    (header, *cells) = csv.reader(io.StringIO(watcher("scan", v36.name, "--below", "1.4", "--format", "csv").out))
    assert [cell[header.index("health_wad")] for cell in cells] == [row["health_wad"] for row in rows]
    assert MAX not in {int(row["health_wad"]) for row in rows}


def units8(text: str) -> int:
    return round_trip(text, 8)


def test_a_market_shows_its_debt_by_health_once_somebody_has_opened_its_book(
    v36: AaveMarket, watcher: Run, tmp_path: Path
) -> None:
    owners = asyncio.run(seed(v36, BORROWERS))
    asyncio.run(priced(v36, 93))
    assert json.loads(watcher("market", v36.name).out)["debt_by_health"] is None
    found = json.loads(watcher("market", v36.name, "--book", "--db", str(tmp_path / "w.db")).out)["debt_by_health"]
    truth = accounts(v36, owners)
    for share in found["shares"]:
        low, high = (None if text is None else round_trip(text, 18) for text in (share["low"], share["high"]))
        inside = [data for data in truth.values() if (low or 0) <= data[5] and (high is None or data[5] < high)]
        parts = [(int(share[f"{name}_accounts"]), share[f"{name}_debt"]) for name in ("correlated", "volatile")]
        assert sum(count for count, _ in parts) == len(inside)
        assert sum(units8(debt) for _, debt in parts) == sum(data[1] for data in inside)
    later = json.loads(watcher("market", v36.name, "--db", str(tmp_path / "w.db")).out)["debt_by_health"]
    assert later["shares"] == found["shares"]
    table = watcher("market", v36.name, "--db", str(tmp_path / "w.db"), "--format", "table").out
    assert "Debt by health" in table and "1.05 to 1.1" in table
