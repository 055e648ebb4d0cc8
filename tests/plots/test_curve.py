"""The picture of a curve holds its three lines, its words and nothing that says when it was drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from watcher.plots.curve import Rise, draw
from watcher.plots.style import save

RISE = Rise(
    "market: liquidatable debt", "block 5", "$WETH$", "USD", [0, 10, 20], [1e6, 2e6, 5e6], [2e6, 3e6, 4e6], [0, 0, 1e6]
)


def test_all_three_are_drawn_with_their_names_and_the_unit(tmp_path: Path) -> None:
    save(draw(RISE), tmp_path / "c.svg")
    text = (tmp_path / "c.svg").read_text()
    tree = ElementTree.fromstring(text)
    assert {one.get("id") for one in tree.iter()} >= {"debt", "collateral", "bad-debt"}
    words = {one.text for one in tree.iter() if one.tag.endswith("text")}
    assert {"liquidatable debt", "bad debt", "fall of $WETH$, %", "millions of USD"} <= words


def test_the_same_curve_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(draw(RISE), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_an_empty_market_has_a_picture_too(tmp_path: Path) -> None:
    save(draw(Rise("m", "", "WETH", "?", [0, 10], [0, 0], [0, 0], [0, 0])), tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000


def test_the_legend_covers_no_line_even_where_the_highest_point_is_the_first() -> None:
    figure = draw(Rise("m", "", "WETH", "USD", [0, 10], [9e6, 9e6], [9e6, 1e6], [0, 0]))
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    figure.canvas.draw()
    bottom = axes.transData.inverted().transform(legend.get_window_extent())[0][1]
    assert bottom > 9
