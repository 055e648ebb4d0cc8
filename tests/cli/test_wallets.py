"""`watcher account` on two chains of which one is down, and how it says who confirmed what."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.situations import AnyPosition
from tests.chain.faults import hang, status
from tests.chain.server import Fault, Server, closed_port, honest, serve
from tests.lending import MORPHO, OWNER, Lending
from watcher.__main__ import main
from watcher.errors import Overflow
from watcher.exit import Exit
from watcher.health.outlook import Outlook, outlook

LENDING = Lending()
POOL = LENDING.pool("eth")


def chains_file(path: Path, *chains: tuple[str, int, list[str]]) -> Path:
    """A chains file: name, id and URLs of each chain, with one Morpho market on every one of them."""
    parts = []
    for name, number, urls in chains:
        rpc = ", ".join(f'{{ name = "{name}-{place}", url = "{url}" }}' for place, url in enumerate(urls))
        parts.append(
            f"[chains.{name}]\nid = {number}\nblock_time = 12\nfinality = 64\nstale_head = 1000000000\n"
            f'multicall3 = "0xcA11bde05977b3631167028862bE2a173976CA11"\nrpc = [{rpc}]\n'
            f'[chains.{name}.morpho_blue]\naddress = "{MORPHO}"\nmarkets = [{{ id = "0x{POOL.id.hex()}" }}]\n'
        )
    file = path / "chains.toml"
    file.write_text("\n".join(parts))
    return file


def account(
    tmp_path: Path,
    *nodes: tuple[str, Fault],
    down: list[str] | None = None,
    arguments: list[str],
    log_limit: tuple[int, str] | None = None,
) -> int:
    """The exit code of `watcher account` over `near`, with an endpoint per (branch, fault), and `far`, where there is `down`."""

    async def run() -> int:
        async with AsyncExitStack() as stack:
            servers: list[Server] = [
                await stack.enter_async_context(
                    serve(LENDING.node(chain_id=7, branch=branch, log_limit=log_limit), always=fault, gate=honest)
                )
                for branch, fault in nodes
            ]
            chains = [("near", 7, [server.url for server in servers])]
            if down is not None:
                chains.append(("far", 8, down))
            file = chains_file(tmp_path, *chains)
            return await asyncio.to_thread(main, ["account", OWNER, "--chains", str(file), *arguments])

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def no_endpoints_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETH_RPC_URL", raising=False)


def positions(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those about a position, a market or a chain, and not about how far logs are known or what all of it comes to."""
    return [record for record in records if record["kind"] in ("position", "market", "chain")]


def read(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_f02_a_chain_that_is_down_is_unknown_and_the_other_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    down = [closed_port(), closed_port()]
    code = account(tmp_path, ("main", honest), down=down, arguments=["--format", "jsonl"])
    assert code == Exit.SOURCE
    records = read(capsys.readouterr().out)
    near, far = sorted(positions(records), key=lambda record: record["chain"] == "far")
    assert [record["chain"] for record in records if record["kind"] == "entered"] == ["near"]
    assert (near["chain"], near["status"], near["health"]) == ("near", "safe", "1.6")
    assert (far["chain"], far["status"], far["block"], far["confirmed_by"]) == ("far", "unknown", None, "0")
    assert "far-0: no connection" in far["reason"]
    assert "far-1: no connection" in far["reason"]


def test_f02_a_chain_that_hangs_ends_at_the_time_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def run() -> int:
        async with serve(always=hang, gate=hang) as server:
            return await asyncio.to_thread(
                account, tmp_path, ("main", honest), down=[server.url], arguments=["--timeout", "1"]
            )

    assert asyncio.run(run()) == Exit.SOURCE
    shown = capsys.readouterr().out
    assert "health 1.6" in shown
    assert "UNKNOWN: far-0: no answer within 1 s; try another endpoint with --rpc URL" in shown


def test_a_dead_eth_rpc_url_is_passed_over_in_one_line_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETH_RPC_URL", f"{closed_port()}/v3/CANARY")
    assert account(tmp_path, ("main", honest), arguments=["--format", "jsonl"]) == Exit.OK
    out, err = capsys.readouterr()
    assert [record["health"] for record in positions(read(out))] == ["1.6"]
    (line,) = err.splitlines()
    assert "it was named by ETH_RPC_URL: correct it, or leave it out; the other endpoints are asked instead" in line
    assert "CANARY" not in line


def test_two_endpoints_that_agree_are_counted_in_every_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [("main", honest), ("main", honest)]
    assert account(tmp_path, *nodes, arguments=["--format", "json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert [(record["kind"], record["confirmed_by"]) for record in found if "confirmed_by" in record] == [
        ("position", "2"),
        ("entered", "2"),
    ]
    assert account(tmp_path, *nodes, arguments=[]) == Exit.OK
    assert "old, confirmed by 2 endpoints" in capsys.readouterr().out.splitlines()[0]


def test_f13_an_endpoint_on_another_fork_is_named_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [("private", honest), ("main", honest), ("main", honest)]
    assert account(tmp_path, *nodes, arguments=[]) == Exit.OK
    said = capsys.readouterr()
    assert "confirmed by 2 endpoints" in said.out
    assert "near: near-0 has another block 100 than most, a fork of its own, and was not asked" in said.err


def test_one_endpoint_alone_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, ("main", honest), ("main", status(404)), arguments=[]) == Exit.OK
    said = capsys.readouterr()
    assert "old, from one endpoint" in said.out.splitlines()[0]
    assert "near: near-1: HTTP 404; check its URL" in said.err


NO_LOGS = (0, "eth_getLogs is not available on this plan, block range 0")


@pytest.mark.parametrize(("limit", "code"), [(None, Exit.OK), (NO_LOGS, Exit.SOURCE)])
def test_how_far_entered_markets_are_known_is_a_record_and_the_reason_for_the_exit_code(
    limit: tuple[int, str] | None, code: Exit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("json", "jsonl"):
        arguments = ["--quiet", "--format", form]
        assert account(tmp_path, ("main", honest), arguments=arguments, log_limit=limit) == code
        said = capsys.readouterr()
        found = json.loads(said.out) if form == "json" else read(said.out)
        position, known, *_ = found
        assert (position["kind"], position["status"], said.err) == ("position", "safe", "")
        assert (known["kind"], known["chain"], known["market"]) == ("entered", "near", "near/morpho-blue")
        if limit is None:
            assert (known["known_up_to"], known["complete"], known["status"], known["reason"]) == (
                *("100", True, None),
                None,
            )
        else:
            assert (known["known_up_to"], known["complete"], known["status"]) == ("-1", False, "unknown")
            assert "not available on this plan" in known["reason"]


def test_how_far_entered_markets_are_known_is_in_the_table_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(tmp_path, ("main", honest), arguments=["--quiet"]) == Exit.OK
    assert "near/morpho-blue: entered markets are known up to block 100\n" in capsys.readouterr().out
    assert account(tmp_path, ("main", honest), arguments=["--quiet"], log_limit=NO_LOGS) == Exit.SOURCE
    shown = capsys.readouterr().out
    shown = " ".join(shown.split())
    assert "one that was entered later may be missing" in shown
    assert "not available on this plan" in shown


def statuses(text: str) -> set[str]:
    """Of the rows of a csv that are about positions."""
    return {row["status"] for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "position"}


def test_a_csv_has_a_row_for_what_may_be_missing_and_none_for_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--quiet", "--format", "csv"]
    assert account(tmp_path, ("main", honest), arguments=arguments) == Exit.OK
    assert statuses(capsys.readouterr().out) == {"safe"}
    assert account(tmp_path, ("main", honest), arguments=arguments, log_limit=NO_LOGS) == Exit.SOURCE
    *_, last = (row for row in csv.DictReader(io.StringIO(capsys.readouterr().out)) if row["kind"] != "total")
    assert (last["market"], last["status"]) == ("near/morpho-blue", "unknown")
    assert "not available on this plan" in last["reason"]


def test_where_10_outranks_4_the_records_have_both_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    down = [closed_port()]
    for limit, below, code in (("1.6", False, Exit.SOURCE), ("1.61", True, Exit.AT_RISK)):
        arguments = ["--quiet", "--format", "json", "--fail-below", limit]
        assert account(tmp_path, ("main", honest), down=down, arguments=arguments) == code
        records = json.loads(capsys.readouterr().out)
        assert [record["below_limit"] for record in records if record["kind"] == "position"] == [below]
        assert [record["status"] for record in records if record["kind"] == "chain"] == ["unknown"]


def test_a_position_without_an_outlook_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hostile(position: AnyPosition, *_: object) -> Outlook:
        if position.value().debt == 50 * 10**18:
            raise Overflow("overflow of a 256-bit integer")
        return outlook(position)

    monkeypatch.setattr("watcher.cli.account.sheet.outlook", hostile)
    other = Lending()
    found = other.pool("other", debt=20 * 10**18)
    monkeypatch.setitem(LENDING.pools, "other", found)
    file = chains_file(tmp_path, ("near", 7, []))
    text = file.read_text().replace("markets = [", f'markets = [{{ id = "0x{found.id.hex()}" }}, ')

    async def run(*arguments: str) -> int:
        async with serve(LENDING.node(chain_id=7), gate=honest) as server:
            file.write_text(text.replace("rpc = []", f'rpc = [{{ name = "n", url = "{server.url}" }}]'))
            return await asyncio.to_thread(main, ["account", OWNER, "--chains", str(file), "--quiet", *arguments])

    assert asyncio.run(run("--format", "json")) == Exit.OK
    records = {record["health"]: record for record in positions(json.loads(capsys.readouterr().out))}
    assert set(records) == {"1.6", "4"}
    assert records["1.6"]["outlook_unknown"] == "overflow of a 256-bit integer"
    assert "outlook_unknown" not in records["4"]
    assert records["4"]["collateral_fall"]["fraction"] is not None
    assert asyncio.run(run()) == Exit.OK
    shown = capsys.readouterr().out
    assert "outlook unknown: overflow of a 256-bit integer" in shown
    assert "health 4.0000" in shown


def test_without_a_limit_no_record_speaks_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    account(tmp_path, ("main", honest), arguments=["--format", "json"])
    assert not any("below_limit" in record for record in json.loads(capsys.readouterr().out))
