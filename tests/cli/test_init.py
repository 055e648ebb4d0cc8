"""`watcher init`: from nothing to a checked watcher.toml, by answers or by flags; it overwrites nothing and writes down no secret."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chain.evm import Evm
from tests.chain.naming import Name, contracts
from tests.chain.server import Scripted, closed_port, serve
from tests.cli.test_wallets import chains_file
from tests.lending import OWNER, Lending
from watcher.__main__ import main
from watcher.config.draft import Draft
from watcher.config.read_watch import load_watch, parse_watch
from watcher.config.secret import put_away
from watcher.data import root
from watcher.exit import Exit
from watcher.health.bands import CORRELATED, VOLATILE

TWO = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
CANARY = "c4n4ry-s3cret"
CHANNEL = f"ntfys://{CANARY}"
LENDING = Lending()
LENDING.pool("eth")


class Terminal(io.StringIO):
    """Somebody who types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_endpoints_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETH_RPC_URL", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "home" / "watcher.toml"


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{line}\n" for line in lines)))


def init(target: Path, *arguments: str) -> int:
    return main(["init", "--config", str(target), *arguments])


def init_at(node: Scripted, target: Path, *arguments: str, path: str = "/") -> int:
    """`watcher init` with a chains file of one chain, which this node serves; URL in the arguments is the node's."""

    async def run() -> int:
        async with serve(node, path=path) as server:
            file = chains_file(
                target.parent.parent, ("mine", node.chain_id, [] if "URL" in arguments else [server.url])
            )
            words = [server.url if word == "URL" else word for word in arguments]
            return await asyncio.to_thread(init, target, "--chains", str(file), *words)

    return asyncio.run(run())


def test_flags_make_a_file_that_is_checked(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = LENDING.node(chain_id=7)
    path = f"/v3/{CANARY}"
    init_at(
        node,
        target,
        "--address",
        OWNER,
        "--address",
        TWO.lower(),
        "--rpc",
        "URL",
        "--channel",
        CHANNEL,
        "-vv",
        path=path,
    )
    watch = load_watch(target, {})
    assert [account.address for account in watch.accounts] == [OWNER, TWO]
    assert [chain.name for chain in watch.config.chains] == ["mine"]
    assert [(channel.name, channel.url) for channel in watch.channels] == [("alerts", CHANNEL)]
    assert watch.config.chains[0].endpoints[0].url.endswith(path)
    assert (watch.console, watch.volatile, watch.correlated) == (True, VOLATILE, CORRELATED)
    said = capsys.readouterr()
    assert f"wrote {target}" in said.err
    assert "findings: " in said.err  # watcher check had its say
    assert CANARY not in said.out + said.err


def test_f53_secrets_are_in_files_that_only_their_owner_reads(target: Path) -> None:
    node = LENDING.node(chain_id=7)
    init_at(node, target, "--address", OWNER, "--rpc", "URL", "--channel", CHANNEL, "--no-check", path=f"/{CANARY}")
    assert CANARY not in target.read_text()
    kept = sorted((target.parent / "secrets").iterdir())
    assert [path.name for path in kept] == ["alerts", "rpc-mine"]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]
    assert (target.parent / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_secret_that_is_kept_already_is_found_again_and_another_gets_a_number(tmp_path: Path) -> None:
    assert put_away("one", tmp_path, "alerts") == "file:secrets/alerts"
    assert put_away("two", tmp_path, "alerts") == "file:secrets/alerts-2"
    assert put_away("one", tmp_path, "alerts") == "file:secrets/alerts"
    assert (tmp_path / "secrets" / "alerts-2").read_text() == "two\n"
    (tmp_path / "plain").touch()
    with pytest.raises(ValueError, match="cannot be written"):
        put_away("one", tmp_path / "plain", "alerts")


def test_references_are_written_as_they_are(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_CHANNEL", CHANNEL)
    assert init(target, "--address", OWNER, "--channel", "env:MY_CHANNEL", "--no-check") == Exit.OK
    assert 'url = "env:MY_CHANNEL"' in target.read_text()
    assert not (target.parent / "secrets").exists()


def test_answers_make_the_same_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert init(target, "--address", OWNER, "--address", TWO, "--no-check") == Exit.OK
    by_flags = target.read_text()
    typed(monkeypatch, "y", "", f"{OWNER} {TWO}", "")
    assert init(target, "--no-check") == Exit.OK
    assert target.read_text() == by_flags


def test_an_answer_that_cannot_be_used_is_asked_for_again(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = TWO[:-1] + "B"
    typed(monkeypatch, "http://node.example", "", "", wrong, TWO, "carrier pigeon", "pigeon://x", CHANNEL)
    assert init(target, "--no-check") == Exit.OK
    watch = load_watch(target, {})
    assert ([one.address for one in watch.accounts], watch.channels[0].url) == ([TWO], CHANNEL)
    said = capsys.readouterr().err
    assert "plain http is only for this machine" in said
    assert "name at least one address or ENS name" in said
    assert "wrong EIP-55 checksum" in said
    assert "one channel, please" in said
    assert "pigeon:// is not among them" in said


def test_somebody_at_a_real_terminal_is_asked(target: Path) -> None:
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name != "ETH_RPC_URL"}
    line = [sys.executable, "-m", "watcher", "init", "--config", str(target), "--no-check"]
    with subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=root()) as process:
        os.close(theirs)
        os.write(ours, f"\n{OWNER}\n\n".encode())
        said = b""
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:
            pass  # Linux says so where the other side is closed
        os.close(ours)
    assert process.returncode == 0
    assert b"Whose positions" in said
    assert load_watch(target, {}).accounts[0].address == OWNER


def test_a_name_is_written_with_the_address_that_it_means(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = LENDING.node(chain_id=1)
    assert isinstance(node.call, Evm)
    node.call.contracts.update(contracts({"loop.eth": Name(OWNER)}))
    assert init_at(node, target, "--address", "loop.eth", "--address", OWNER, "--no-check") == Exit.OK
    assert f'address = "loop.eth" # {OWNER}' in target.read_text()
    assert f"loop.eth is {OWNER}" in capsys.readouterr().err
    assert load_watch(target, {}).names == ("loop.eth",)
    target.unlink()
    assert init_at(node, target, "--address", "none.eth", "--no-check") == Exit.USAGE
    assert not target.exists()


@pytest.mark.parametrize("answer", [None, "n", ""])
def test_a_file_that_is_there_stays_unless_somebody_says_so(
    answer: str | None, target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target.parent.mkdir()
    target.write_text("mine")
    if answer is not None:
        typed(monkeypatch, answer)
    assert init(target, "--address", OWNER, "--no-check") == Exit.USAGE
    assert target.read_text() == "mine"
    assert "exists and was left as it is; name another with --config, or use --force" in capsys.readouterr().err
    assert init(target, "--address", OWNER, "--no-check", "--force") == Exit.OK
    assert OWNER in target.read_text()


def test_nobody_to_ask_is_said_and_nothing_is_written(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(target) == Exit.USAGE
    assert "name whom to watch with --address" in capsys.readouterr().err
    assert not target.parent.exists()


def test_leaving_in_the_middle_writes_nothing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    assert init(target) == Exit.INTERRUPTED
    assert not target.exists()


def test_an_endpoint_that_does_not_answer_ends_it(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(target, "--address", OWNER, "--rpc", closed_port()) == Exit.SOURCE
    assert "it was named by --rpc: correct it, or leave it out" in capsys.readouterr().err
    assert not target.exists()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home").write_text("a file")
    assert init(tmp_path / "home" / "watcher.toml", "--address", OWNER, "--no-check") == Exit.CONFIG
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("full", [True, False])
def test_every_line_that_is_commented_out_is_right_as_it_stands(full: bool, tmp_path: Path) -> None:
    draft = Draft({OWNER: OWNER, "loop.eth": OWNER})
    if full:
        own = {"ethereum": ("https://node.example",), "base": ("env:BASE", "http://127.0.0.1:1")}
        draft = Draft({OWNER: OWNER}, own, {"alerts": "env:ALERTS"}, root() / "chains.toml")
    (tmp_path / "chains.toml").write_bytes((root() / "chains.toml").read_bytes())
    text = re.sub("^# ", "", draft.written(), flags=re.MULTILINE)
    environ = dict.fromkeys(["WATCHER_DEAD_MAN", "WATCHER_ETHEREUM", "BASE"], "https://node.example/key") | {
        "WATCHER_PHONE": CHANNEL,
        "ALERTS": CHANNEL,
    }
    watch = parse_watch(text, tmp_path / "watcher.toml", environ)
    assert watch.accounts[0].label == "wallet 1"
    assert watch.overrides[0].wallet == "wallet 1"
    assert watch.every[1] == 60
    assert (watch.keep.readings, watch.db) == (90 * 86_400, tmp_path / "watcher.db")
    assert watch.dead_man is not None
    assert len(watch.channels) == 1
