"""`watcher scan` and `watcher curve` without a chain: what makes no sense is said before anything is asked, and failures are loud."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from tests.chain.server import closed_port
from watcher.__main__ import main
from watcher.cli.curve import steps
from watcher.cli.scan.sheet import audit, deposits
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.following.proof import Audit
from watcher.health.audit import Mismatch
from watcher.model import PositionKey
from watcher.survey.coverage import Column, Coverage

MARKET = "ethereum/aave-v3/core"
KEY = PositionKey(MARKET, bytes(20))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (("scan", MARKET, "--watch", "--format", "json"), "--watch goes on for ever"),
        (("scan", MARKET, "--below", "low"), "is not a number"),
        (("scan", MARKET, "--below", "1.2", "--liquidatable"), "leave one of them out"),
        (("scan", MARKET, "--min-debt", "-5"), "is not a number above zero"),
        (("scan", MARKET, "--top", "0"), "--top"),
        (("scan", MARKET, "--sort", "luck"), "--sort"),
        (("scan", MARKET, "--sort", "chance"), "only with --risk"),
        (("scan", MARKET, "--seed", "3", "--horizon", "7d"), "--horizon, --seed: only with --risk"),
        (("scan", MARKET, "--risk", "--sort", "debt"), "it is loss or chance"),
        (("scan", MARKET, "--risk", "--below", "1.2"), "leave it out of --risk"),
        (("scan", MARKET, "--risk", "--watch"), "leave it out of --risk"),
        (("scan", MARKET, "--risk", "--horizon", "soon"), "write hours or days"),
        (("scan", MARKET, "--risk", "--horizon", "91d"), "90d at most"),
        (("scan", MARKET, "--risk", "--model", "luck"), "one of fhs, t, gbm"),
        (("scan", MARKET, "--risk", "--parquet", "all.csv"), "named so"),
        (("curve", MARKET, "--to", "sixty"), "write it in per cent"),
        (("curve", MARKET, "--plot", "curve.png", "--format", "json"), "leave --format out"),
        (("market", MARKET, "--book", "--block", "5"), "about the present"),
        (("market", MARKET, "--book", "--changes"), "about the present"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_asked(
    line: tuple[str, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(line)) == Exit.USAGE
    assert word in capsys.readouterr().err


def test_a_fall_is_read_in_per_cent_to_the_millionth() -> None:
    assert [steps("--to", text) for text in ("-60%", "60%", "−0.0001%", "99.9999%")] == [600_000, 600_000, 1, 999_999]
    for text in ("0%", "100%", "60", "-0.00001%"):
        with pytest.raises(UsageError):
            steps("--to", text)


def test_an_audit_that_fails_or_was_not_made_is_never_shown_as_one_that_agrees() -> None:
    assert audit(Audit(7, {})) == "audit: 7 positions are what the contract says"
    assert audit(Audit(0, {}, failure="no answer")) == "AUDIT NOT MADE: no answer"
    differs = audit(Audit(7, {KEY: (Mismatch("debt", 5, 6),)}, silent=(KEY,)))
    assert differs.startswith("AUDIT FAILS: 1 of 7 positions differ. 1 have no answer.")
    assert "debt: the contract says 6, we compute 5" in differs
    assert not Audit(7, {}, silent=(KEY,)).clean


def test_the_books_share_of_the_deposits_is_told_and_is_no_check() -> None:
    pool = to_checksum_address("0x" + "11" * 20)
    some = Coverage((), (Column(pool, 1, 8), Column(pool, 3, 4), Column(pool, 0, 0)))
    assert deposits(some) == [
        "deposits: the book's accounts hold 12.50 % to 75.00 % of all that is supplied of each of 2 assets"
    ]
    assert some.exact
    assert deposits(Coverage((), ())) == []


@pytest.mark.parametrize(
    "line",
    [
        ("scan",),
        ("curve",),
        ("export", "liquidations", "--since", "1d", "-o", "-", "--format", "csv"),
        ("market",),
        ("liquidations", "--since", "1d"),
    ],
)
def test_the_chains_and_endpoints_of_a_watcher_toml_are_those_that_are_asked(
    line: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = "id = 7\nblock_time = 1\nfinality = 1\nstale_head = 9\n"
    pool = '[[chains.own.aave_v3]]\nname = "pool"\npool = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"\nstart = 1\n'
    (tmp_path / "chains.toml").write_text(f"[chains.own]\n{chain}{pool}")
    file = tmp_path / "watcher.toml"
    file.write_text(
        f'chains_file = "chains.toml"\ndb = "own.db"\n[[follow]]\nmarket = "own/aave-v3/pool"\n[chains.own]\nrpc = ["{closed_port()}"]\n'
    )
    verb, *rest = line
    named = rest[:1] if verb == "export" else []
    words = [verb, *named, "own/aave-v3/pool", *rest[len(named) :], "--config", str(file)]
    assert main(words) == Exit.SOURCE
    assert "127.0.0.1" in capsys.readouterr().err
