"""What --risk is asked for: options that mean nothing without it, times, models, files that could not be written."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watcher.__main__ import main
from watcher.cli.risk.wish import Told, time
from watcher.config.risk import DAY, HOUR, Risk
from watcher.errors import UsageError

NOBODY = "0x" + "ab" * 20
PLAIN = Told(True, None, None, None, None, None, None, None)


@pytest.mark.parametrize(
    "option",
    [
        ("--db", "w.db"),
        ("--no-sync",),
        ("--reaction", "2h"),
        ("--model", "gbm"),
        ("--scenarios", "2000"),
        ("--seed", "0"),
        ("--depth", "depth.csv"),
        ("--parquet", "risk.parquet"),
        ("--plot", "risk.png"),
    ],
)
def test_options_of_risk_are_refused_without_it(option: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", NOBODY, *option]) == 2
    assert f"{option[0]}: only with --risk" in capsys.readouterr().err


def test_csv_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", NOBODY, "--risk", "--format", "csv"]) == 2
    said = capsys.readouterr().err
    assert "--format json" in said
    assert "--parquet FILE" in said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--model", "garch"), "one of fhs, t, gbm"),
        (("--reaction", "soon"), "write a time, as 2h or 1d"),
        (("--reaction", "0h"), "write a time"),
        (("--reaction", "366d"), "a year at most"),
        (("--parquet", "risk.csv"), "risk.parquet"),
        (("--parquet", "none/risk.parquet"), "there is no folder"),
        (("--plot", "risk.bmp"), "risk.bmp"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anybody_is_asked(
    option: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["account", NOBODY, "--risk", *option]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("scenarios", ["999", "1000001"])
def test_too_few_scenarios_and_too_many_are_no_simulation(scenarios: str) -> None:
    assert main(["account", NOBODY, "--risk", "--scenarios", scenarios]) == 2


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5_400), ("2h", 2 * HOUR), (" 1d ", DAY), ("365d", 365 * DAY)])
def test_times(text: str, seconds: int) -> None:
    assert time(text) == seconds


def test_what_is_typed_stands_in_place_of_what_the_file_says() -> None:
    settings = Risk(reaction=HOUR, scenarios=5_000, seed=3, model="t")
    assert PLAIN.over(settings) == settings
    typed: dict[str, Any] = {"reaction": "1d", "model": "gbm", "scenarios": 2_000, "seed": 0}
    assert replace(PLAIN, **typed).over(settings) == Risk(reaction=DAY, scenarios=2_000, seed=0, model="gbm")


def test_nothing_typed_is_nothing_to_refuse() -> None:
    PLAIN.refuse(None)
    with pytest.raises(UsageError, match="--db, --seed: only with --risk"):
        replace(PLAIN, seed=0).refuse("w.db")


def test_nothing_that_risk_is_computed_with_brings_what_is_slow_to_load() -> None:
    code = "import sys, watcher.cli.risk.report, watcher.cli.backtest.look; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "scipy.special" in loaded
    assert not {"scipy.stats", "scipy.signal", "scipy.optimize", "matplotlib"} & set(loaded)
