"""`watcher backtest` on made-up prices whose law is known: who passes, who fails, and what cannot be judged."""

from __future__ import annotations

import csv
import io
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from watcher.__main__ import main
from watcher.risk.exposure import Floats

HOUR, DAY, WINDOW = 3_600, 86_400, 300
BEGAN = 1_699_999_200  # a full hour
HOLE = 40  # hours, between two prices of a file that count for 26


def law(seed: int, count: int) -> Floats:
    return 0.01 * np.random.default_rng(seed).standard_normal(count)


def written(path: Path, returns: Floats, times: list[int]) -> None:
    prices = 2000 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    rows = "".join(f"{time},{price:.10f}\n" for time, price in zip(times, prices.tolist(), strict=True))
    path.write_text("time,price\n" + rows)


def hours(count: int) -> list[int]:
    return [BEGAN + HOUR * place for place in range(count + 1)]


CALM = law(41, 900)  # a right model fails a test at 5 % now and then; not with this seed
WILD = np.concatenate([law(32, WINDOW), 2 * law(33, 200)])  # twice the volatility from the first forecast on
HOLED = law(34, 500)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with prices of several pairs."""
    folder = tmp_path_factory.mktemp("made")
    fallen = HOLED.copy()
    fallen[400] = -0.4  # what came in the hole
    late = [time + (HOLE - 1) * HOUR * (place > 400) for place, time in enumerate(hours(500))]
    for name, returns, times in (
        ("calm", CALM, hours(900)),
        ("wild", WILD, hours(500)),
        ("holed", fallen, late),
        ("still", np.zeros(500), hours(500)),
        ("short", law(36, WINDOW + 29), hours(WINDOW + 29)),
        ("daily", law(37, 400), [BEGAN + DAY * place for place in range(401)]),
    ):
        written(folder / f"{name}.csv", returns, times)
        line = [
            "prices",
            "sync",
            f"{name}/usd",
            "--from",
            str(folder / f"{name}.csv"),
            "--db",
            str(folder / "watcher.db"),
        ]
        assert main([*line, "--quiet"]) == 0
    return folder / "watcher.db"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the user's own is seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("WATCHER_CONFIG", "WATCHER_DB"):
        monkeypatch.delenv(name, raising=False)


def said(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["backtest", *line, "--window", str(WINDOW)]) == code
    return capsys.readouterr()


def told(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> list[dict[str, Any]]:
    return list(json.loads(said(capsys, *line, "--format", "json", code=code)[0]))


def rule(of: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in of["rules"] if one["rule"] == name)
    return dict(found)


def test_a_right_model_passes_and_counts_what_numpy_counts(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    (found,) = told(capsys, "calm/usd", "--db", str(db))
    normal = rule(found, "gbm")
    scales = np.array([CALM[now - WINDOW : now].std() for now in range(WINDOW, CALM.size)])
    struck = CALM[WINDOW:] < -stats.norm.ppf(0.99) * scales
    assert (normal["forecasts"], normal["exceptions"]) == ("600", str(struck.sum()))
    assert float(normal["expected"]) == pytest.approx(6)
    assert normal["failed"] == []
    assert (found["returns"], found["holes"], found["step"]) == ("900", "0", "3600")
    assert (found["first"], found["last"]) == ("2023-11-14T22:00:00Z", "2023-12-22T10:00:00Z")
    assert -0.6 < float(found["z2_critical"]) < -0.3


def test_twice_the_volatility_fails_and_says_so_beside_the_number(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    (found,) = told(capsys, "WILD/USD", "--db", str(db))
    for name in ("gbm", "historical"):
        assert {"Kupiec", "Acerbi–Szekely"} <= set(rule(found, name)["failed"])
    out, _ = said(capsys, "WILD/USD", "--db", str(db))
    (line,) = (line for line in out.splitlines() if line.startswith("gbm"))
    assert line.count("FAILS") == len(rule(found, "gbm")["failed"])
    assert "no power" in line
    assert "power: Kupiec " in out
    assert "ewma-fhs (default)" in out


def test_no_forecast_is_made_over_a_hole(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    (found,) = told(capsys, "holed/usd", "--db", str(db))
    # the last price stands for 26 hours; no return begins or ends in the 13 after them
    assert (found["returns"], found["holes"]) == (str(499 + 26), "14")
    assert found["rejected"] == {"gap": "1"}
    before = np.concatenate([HOLED[:400], np.zeros(26)])
    whole = np.concatenate([before, HOLED[401:]])
    scales = np.array([whole[now - WINDOW : now].std() for now in range(WINDOW, whole.size)])
    struck = whole[WINDOW:] < -stats.norm.ppf(0.99) * scales
    assert rule(found, "gbm")["exceptions"] == str(struck.sum())


def test_what_cannot_be_judged_says_why_and_the_others_are_judged(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    rows = told(capsys, "--db", str(db), code=4)
    assert [one["pair"] for one in rows if one["kind"] == "backtest"] == ["CALM/USD", "HOLED/USD", "WILD/USD"]
    refused = {one["what"]: one for one in rows if one["kind"] == "refused"}
    assert "329 returns" in refused["SHORT/USD"]["reason"]
    assert "need 330" in refused["SHORT/USD"]["reason"]
    assert "watcher prices sync SHORT/USD --since 2023-11-0" in refused["SHORT/USD"]["command"]
    assert "200 of 200 forecasts name no loss" in refused["STILL/USD"]["reason"]
    assert "a price comes every 24.0 h" in refused["DAILY/USD"]["reason"]
    assert refused["DAILY/USD"]["command"] == "watcher backtest DAILY/USD --step 1d"


def test_a_pair_without_prices_names_the_command_that_brings_them(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    _, err = said(capsys, "nobody/usd", "--db", str(db), code=4)
    assert "there are no prices of it" in err
    assert "watcher prices sync NOBODY/USD" in err


def test_days_are_judged_by_the_same_rules_with_a_shorter_memory(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    (found,) = told(capsys, "daily/usd", "--db", str(db), "--step", "1d", "--offset", "22h")
    assert (found["returns"], found["decay"], found["step"]) == ("400", "0.94", "86400")
    assert {"Kupiec", "Christoffersen"} <= set(found["powerless"])  # one exception in a hundred forecasts
    assert not any(one["failed"] for one in found["rules"])


def test_the_same_again_gives_the_same_digits_from_a_file_too(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    stored = told(capsys, "wild/usd", "--db", str(db))
    assert told(capsys, "wild/usd", "--db", str(db)) == stored
    (filed,) = told(capsys, "wild/usd", "--file", str(db.with_name("wild.csv")))
    assert filed | {"listing": stored[0]["listing"]} == stored[0]
    (other,) = told(capsys, "wild/usd", "--db", str(db), "--seed", "2")
    assert other["z2_critical"] != stored[0]["z2_critical"]
    assert other["rules"] == stored[0]["rules"]


def test_until_and_since_cut_the_past(capsys: pytest.CaptureFixture[str], db: Path) -> None:
    (found,) = told(capsys, "calm/usd", "--db", str(db), "--since", "2023-11-16", "--until", "2023-12-01T12:30")
    assert (found["first"], found["last"]) == ("2023-11-16T00:00:00Z", "2023-12-01T12:00:00Z")


def test_csv_and_parquet_hold_a_row_for_each_rule(capsys: pytest.CaptureFixture[str], db: Path, tmp_path: Path) -> None:
    out, _ = said(capsys, "wild/usd", "--db", str(db), "--format", "csv", "--parquet", "wild.parquet")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["rule"] for row in rows] == ["ewma-fhs", "historical", "gbm"]
    kept = import_module("pyarrow.parquet").read_table(tmp_path / "wild.parquet").to_pylist()
    for row, other in zip(rows, kept, strict=True):
        assert float(row["kupiec"]) == other["kupiec"]
        assert (row["failed"], int(row["exceptions"])) == (other["failed"], other["exceptions"])


def test_prices_that_were_left_out_are_counted(capsys: pytest.CaptureFixture[str], db: Path, tmp_path: Path) -> None:
    lines = db.with_name("calm.csv").read_text().splitlines()
    lines[600] = f"{BEGAN + 599 * HOUR},0.0001"
    lines[700] = f"{BEGAN + 699 * HOUR},-5"
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    (found,) = told(capsys, "calm/usd", "--file", "bad.csv")
    assert found["rejected"] == {"bad tick": "1", "not a positive number": "1"}
    assert found["prices"] == "899"
    out, _ = said(capsys, "calm/usd", "--file", "bad.csv")
    assert "1 × bad tick" in out
    assert "watcher prices sync CALM/USD --from bad.csv" in out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["--file", "x.csv"], "takes the one PAIR"),
        (["a/b", "c/d", "--file", "x.csv"], "takes the one PAIR"),
        (["a/b", "--file", "x.csv", "--db", "y.db"], "no store"),
        (["a/b", "--file", "x.csv"], "cannot be read"),
        (["a/b", "--calibration"], "takes no PAIR"),
        (["--offset", "2h"], "--offset is less than the step"),
        (["--since", "19000000"], "takes a date"),
        (["--window", "99"], "--window"),
        (["--step", "2h"], "--step"),
        (["--parquet", "x.csv"], "named so: x.parquet"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str], line: list[str], why: str) -> None:
    assert main(["backtest", *line]) == 2
    assert why in capsys.readouterr().err
