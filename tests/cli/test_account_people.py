"""Whom `watcher account` means: wallets and groups of a watcher.toml, several addresses under one label, the chains of the file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.chain.server import closed_port, honest, serve
from tests.cli.test_wallets import NO_LOGS, chains_file, positions
from tests.lending import OWNER, Lending
from watcher.__main__ import main
from watcher.exit import Exit

OTHER = "0x" + "22" * 20
FILE = f"""
chains_file = "chains.toml"
[[wallets]]
address = "{OWNER}"
label = "vault"
group = "treasury"
[[wallets]]
address = "{OTHER}"
label = "hot"
group = "treasury"
"""


@pytest.fixture(autouse=True)
def no_endpoints_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ETH_RPC_URL", "WATCHER_CONFIG", "WATCHER_DB"):
        monkeypatch.delenv(name, raising=False)


def account(folder: Path, *arguments: str, file: str = FILE, chains: int = 1, debt: int = 50) -> int:
    """`watcher account … --config FILE` over `chains` chains with one loan each; no --chains is named."""
    lending = Lending()
    lending.pool("eth", debt=debt * 10**18)

    async def run() -> int:
        async with (
            serve(lending.node(chain_id=7), gate=honest) as one,
            serve(lending.node(chain_id=8), gate=honest) as two,
        ):
            known = [("near", 7, [one.url]), ("far", 8, [two.url])]
            chains_file(folder, *known[:chains])
            (folder / "watcher.toml").write_text(file)
            words = ["account", *arguments, "--config", str(folder / "watcher.toml")]
            return await asyncio.to_thread(main, words)

    return asyncio.run(run())


JSON = ("--format", "json", "--quiet")


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_the_chains_of_the_named_file_are_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, OWNER, *JSON) == Exit.OK
    assert [(one["chain"], one["health"]) for one in positions(records(capsys))] == [("near", "1.6")]


@pytest.mark.parametrize(("word", "label"), [("treasury", "treasury"), ("vault", "vault"), (OWNER, OWNER)])
def test_a_wallet_or_a_group_of_the_file_is_meant_by_its_name(
    word: str, label: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(tmp_path, word, *JSON) == Exit.OK
    found = records(capsys)
    assert [one["account"] for one in positions(found)] == [OWNER]
    (whole,) = [one for one in found if one["kind"] == "total" and one["of"] == "all"]
    assert whole["label"] == label


def test_several_are_one_under_the_label_that_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, OWNER, OTHER, "--label", "ours", *JSON) == Exit.OK
    assert [one["label"] for one in records(capsys) if one.get("of") == "all"] == ["ours"]
    account(tmp_path, OWNER, OTHER, *JSON)
    assert [one["label"] for one in records(capsys) if one.get("of") == "all"] == ["2 addresses"]


def test_a_word_that_the_file_does_not_know_says_what_it_may_have_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(tmp_path, "tresury", *JSON) == Exit.USAGE
    said = capsys.readouterr()
    assert "has no wallet or group 'tresury'; did you mean 'treasury'?" in said.err
    assert said.out == ""


def test_a_mistyped_address_is_said_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(tmp_path, OWNER[:-1] + "b", *JSON) == Exit.USAGE
    assert "has a wrong EIP-55 checksum" in capsys.readouterr().err


def test_two_chains_are_side_by_side_with_the_block_of_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The toy counts in a token without a feed: that is said, and nothing is silently zero."""
    assert account(tmp_path, "vault", "--quiet", chains=2) == Exit.OK
    shown = capsys.readouterr().out
    table = shown[shown.index("supplied USD") :]
    assert "far, block 100" in table
    assert "near, block 100" in table
    assert table.count("isolated") == 2
    assert "0.00*" in table
    said = " ".join(table.split())
    assert "* not in it: near/morpho-blue/" in said
    assert "no US dollar feed of COIN is known here" in said
    assert "first to be liquidated: " in said
    assert max(map(len, shown.splitlines())) <= 100


def test_a_csv_has_the_sums_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, "vault", "--quiet", "--format", "csv", chains=2) == Exit.OK
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["kind"], row["chain"], row["protocol"]) for row in rows if row["kind"] == "total"] == [
        ("total", "far", "morpho_blue"),
        ("total", "far", ""),
        ("total", "near", "morpho_blue"),
        ("total", "near", ""),
        ("total", "", ""),
    ]
    assert {row["margin"] for row in rows if row["kind"] == "position"} == {"isolated"}
    assert all("no US dollar feed of COIN is known here" in row["usd_missing"] for row in rows)


def elsewhere(folder: Path, *others: tuple[str, int, list[str]], log_limit: tuple[int, str] | None = None) -> int:
    """`watcher account` over one chain and others."""
    lending = Lending()
    lending.pool("eth")

    async def run() -> int:
        async with serve(lending.node(chain_id=7, log_limit=log_limit), gate=honest) as server:
            file = chains_file(folder, ("near", 7, [server.url]), *others)
            return await asyncio.to_thread(main, ["account", OWNER, "--chains", str(file), *JSON])

    return asyncio.run(run())


def test_a_chain_that_is_down_is_missing_from_the_sum_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert elsewhere(tmp_path, ("far", 8, [closed_port()])) == Exit.SOURCE
    (whole,) = [one for one in records(capsys) if one.get("of") == "all"]
    assert any(line.startswith("far: ") and "no connection" in line for line in whole["usd_missing"])


def test_markets_that_logs_could_not_name_are_missing_from_the_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert elsewhere(tmp_path, log_limit=NO_LOGS) == Exit.SOURCE
    (whole,) = [one for one in records(capsys) if one.get("of") == "all"]
    assert "near/morpho-blue: entered markets are known up to -1" in whole["usd_missing"]
