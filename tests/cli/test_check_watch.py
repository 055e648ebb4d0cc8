"""`watcher check --config` as a command: the chains of a watcher.toml, its names, its store, its channels."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.hook import Hook, hook
from tests.chain.server import closed_port
from tests.check.node import Sound, served
from tests.cli.test_check import CHAINS, write
from tests.cli.test_db import filled
from watcher.__main__ import main
from watcher.check import Result
from watcher.cli.check_watch import room
from watcher.exit import Exit
from watcher.store.open import open_store

OWNER = "0x" + "11" * 20
CANARY = "CANARY0123456789"
WALLET = f'db = "watcher.db"\n[[wallets]]\naddress = "{OWNER}"\n'
Row = dict[str, Any]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ETH_RPC_URL", "WATCHER_CONFIG", "WATCHER_DB"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "watcher.toml"


def run(file: Path, text: str, *line: str, node: Sound | None = None, wallet: str = WALLET) -> int:
    """The exit code of `watcher check --config` on a sound chain of its own, and on one that nobody serves and the file does not name."""

    async def story() -> int:
        async with served(node or Sound()) as server:
            other = f'[chains.other]\nid = 2\nblock_time = 1\nfinality = 1\nstale_head = 9\nrpc = [{{ url = "{closed_port()}" }}]\n'
            write(file.with_name("chains.toml"), f'{CHAINS}rpc = [{{ url = "{server.url}" }}]\n{other}')
            write(file, f'chains_file = "chains.toml"\n{wallet}[chains.test]\n{text}')
            words = line if "--send" in line else (*line, "--config", str(file))
            return await asyncio.to_thread(main, ["check", *words])

    return asyncio.run(story())


def said(capsys: pytest.CaptureFixture[str]) -> list[Row]:
    out, err = capsys.readouterr()
    assert CANARY not in out + err
    found: list[Row] = json.loads(out)
    return found


def about(rows: list[Row], what: str) -> list[tuple[str, str]]:
    return [(row["result"], row["detail"]) for row in rows if row["about"] == what]


SILENT = "[channels]\nconsole = false\n"
JSON = ("--format", "json", "--quiet")


def channel(name: str = "hook", private: bool = True) -> str:
    """A channel to a server on this machine, its URL in a file beside the configuration."""
    return f'[channels.{name}]\nurl = "file:{name}.url"\nallow_private = {str(private).lower()}\n'


def secret(file: Path, told: Hook, name: str = "hook") -> None:
    place = file.with_name(f"{name}.url")
    place.write_text(f"json://127.0.0.1:{told.port}/{CANARY}")
    place.chmod(0o600)


def test_the_files_own_chains_are_checked_and_no_other(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "", *JSON) == Exit.OK
    assert {row["chain"] for row in said(capsys)} == {"test", None}


def test_a_chain_of_the_file_that_fails_ends_with_4(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "", *JSON, node=Sound(chain_id=5)) == Exit.SOURCE
    assert "fail" in {row["result"] for row in said(capsys) if row["chain"] == "test"}


def test_a_store_that_is_not_there_yet_is_no_failure_and_is_not_made(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, "", *JSON) == Exit.OK
    (row,) = [row for row in said(capsys) if row["about"] == "store"]
    assert (row["result"], row["detail"]) == ("warn", f"there is none at {file.with_name('watcher.db')} yet")
    assert "watcher run" in row["advice"]
    assert not file.with_name("watcher.db").exists()


def test_the_growth_of_a_month_is_the_stores_size_at_the_pace_of_its_history(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file.with_name("watcher.db")
    scene = filled(path)
    with open_store(path) as store, store.read() as connection:
        first, last = connection.exec_driver_sql("SELECT min(time), max(time) FROM cycle").one()
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
        )
    assert scene and run(file, "", *JSON) == Exit.OK
    (row,) = [row for row in said(capsys) if row["about"] == "store"]
    assert row["result"] == "ok"
    assert "a month adds" in row["detail"]
    assert int(row["facts"]["month_bytes"]) == pages * size * 30 * 86_400 // (last - first)


def test_a_store_whose_month_does_not_fit_on_its_disk_is_a_warning() -> None:
    full = room(5 * 10**6, 200 * 10**6, 100 * 10**6)
    assert full.result is Result.WARN
    assert full.detail == "5 MB now, a month adds 200 MB at the pace so far; 100 MB are free"
    assert room(5 * 10**6, 200 * 10**6, 200 * 10**6).result is Result.OK
    assert room(1, None, 0).detail == "1 MB now; too little history to tell what a month adds"


def test_the_store_may_be_named_as_it_is_for_watcher_run(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(file.with_name("other.db"))
    assert run(file, "", "--db", str(file.with_name("other.db")), *JSON) == Exit.OK
    (row,) = [row for row in said(capsys) if row["about"] == "store"]
    assert (row["subject"], row["result"]) == ("other.db", "ok")


def test_what_is_no_store_ends_with_5(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.with_name("watcher.db").write_text("something else entirely")
    assert run(file, "", *JSON) == Exit.STORAGE
    ((result, _),) = about(said(capsys), "store")
    assert result == "fail"


def test_without_send_nothing_is_sent(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hook() as told:
        secret(file, told)
        assert run(file, channel(), *JSON) == Exit.OK
    assert told.bodies == []
    assert about(said(capsys), "channel") == [("ok", "is named; --send would try it")] * 2  # the console is one


def test_send_sends_one_message_to_each_channel_and_keeps_stdout_for_the_findings(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hook() as one, hook() as two:
        secret(file, one)
        secret(file, two, "other")
        code = run(file, channel() + channel("other"), "--send", "--config", str(file), *JSON)
    assert code == Exit.OK
    assert [len(told.bodies) for told in (one, two)] == [1, 1]
    assert "Nothing has happened" in str(one.bodies)
    out, err = capsys.readouterr()
    assert about(json.loads(out), "channel") == [("ok", "took a test message")] * 3
    assert "Nothing has happened" in err  # the console's


def test_send_alone_finds_the_file_as_watcher_run_does(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATCHER_CONFIG", str(file))
    assert run(file, "", "--send", *JSON) == Exit.OK
    assert about(json.loads(capsys.readouterr().out), "channel") == [("ok", "took a test message")]


def test_a_channel_that_fails_ends_with_4_and_the_others_still_get_theirs(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hook(status=500) as down, hook() as up:
        secret(file, down)
        secret(file, up, "other")
        code = run(file, SILENT + channel() + channel("other"), "--send", "--config", str(file), *JSON)
    assert code == Exit.SOURCE
    assert len(up.bodies) == 1
    rows = {row["subject"]: row for row in said(capsys) if row["about"] == "channel"}
    assert {name: row["result"] for name, row in rows.items()} == {"hook": "fail", "other": "ok"}


def test_a_channel_to_a_private_network_is_refused_unless_allowed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hook() as told:
        secret(file, told)
        assert run(file, SILENT + channel(private=False), "--send", "--config", str(file), *JSON) == Exit.SOURCE
    assert told.bodies == []
    ((result, _),) = about(said(capsys), "channel")
    assert result == "fail"


def test_a_service_that_is_not_allowed_is_named_without_its_url(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.with_name("odd.url").write_text(f"syslog://{CANARY}")
    file.with_name("odd.url").chmod(0o600)
    assert run(file, '[channels.odd]\nurl = "file:odd.url"\n', *JSON) == Exit.SOURCE
    rows = [row for row in said(capsys) if row["subject"] == "odd"]
    assert [row["result"] for row in rows] == ["fail"]
    assert "syslog:// is not among them" in rows[0]["detail"]


def test_nobody_to_hear_of_anything_is_a_failure(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, SILENT, *JSON) == Exit.SOURCE
    ((result, detail),) = about(said(capsys), "channel")
    assert (result, "nobody would hear" in detail) == ("fail", True)


def test_a_name_that_is_none_is_a_failure_of_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wallet = 'db = "watcher.db"\n[[wallets]]\naddress = "a..eth"\n'
    assert run(file, "", *JSON, wallet=wallet) == Exit.SOURCE
    ((result, detail),) = about(said(capsys), "wallet")
    assert (result, "a..eth" in detail) == ("fail", True)


def test_the_table_has_a_blank_where_there_is_no_chain(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "", "--quiet") == Exit.OK
    shown = capsys.readouterr().out
    assert "None" not in shown
    assert "console" in shown
