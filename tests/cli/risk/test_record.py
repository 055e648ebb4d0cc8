"""Appraisals as records: one list that any reader of json takes, floats as text, words where nothing was modelled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.appraisal.scene import A, ground, holds, loan, wanted
from tests.health import toy
from watcher.appraisal.appraise import Appraisal, appraise
from watcher.cli.options import Format
from watcher.cli.output import show
from watcher.cli.risk.record import flat, records
from watcher.cli.risk.report import about
from watcher.export.table import write_table
from watcher.export.write import read_origin
from watcher.risk.drive import STABLE

BLOCKS = [{"kind": "block", "chain": "paper", "chain_id": 1, "block": 100, "block_hash": "0x11"}]
parquet: Any = import_module("pyarrow.parquet")  # it has no types


@pytest.fixture(scope="module")
def found() -> Appraisal:
    """One that may be liquidated, one that will not, and one that owes nothing."""
    near, calm = holds(loan(owed=150_000), name="paper/near"), holds(loan(owed=50_000), name="paper/calm")
    saver = holds(toy.position({A: 100}, {A: 8_000}, {A: 50_000}, {}), name="paper/saver")
    basis = ground([near, calm, saver], {"T1": 1.2}, {"T2": STABLE})
    return appraise([near, calm, saver], basis, wanted(1, 24, scenarios=1_000), {1: 12.0})


@pytest.fixture(scope="module")
def told(found: Appraisal) -> list[dict[str, Any]]:
    out = StringIO()
    show(list(records(found, BLOCKS)), (), Format.JSON, out)
    read: list[dict[str, Any]] = json.loads(out.getvalue())
    return read


def of(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in told if one["kind"] == kind]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)
    else:
        yield value


def test_there_is_a_record_for_each_position_the_owner_each_structure_and_what_it_stands_on(
    told: list[dict[str, Any]],
) -> None:
    kinds = [one["kind"] for one in told]
    assert kinds == ["risk_position"] * 3 + ["risk_owner"] + ["risk_structure"] * 3 + ["risk_basis"]


def test_no_figure_is_a_number_that_a_reader_would_round(told: list[dict[str, Any]]) -> None:
    assert not [leaf for leaf in leaves(told) if isinstance(leaf, int | float) and not isinstance(leaf, bool)]


def test_floats_have_ten_digits(told: list[dict[str, Any]], found: Appraisal) -> None:
    near = of(told, "risk_position")[0]
    assert near["health"] == f"{found.standings[0].margin.health:.10g}"
    digits = [
        re.sub(r"^-?0*\.?0*", "", text).replace(".", "") for text in (near["health"], near["ltv"], near["leverage"])
    ]
    assert all(len(one.rstrip("0")) <= 10 for one in digits)
    assert float(near["mm_over_equity"]) == pytest.approx(1 / float(near["equity_over_mm"]), rel=1e-9)
    assert near["health_contract"].startswith(near["health"][:6])


def test_what_is_not_modelled_says_so_in_words_and_what_adds_nothing_is_a_nought(told: list[dict[str, Any]]) -> None:
    near = of(told, "risk_position")[0]
    for each in near["horizons"]:
        parts = each["parts"]
        assert (parts["rate_path"], parts["oracle_cap"]) == ("not included", "not included")
        assert parts["carry"] == {"chance": "0", "error": "0"}
        assert float(parts["price"]["chance"]) <= float(each["sooner"])
    basis = of(told, "risk_basis")[0]
    assert any(line.startswith("oracle price caps") for line in basis["not_included"])


def test_what_cannot_be_told_is_null_and_named(told: list[dict[str, Any]]) -> None:
    saver = of(told, "risk_position")[2]
    assert (saver["health"], saver["horizons"], saver["sigmas_1d"]) == (None, [], None)
    assert any(line.startswith("paper/saver: nothing is owed") for line in of(told, "risk_basis")[0]["not_shown"])


def test_everything_that_is_needed_for_the_same_digits_is_there(told: list[dict[str, Any]]) -> None:
    basis = of(told, "risk_basis")[0]
    assert (basis["model"], basis["seed"], basis["scenarios"], basis["rows"]) == ("gbm", "1", "1000", "2000")
    assert basis["blocks"] == [BLOCKS[0] | {"chain_id": "1", "block": "100"}]
    assert basis["versions"].keys() == {"program", "numpy", "scipy"}
    assert basis["factors"][0]["volatility"] == "1.2"
    assert basis["none_seen_is_below"] == "0.003"


def test_parts_of_the_shortfall_add_up_in_print(told: list[dict[str, Any]]) -> None:
    for each in of(told, "risk_owner")[0]["horizons"]:
        sum_of = sum(float(one["part"]) for one in each["es_by_asset"])
        whole = sum_of + float(each["es_slippage"]) + float(each["es_borne_by_lenders"])
        assert whole == pytest.approx(float(each["es_97_5"]), rel=1e-8)
        assert sum(float(one["part"]) for one in each["es_by_position"]) == pytest.approx(
            float(each["es_97_5"]), rel=1e-8
        )


def test_shares_of_the_owner_name_the_account_too(told: list[dict[str, Any]]) -> None:
    (last, *_) = reversed(of(told, "risk_owner")[0]["horizons"])
    for key in ("first", "es_by_position"):
        assert [(one["market"], one["account"]) for one in last[key]] == [
            (one["market"], one["account"]) for one in of(told, "risk_position")[:2]
        ]


def test_a_file_has_a_row_for_each_position_and_horizon_and_says_what_it_stands_on(
    found: Appraisal, tmp_path: Path
) -> None:
    path = tmp_path / "risk.parquet"
    rows = flat(found, BLOCKS)
    write_table(rows, path, about(found, BLOCKS))
    read = parquet.read_table(path).to_pylist()
    assert len(read) == len(rows)
    near = [row for row in read if row["market"] == "paper/near" and row["kind"] == "risk_position"]
    assert [row["seconds"] for row in near] == [3_600, 86_400]
    (prospect,) = [one for one in found.horizons[1].positions if one.name == "paper/near"]
    assert near[1]["liquidated"] == pytest.approx(prospect.liquidated.value)
    assert near[1]["es_97_5"] == pytest.approx(prospect.loss.es.value, rel=1e-9)
    head = read_origin(path)
    assert (head["seed"], head["model"], head["scenarios"]) == ("1", "gbm", "1000")
    assert "block 100" in head["blocks"]
