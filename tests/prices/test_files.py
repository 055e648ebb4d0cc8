"""Files of prices: the columns that are documented, exact numbers, and refusals that name the row."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from watcher.errors import UsageError
from watcher.prices.files import load
from watcher.prices.pair import parsed

ETH = parsed("ETH/USD")


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rounds_keep_their_integers_and_their_decimals(tmp_path: Path) -> None:
    table = load(
        written(tmp_path, "updated_at,answer_8_decimals\n1680734315,190818855732\n1680737963,191240000000\n"), ETH
    )
    assert (table.source.pair, table.source.name, table.source.decimals) == ("ETH/USD", "file prices.csv", 8)
    assert list(table.marks) == [(1680734315, 190818855732), (1680737963, 191240000000)]


def test_prices_as_numbers_are_exact_to_eighteen_decimals(tmp_path: Path) -> None:
    rows = (
        "1700000000,2000.1,9",
        "2023-11-14T22:13:21,0.000000000000000001,9",
        "2023-11-15,123456789012345678901234567890.5,",
    )
    text = "\n".join(("time,price,volume", *rows))
    table = load(written(tmp_path, text), ETH)
    assert table.source.decimals == 18
    assert list(table.marks) == [
        (1700000000, 2000_100000000000000000),
        (1700000001, 1),
        (1700006400, 123456789012345678901234567890_500000000000000000),
    ]


def test_parquet_gives_the_same(tmp_path: Path) -> None:
    arrow: Any = import_module("pyarrow")
    path = tmp_path / "prices.parquet"
    times = [datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), datetime(2023, 11, 15, tzinfo=UTC)]
    import_module("pyarrow.parquet").write_table(arrow.table({"time": times, "price": [2000.1, 0.5]}), path)
    assert list(load(path, ETH).marks) == [(1700000000, 2000_100000000000000000), (1700006400, 500000000000000000)]
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(UsageError, match="no parquet file"):
        load(path, ETH)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no prices"),
        ("time,price\n", "no prices"),
        ("when,price\n1,2\n", "columns time or updated_at"),
        ("time,cost\n1,2\n", "columns time or updated_at"),
        ("time,price\n1,2\n2,x\n", "row 2"),
        ("time,price\n1,nan\n", "row 1"),
        ("time,price\n1,1e400\n", "row 1"),
        ("time,price\n1\n", "row 1"),
        ("time,price\nyesterday,2\n", "row 1"),
        ("time,price\n1700000000000,2\n", "row 1"),
        ("time,answer_8_decimals\n1,2.5\n", "row 1"),
        ("time,answer_8_decimals\n-1,2\n", "row 1"),
    ],
)
def test_what_is_no_price_is_refused_with_its_row(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        load(written(tmp_path, text), ETH)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "nothing.csv", ETH)
    (tmp_path / "bytes.csv").write_bytes(b"time,price\n\xff\xfe,1\n")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "bytes.csv", ETH)
