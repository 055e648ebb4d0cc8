"""The band of a position in `watcher account`: the default ones, those of a watcher.toml, and what --fail-at makes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.chain.server import closed_port, honest, serve
from tests.cli.test_wallets import chains_file, positions, statuses
from tests.lending import COLLATERAL, LOAN, OWNER, Lending
from watcher.__main__ import main
from watcher.errors import Overflow
from watcher.exit import Exit

ONE = 10**18
GROUP = f'[[chains.near.groups]]\nname = "eth"\ntokens = {{ LOAN = "{LOAN}", COLL = "{COLLATERAL}" }}\n'
TIGHT = "watch = 1.7\nwarn = 1.65\ndanger = 1.5\ncritical = 1.3\n"


@pytest.fixture(autouse=True)
def no_endpoints_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ETH_RPC_URL", "WATCHER_CONFIG", "WATCHER_DB"):
        monkeypatch.delenv(name, raising=False)


def account(
    folder: Path,
    *arguments: str,
    debt: int = 50 * ONE,
    price: int | None = 10**36,
    group: bool = False,
    config: str | None = None,
    down: bool = False,
) -> int:
    """`watcher account` for whoever has 100 of collateral that counts for 80, against `debt`; `price` is one in the other's raw units."""
    lending = Lending()
    lending.pool("eth", debt=debt, price=price)

    async def run() -> int:
        async with serve(lending.node(chain_id=7), gate=honest) as server:
            others = [("far", 8, [closed_port()])] if down else []
            file = chains_file(folder, ("near", 7, [server.url]), *others)
            file.write_text(file.read_text() + (GROUP if group else ""))
            words = [OWNER, "--chains", str(file), *arguments]
            if config is not None:
                named = folder / "watcher.toml"
                named.write_text(config)
                words += ["--config", str(named)]
            return await asyncio.to_thread(main, ["account", *words])

    return asyncio.run(run())


def status(capsys: pytest.CaptureFixture[str]) -> str:
    (record,) = positions(json.loads(capsys.readouterr().out))
    return str(record["status"])


JSON = ("--format", "json", "--quiet")

# What is owed against a weighted collateral of 80 → the band of health 80/debt.
VOLATILE = {50: "safe", 60: "watch", 70: "warn", 75: "danger", 79: "critical", 81: "liquidatable", 0: "no_debt"}
CORRELATED = {60: "safe", 75: "safe", 77: "watch", 78: "warn", 79: "danger", 81: "liquidatable"}


@pytest.mark.parametrize(("debt", "band"), VOLATILE.items())
def test_the_status_is_the_band_in_every_format(debt: int, band: str, tmp_path: Path, capsys: Any) -> None:
    assert account(tmp_path, *JSON, debt=debt * ONE) == Exit.OK
    assert status(capsys) == band
    account(tmp_path, "--format", "csv", "--quiet", debt=debt * ONE)
    assert statuses(capsys.readouterr().out) == {band}
    account(tmp_path, "--quiet", debt=debt * ONE)
    assert {"no_debt": "no debt", "liquidatable": "LIQUIDATABLE"}.get(band, f"  {band}  ") in capsys.readouterr().out


@pytest.mark.parametrize(("debt", "band"), CORRELATED.items())
def test_a_loop_inside_one_group_has_the_bands_of_the_correlated(
    debt: int, band: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(tmp_path, *JSON, debt=debt * ONE, group=True) == Exit.OK
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert record["status"] == band
    assert record["bands"] == {"watch": "1.05", "warn": "1.03", "danger": "1.02", "critical": "1.01"}
    assert record["runway"]["present_s"] == ("0" if band == "liquidatable" else None)


def test_the_clock_of_a_loop_stands_beside_its_health(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    account(tmp_path, "--quiet", group=True)
    shown = " ".join(capsys.readouterr().out.split())
    assert "health 1 by interest alone: not within a century at the present rates; at full utilisation" in shown
    account(tmp_path, "--quiet")
    assert "by interest alone" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("debt", "band", "code"),
    [
        (70, "watch", 10),
        (70, "warn", 10),
        (70, "danger", 0),
        (79, "liquidatable", 0),
        (81, "liquidatable", 10),
        (0, "watch", 0),
    ],
)
def test_fail_at_ends_with_10_at_that_band_or_a_worse_one(
    debt: int, band: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(tmp_path, *JSON, "--fail-at", band, debt=debt * ONE) == code
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert record["at_band"] is (code == Exit.AT_RISK)


def test_fail_at_goes_by_the_bands_of_the_positions_own_set(tmp_path: Path) -> None:
    assert account(tmp_path, "--fail-at", "danger", debt=75 * ONE) == Exit.AT_RISK
    assert account(tmp_path, "--fail-at", "danger", debt=75 * ONE, group=True) == Exit.OK


def test_fail_at_and_fail_below_hold_beside_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (*JSON, "--fail-at", "warn", "--fail-below")
    assert account(tmp_path, *asked, "2") == Exit.AT_RISK
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["below_limit"], record["at_band"]) == (True, False)
    assert account(tmp_path, *asked, "1.1", debt=70 * ONE) == Exit.AT_RISK
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["below_limit"], record["at_band"]) == (False, True)
    assert account(tmp_path, *asked, "1.1") == Exit.OK


def test_a_band_outranks_a_chain_that_is_down(tmp_path: Path) -> None:
    assert account(tmp_path, "--fail-at", "warn", debt=70 * ONE, down=True) == Exit.AT_RISK
    assert account(tmp_path, "--fail-at", "danger", debt=70 * ONE, down=True) == Exit.SOURCE


def test_what_is_unknown_is_neither_safe_nor_at_a_band(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, *JSON, "--fail-at", "watch", price=None) == Exit.SOURCE
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["status"], record["at_band"], "bands" in record) == ("unknown", None, False)
    account(tmp_path, "--quiet", price=None)
    shown = capsys.readouterr().out
    assert "UNKNOWN" in shown
    assert "safe" not in shown


def test_a_position_whose_clock_cannot_be_told_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overflows(*_: object) -> None:
        raise Overflow("overflow of a 256-bit integer")

    monkeypatch.setattr("watcher.health.judge.runway", overflows)
    assert account(tmp_path, *JSON, "--fail-at", "watch", group=True) == Exit.SOURCE
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["status"], record["reason"]) == ("unknown", "overflow of a 256-bit integer")
    assert "health" not in record


def test_the_bands_of_a_watcher_toml_hold_where_it_is_named_and_only_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = f'[[wallets]]\naddress = "{OWNER}"\n[bands.volatile]\n{TIGHT}'
    assert account(tmp_path, *JSON, "--fail-at", "warn", config=config) == Exit.AT_RISK
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["status"], record["bands"]["danger"]) == ("warn", "1.5")
    assert account(tmp_path, *JSON, "--fail-at", "warn") == Exit.OK  # the same file lies in the same folder
    assert status(capsys) == "safe"


@pytest.mark.parametrize(("whose", "band"), [(OWNER, "warn"), ("0x" + "11" * 20, "safe")])
def test_a_wallets_own_bands_are_for_that_wallet(
    whose: str, band: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f'[[wallets]]\naddress = "{whose}"\nlabel = "mine"\n[[bands.for]]\nwallet = "mine"\n{TIGHT}'
    account(tmp_path, *JSON, config=own)
    assert status(capsys) == band


def test_a_name_without_bands_of_its_own_is_not_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = f'[[wallets]]\naddress = "somebody.eth"\n[bands.volatile]\n{TIGHT}'
    assert account(tmp_path, *JSON, config=config) == Exit.OK
    assert status(capsys) == "warn"


def test_a_mistake_in_the_named_file_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, *JSON, config=f'[[wallets]]\naddress = "{OWNER}"\n[bandz]\n') == Exit.CONFIG
    assert "bands" in capsys.readouterr().err


LIMIT = '[bands]\n[[bands.measures]]\nmeasure = "ltv"\nwallet = "mine"\nwarn = 0.4\n'
CHANCE = '[[bands.measures]]\nmeasure = "chance_1d"\ncritical = "1%"\n'


def test_a_figure_of_margin_may_make_the_status_and_is_named_on_the_card(tmp_path: Path, capsys: Any) -> None:
    file = f'db = "none.db"\n[[wallets]]\naddress = "{OWNER}"\nlabel = "mine"\n{LIMIT}{CHANCE}'
    account(tmp_path, *JSON, config=file)
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["status"], record["limit"]) == ("warn", "ltv is 50.00 %, warn above 40.00 %")
    account(tmp_path, "--quiet", config=file)
    text = capsys.readouterr().out
    assert "ltv is 50.00 %, warn above 40.00 %" in text
    assert "doubt (not told): chance_1d is not told: no appraisal of it is known" in text
    account(tmp_path, *JSON)
    (record,) = positions(json.loads(capsys.readouterr().out))
    assert (record["status"], record["limit"]) == ("safe", None)
