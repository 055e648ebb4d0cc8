"""The way from a command line to an exit code: one clean line for what was raised on purpose, a traceback for a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from watcher import __main__ as program
from watcher.errors import (
    AnswerError,
    CallReverted,
    ConfigError,
    Lying,
    MissingPrice,
    RateLimited,
    StaleHead,
    UsageError,
    WatcherError,
)
from watcher.exit import Exit


def raising(error: BaseException) -> object:
    def command() -> None:
        raise error

    return SimpleNamespace(command=command)


def run_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("watcher.cli.verb.import_module", lambda _: raising(error))
    return program.main(["demo"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such thing; name another"), 2),
        (ConfigError("chains.toml:3: x: unknown key"), 3),
        (RateLimited("node", "too many requests", 3.0), 4),
        (Lying("node", "its chain id is 5"), 4),
        (StaleHead("the newest block is 900 s old"), 4),
        (CallReverted("pool.getReserveData"), 4),
        (AnswerError("31 bytes where 32 are expected"), 4),
        (MissingPrice("0x00", "the answer is zero"), 4),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, WatcherError) else None,
)
def test_an_error_raised_on_purpose_is_one_line_and_a_code(
    error: WatcherError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(error, monkeypatch) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"watcher: {error}\n"


def test_f36_a_message_with_terminal_commands_in_it_is_printed_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(AnswerError("symbol \x1b]0;owned\x07EVIL\x1b[2J\nsecond line \u202egnp"), monkeypatch)
    assert capsys.readouterr().err == "watcher: symbol EVIL second line gnp\n"


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(KeyboardInterrupt(), monkeypatch) == Exit.INTERRUPTED
    assert capsys.readouterr().err == "watcher: interrupted\n"


def test_a_bug_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError, match="ours"):
        run_with(KeyError("ours"), monkeypatch)


def test_a_verb_may_end_with_a_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.cli.verb.import_module", lambda _: SimpleNamespace(command=lambda: Exit.AT_RISK))
    assert program.main(["account"]) == 10


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["markts"], "no verb 'markts'; did you mean markets?"),
        (["xyz"], "no verb 'xyz'; one of: account, markets, check, init"),
        (["--chain", "base"], "a verb is missing; one of: account, markets, check, init"),
        (["markets", "--colour"], "markets: No such option: --colour; see watcher markets --help"),
        (["markets", "--format", "xml"], "markets: Invalid value for '--format': 'xml' is not one of 'table', 'json'"),
        (["markets", "--block", "5 days"], "is no block number, date (2026-11-22T10:00) or age (2h)"),
        (["markets", "--block", "5"], "--block has no meaning here"),
        (["markets", "--chain", "etherum"], "no chain 'etherum' is configured; did you mean 'ethereum'?"),
        (["markets", "ethereum/aave-v3/cor"], "did you mean 'ethereum/aave-v3/core'?"),
    ],
)
def test_what_the_command_line_gets_wrong_is_said_in_one_line(
    line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(line) == Exit.USAGE
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_f59_an_account_with_a_bad_checksum_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["account", "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4e2"]) == Exit.USAGE
    said = capsys.readouterr()
    assert "wrong EIP-55 checksum" in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_global_options_may_stand_before_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--chain", "base", "--format=csv", "-v", "markets"]) == Exit.OK
    before = capsys.readouterr().out
    assert program.main(["markets", "--chain", "base", "--format=csv"]) == Exit.OK
    assert capsys.readouterr().out == before


def test_f58_an_unreadable_configuration_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[chains.base]\nid = 8453\nblok_time = 2\n")
    assert program.main(["markets", "--chains", str(file)]) == Exit.CONFIG
    assert f"{file}:3: chains.base.blok_time: unknown key; did you mean 'block_time'?" in capsys.readouterr().err


@pytest.mark.parametrize("letters", ["ascii", "latin-1"])
def test_f70_what_the_terminals_letters_cannot_write_is_replaced(letters: str) -> None:
    code = "import sys; from watcher.__main__ import main; main(['--version']); print('safe → watch █ 1.5')"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": letters}
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.splitlines()[1] == b"safe ? watch ? 1.5"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    watcher = f"{sys.executable} -m watcher markets --format jsonl --quiet"
    run = subprocess.run(["bash", "-c", f"set -o pipefail; {watcher} | head -1"], capture_output=True, text=True)
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)


def test_f53_a_url_in_the_place_of_a_verb_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["https://host/SECRETKEY", "0x"],
        ["--rpc", "https://host/SECRETKEY", "acount"],
        ["--rpc=https://host/SECRETKEY"],
    ):
        assert program.main(arguments) == Exit.USAGE
        said = capsys.readouterr()
        assert "SECRETKEY" not in said.out + said.err
