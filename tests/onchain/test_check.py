"""`watcher check` against the real contracts: all is well, an audit that is equal, and views that lie are caught for every position."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode

from tests.chain.server import Front, Oops, serve
from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.chain.abi import function
from watcher.exit import Exit
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.anvil import Anvil
from watcher.localchain.scenario import account, set_price
from watcher.localchain.seeder import seed

BORROWED = ("WETH/USDC", "wstETH/WETH", "WBTC/USDC", "USDC/WETH")
AGGREGATE = function("multicall3/multicall3.aggregate3")
VIEW = function("aave_v3/pool.getUserAccountData")
REVISION = function("aave_v3/pool.POOL_REVISION")
ACCRUE = function("morpho_blue/morpho.accrueInterest")
MARKET = function("morpho_blue/morpho.market")


def chains_file(path: Path, local: Local, url: str, old_pool: str | None = None) -> Path:
    """The local chain as a user would write it down, every Morpho market that has debt included."""
    ids = [f'{{ id = "0x{local.morpho.markets[name].id.hex()}" }}' for name in BORROWED]
    file = path / "chains.toml"
    file.write_text(
        f"""
[chains.local]
id = {local.chain.chain_id}
block_time = 1
finality = 5
stale_head = 600
multicall3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
rpc = [{{ url = "{url}" }}]

[[chains.local.aave_v3]]
name = "old"
pool = "{old_pool or local.v30.pool.address}"
start = {local.v30.start}

[[chains.local.aave_v3]]
name = "new"
pool = "{local.v36.pool.address}"
start = {local.v36.start}

[chains.local.morpho_blue]
address = "{local.morpho.morpho.address}"
start = {local.morpho.start}
markets = [{", ".join(ids)}]
"""
    )
    return file


async def borrowers(local: Local, count: int) -> None:
    """`count` borrowers on each Aave market and two in each Morpho market."""
    await seed(local.v30, count)
    await seed(local.v36, count, label="somebody else")
    for name in BORROWED:
        market = local.morpho.markets[name]
        assert market.collateral is not None
        assert market.oracle is not None
        amount = 10 ** await market.collateral.call("decimals")
        worth = amount * await market.oracle.call("price") // 10**36
        for n in range(2):
            who = account(f"{name} {n}")
            await morpho_actions.supply_collateral(local.morpho, market, who, amount)
            await morpho_actions.borrow(local.morpho, market, who, worth // 2)
    await local.chain.mine()


def check(capsys: pytest.CaptureFixture[str], file: Path, *line: str) -> tuple[int, list[dict[str, Any]]]:
    capsys.readouterr()
    code = main(["check", "--quiet", "--chains", str(file), "--format", "json", *line])
    said = capsys.readouterr()
    assert said.err == ""
    return code, json.loads(said.out)


def of(rows: Sequence[dict[str, Any]], check: str, subject: str = "") -> list[dict[str, Any]]:
    return [row for row in rows if row["check"] == check and row["subject"].endswith(subject)]


def test_a_healthy_chain_passes_and_every_audited_figure_is_equal(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(borrowers(local, 10))
    code, rows = check(capsys, chains_file(tmp_path, local, chain.url), "--audit", "28")
    assert code == Exit.OK
    assert {(row["check"], row["result"]) for row in rows if row["result"] != "ok"} == {("rules", "warn")}
    assert [row["detail"] for row in of(rows, "rules", "old") + of(rows, "rules", "new")] == [
        "Aave 3.0 (revision 1), 11 reserves",
        "Aave 3.6 (revision 10), 11 reserves",
    ]
    (told,) = of(rows, "audit")
    figures = 20 * 6 + 8 * 2  # six of an Aave account, debt and liquidatable of a Morpho position
    assert told["detail"].startswith(f"28 accounts, {figures} figures, all equal, block ")


def test_fewer_borrowers_than_asked_for_are_told_and_exit_4(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(seed(local.v36, 3))
    code, rows = check(capsys, chains_file(tmp_path, local, chain.url), "--market", "local/aave-v3/new", "--audit", "5")
    assert code == Exit.SOURCE
    assert of(rows, "audit")[0]["result"] == "ok"
    (short,) = of(rows, "audited accounts")
    assert short["result"] == "unknown"
    assert short["detail"].startswith("3 of 5 accounts: 3 were found in the Borrow logs of ")


def test_a_borrower_who_has_left_is_replaced_by_the_next_one(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        await seed(local.v36, 3)
        gone = account("gone")
        await aave_actions.supply(local.v36, gone, "WETH", 10**18)
        await aave_actions.borrow(local.v36, gone, "USDC", 10**8)
        await aave_actions.repay(local.v36, gone, "USDC", aave_actions.ALL)
        await aave_actions.withdraw(local.v36, gone, "WETH", aave_actions.ALL)

    asyncio.run(story())
    line = ("--market", "local/aave-v3/new", "--audit", "3")
    code, rows = check(capsys, chains_file(tmp_path, local, chain.url), *line)
    assert code == Exit.OK
    assert of(rows, "audit")[0]["detail"].startswith("3 accounts, 18 figures, all equal")


@dataclass
class Falsifying(Front):
    """The real node, but for the summaries: account data with one more unit of debt, Morpho's totals a tenth higher after accrual.

    `revision` is what POOL_REVISION answers instead of the truth.
    """

    revision: int | None = None
    summaries: bool = True

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        honest = await super().answer(method, params)
        data = params[0].get("data", "") if method == "eth_call" else ""
        if not data.startswith("0x" + AGGREGATE.selector.hex()):
            return honest
        (calls,) = decode(AGGREGATE.inputs, bytes.fromhex(data[10:]))
        (results,) = decode(AGGREGATE.outputs, bytes.fromhex(honest[2:]))
        accrued = calls[0][2][:4] == ACCRUE.selector
        told = [
            (good, self.told(call[2][:4], answer, accrued)) for call, (good, answer) in zip(calls, results, strict=True)
        ]
        return "0x" + encode(AGGREGATE.outputs, [told]).hex()

    def told(self, selector: bytes, answer: bytes, accrued: bool) -> bytes:
        if selector == REVISION.selector and self.revision is not None:
            return encode(["uint256"], [self.revision])
        if selector == VIEW.selector and self.summaries:
            row = list(decode(VIEW.outputs, answer))
            return encode(VIEW.outputs, [row[0], row[1] + 1, *row[2:]])
        if selector == MARKET.selector and accrued and self.summaries:
            row = list(decode(MARKET.outputs, answer))
            return encode(MARKET.outputs, [*row[:2], row[2] * 11 // 10, *row[3:]])
        return answer


def through(
    node: Falsifying, local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str], *line: str
) -> tuple[int, list[dict[str, Any]]]:
    """As `check`, through a node that answers other things; the command runs in a thread of its own."""

    async def story() -> tuple[int, list[dict[str, Any]]]:
        async with serve(node) as server:
            file = chains_file(tmp_path, local, server.url)
            return await asyncio.to_thread(check, capsys, file, *line)

    return asyncio.run(story())


def test_against_views_that_lie_every_position_is_reported_and_our_figures_stay(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(borrowers(local, 4))
    _, truth = check(capsys, chains_file(tmp_path, local, chain.url), "--audit", "16")
    code, rows = through(Falsifying(chain.url), local, tmp_path, capsys, "--audit", "16")
    assert code == Exit.SOURCE
    assert of(truth, "audit")[0]["facts"]["accounts"] == "16"
    assert of(rows, "audit")[0]["facts"] | {"block": None} == {
        "accounts": "16",
        "figures": str(8 * 6 + 8 * 2),
        "mismatched": "16",
        "block": None,
    }
    wrong = [row["facts"] for row in of(rows, "figures")]
    assert len({(row["subject"], row["facts"]["account"]) for row in of(rows, "figures")}) == 16
    assert {facts["field"] for facts in wrong} == {"debt"}
    aave = [row["facts"] for row in of(rows, "figures", "old") + of(rows, "figures", "new")]
    assert [int(facts["contract"]) - int(facts["ours"]) for facts in aave] == [1] * 8


@dataclass
class Logless(Falsifying):
    """The real node without eth_getLogs, as some public endpoints are."""

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getLogs":
            raise Oops(-32601, "method eth_getLogs is disabled")
        return await super().answer(method, params)


def test_an_endpoint_without_logs_leaves_the_audit_without_accounts_and_says_why(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(seed(local.v36, 3))
    line = ("--market", "local/aave-v3/new", "--audit", "3")
    code, rows = through(Logless(chain.url, summaries=False), local, tmp_path, capsys, *line)
    assert code == Exit.SOURCE
    assert of(rows, "logs")[0]["result"] == "warn"
    assert of(rows, "audit")[0]["result"] == "unknown"
    (short,) = of(rows, "audited accounts")
    assert "0 of 3 accounts" in short["detail"]
    assert "(none was read)" in short["detail"]
    assert "method eth_getLogs is disabled" in short["detail"]


def test_f34_an_upgrade_to_a_revision_that_is_not_known_stops_the_market_and_only_it(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(borrowers(local, 2))
    node = Falsifying(chain.url, revision=12, summaries=False)
    code, rows = through(node, local, tmp_path, capsys, "--audit", "8")
    assert code == Exit.SOURCE
    (old,) = of(rows, "rules", "old")
    assert (old["result"], old["advice"]) == ("fail", "update the watcher, or check the chains file")
    assert "revision 12 is not known" in old["detail"]
    assert of(rows, "oracle", "old") == []
    assert of(rows, "audit")[0]["detail"].startswith("8 accounts, 16 figures, all equal")  # Morpho's are still read


def test_a_feed_without_an_answer_fails_its_market_and_says_what_the_feed_does(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(set_price(local.v36.reserves["LINK"].feed, 0))
    code, rows = check(capsys, chains_file(tmp_path, local, chain.url))
    assert code == Exit.SOURCE
    (new,), (old,) = of(rows, "oracle", "new"), of(rows, "oracle", "old")
    assert (new["result"], new["detail"]) == ("fail", "no usable price: LINK: its source answers 0")
    assert old["result"] == "ok"


def test_a_pool_address_without_code_fails(
    local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = account("nobody")
    code, rows = check(capsys, chains_file(tmp_path, local, chain.url, old_pool=nobody))
    assert code == Exit.SOURCE
    assert [row["check"] for row in rows if row["subject"] == "local/aave-v3/old"] == ["code"]
    assert of(rows, "code", "old")[0]["detail"] == f"no contract at {nobody}"
