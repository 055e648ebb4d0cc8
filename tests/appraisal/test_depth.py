"""A table of what sales lose: between its points, beyond the last, without a row; and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.appraisal.scene import token
from watcher.appraisal.depth import Depth, load
from watcher.errors import UsageError

WETH, ALT = token(0x70, "WETH"), token(0x71, "ALT")
TABLE = "token,size,slippage\nWETH,1000000,0.004\nweth,5000000,0.02\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "depth.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_between_two_points_it_is_a_straight_line_from_nothing_on(tmp_path: Path) -> None:
    depth = load(written(tmp_path, TABLE))
    told = [depth.slippage(WETH, size) for size in (0, 500_000, 1_000_000, 3_000_000, 5_000_000)]
    assert told == pytest.approx([0, 0.002, 0.004, 0.012, 0.02])
    assert not depth.beyond


def test_beyond_the_last_point_it_is_a_lower_bound_and_says_so(tmp_path: Path) -> None:
    depth = load(written(tmp_path, TABLE))
    assert depth.slippage(WETH, 6_000_000) == 0.02
    assert depth.beyond == {"WETH: sales above 5,000,000 dollars, the table's last; losses are at least this"}


def test_a_token_without_a_row_loses_nothing_here_and_is_named(tmp_path: Path) -> None:
    depth = load(written(tmp_path, TABLE))
    assert depth.slippage(ALT, 10) == 0
    assert depth.beyond == {"ALT: no row in the table of depth, its sale is taken to lose nothing"}


def test_an_address_is_told_apart_from_a_symbol_that_anybody_may_take(tmp_path: Path) -> None:
    depth = load(written(tmp_path, TABLE + f"{ALT.address},100,0.5\nALT,100,0.1\n"))
    assert depth.slippage(ALT, 100) == 0.5


@pytest.mark.parametrize("text", ["\ufeff" + TABLE, "size,slippage,token\n1000000,0.004,WETH\n", TABLE + "\n\n"])
def test_files_of_spreadsheets_are_read(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)).slippage(WETH, 1_000_000) == 0.004


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must name the columns token, size, slippage"),
        ("token,amount,slippage\nWETH,1,0.1\n", "must name the columns"),
        ("token,size,slippage\n", "no rows"),
        (TABLE + "WETH,much,0.1\n", "line 4: size and slippage must be numbers"),
        (TABLE + "WETH,1\n", "line 4: size and slippage must be numbers"),
        ("size,slippage,token\n1,0.1\n", "line 2: whose sale it is"),
        (TABLE + " ,1,0.1\n", "line 4: whose sale it is"),
        (TABLE + "WETH,0,0.1\n", "line 4: size must be above zero"),
        (TABLE + "WETH,inf,0.1\n", "line 4: size must be above zero"),
        (TABLE + "WETH,nan,0.1\n", "line 4: size must be above zero"),
        (TABLE + "WETH,10,-0.1\n", "a fraction from 0 to below 1"),
        (TABLE + "WETH,10,1\n", "a fraction from 0 to below 1"),
        (TABLE + "WETH,10,nan\n", "a fraction from 0 to below 1"),
        (TABLE + "WETH,9000000,0.001\n", "weth: a larger sale must lose at least as much"),
        (TABLE + "WETH,1000000,0.004\n", "each size once"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "bytes.csv")


def test_nothing_sold_loses_nothing() -> None:
    assert Depth({"weth": ((10.0, 0.1),)}).slippage(WETH, 0.0) == 0
