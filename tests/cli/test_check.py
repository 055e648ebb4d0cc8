"""`watcher check` as a command: what it prints in every format, what it never prints, and how it ends."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chain.faults import status
from tests.chain.server import closed_port
from tests.check.node import Sound, served
from watcher.__main__ import main
from watcher.exit import Exit

CHAINS = """
[chains.test]
id = 1
block_time = 12
finality = 65
stale_head = 300
multicall3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
"""


def write(file: Path, text: str) -> None:
    file.write_text(text)


def run(file: Path, serving: Any, *line: str, listed: bool = True, text: str = CHAINS) -> tuple[int, str]:
    """The exit code of `watcher check` on a chain with this endpoint, and its URL. The command runs in a thread of its own."""

    async def story() -> tuple[int, str]:
        async with serving as server:
            write(file, text + (f'rpc = [{{ url = "{server.url}" }}]\n' if listed else ""))
            words = [word.replace("URL", server.url) for word in line]
            return await asyncio.to_thread(main, ["check", "--chains", str(file), *words]), server.url

    return asyncio.run(story())


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ETH_RPC_URL", raising=False)
    return tmp_path / "chains.toml"


def test_a_chain_without_a_fault_ends_with_0_and_counts_what_was_found(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = run(file, served())
    said = capsys.readouterr()
    assert code == Exit.OK
    assert said.err == "10 findings: 10 ok\n"
    assert re.split(" {2,}", said.out.splitlines()[0].rstrip()) == [
        "subject",
        "check",
        "result",
        "what was found; what to do",
    ]
    assert len(said.out.splitlines()) == 2 + 10


def test_a_warning_is_no_failure(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = run(file, served(Sound(keeps=128)))
    assert code == Exit.OK
    assert capsys.readouterr().err == "10 findings: 9 ok, 1 warn\n"


def test_a_chain_that_no_endpoint_serves_ends_with_4(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = run(file, served(Sound(chain_id=5)))
    assert code == Exit.SOURCE
    assert capsys.readouterr().err == "2 findings: 2 fail\n"


def test_a_terminal_of_100_columns_has_room_for_subject_finding_and_advice(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    run(file, served(Sound(multicall=False)), "--quiet")
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 100
    assert any(line.startswith("test: 127.0.0.1") and " warn " in line for line in lines)


def test_the_formats_tell_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(form: str) -> str:
        run(file, served(Sound(multicall=False)), "--quiet", "--format", form)
        said = capsys.readouterr()
        assert said.err == ""
        return said.out

    found = json.loads(told("json"))
    checks = [(row["check"], row["result"]) for row in found]
    assert [(row["check"], row["result"]) for row in map(json.loads, told("jsonl").splitlines())] == checks
    assert [(row["check"], row["result"]) for row in csv.DictReader(io.StringIO(told("csv")))] == checks
    assert ("multicall3", "warn") in checks
    assert {row["advice"] is None for row in found if row["result"] == "ok"} == {True}
    assert {row["advice"] is None for row in found if row["result"] != "ok"} == {False}


def test_f53_no_key_of_an_endpoint_is_shown_whatever_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = {"path": "/v3/CANARY1?key=CANARY2", "userinfo": "user:CANARY3@"}
    for node, fault in ((Sound(), None), (Sound(chain_id=5), None), (Sound(), status(401, body="CANARY1 is expired"))):
        options = secret | ({} if fault is None else {"gate": fault})
        run(file, served(node, **options), "-v", "--format", "json")
        said = capsys.readouterr()
        assert "127.0.0.1" in said.out
        assert "CANARY" not in said.out + said.err


def test_rpc_is_checked_alone_on_the_chain_that_it_serves(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = (
        f'rpc = [{{ url = "{closed_port()}" }}]\n[chains.other]\nid = 2\nblock_time = 1\nfinality = 1\nstale_head = 9\n'
    )
    code, _ = run(file, served(), "--rpc", "URL", "--format", "json", "--quiet", listed=False, text=CHAINS + other)
    rows = json.loads(capsys.readouterr().out)
    assert code == Exit.OK
    assert {row["chain"] for row in rows} == {"test"}
    assert len({row["subject"] for row in rows if row["about"] == "endpoint"}) == 1


def test_rpc_of_another_chain_than_the_one_asked_for_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ("--rpc", "URL", "--chain", "test", "--format", "json", "--quiet")
    code, _ = run(file, served(Sound(chain_id=5)), *line, listed=False)
    rows = json.loads(capsys.readouterr().out)
    assert code == Exit.SOURCE
    assert rows[0]["detail"] == "is on chain 5, not on 1; check its URL"


def test_a_market_without_code_ends_with_4(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    market = '\n[[chains.test.aave_v3]]\nname = "core"\npool = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"\n'
    node = Sound(multicall=False)  # no code anywhere
    code, _ = run(
        file, served(node), "--rpc", "URL", "--audit", "5", "--format", "json", listed=False, text=CHAINS + market
    )
    said = capsys.readouterr()
    rows = {(row["subject"], row["check"]): row for row in json.loads(said.out)}
    assert code == Exit.SOURCE
    assert rows["test/aave-v3/core", "code"]["result"] == "fail"
    assert rows["test", "audit"]["detail"] == "no market could be read"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--block", "5"], "--block has no meaning here"),
        (["--audit", "-1"], "--audit"),
        (["--market", "nowhere"], "no market 'nowhere' is configured"),
        (["--rpc", "http://node.example/CANARY"], "plain http is only for this machine"),
    ],
)
def test_what_the_command_line_gets_wrong_is_said_in_one_line(
    line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *line]) == Exit.USAGE
    said = capsys.readouterr()
    assert message in said.err
    assert "CANARY" not in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_an_rpc_that_does_not_answer_is_one_line_and_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--rpc", closed_port()]) == Exit.SOURCE
    said = capsys.readouterr()
    assert "no connection" in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_the_help_says_what_an_audit_ends_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--help"]) == Exit.OK
    assert "exits 4" in " ".join(capsys.readouterr().out.split())
