"""The picture of causes has a bar for each, both ends, and nothing that says when it was drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from watcher.plots.style import save
from watcher.plots.waterfall import Waterfall, draw

FALL = Waterfall("market", "block 1 to 9", "USD", 100.0, [("price of $WETH$", -60.0), ("own action", 25.0)])


def test_every_cause_is_a_bar_with_its_name_between_both_ends(tmp_path: Path) -> None:
    save(draw([FALL, FALL]), tmp_path / "w.svg")
    tree = ElementTree.parse(tmp_path / "w.svg")
    drawn = {one.get("id") for one in tree.iter()}
    for panel in (0, 1):
        assert {f"level-{panel}-before", f"cause-{panel}-0", f"cause-{panel}-1", f"level-{panel}-after"} <= drawn
    words = {one.text for one in tree.iter() if one.tag.endswith("text")}
    assert {"price of $WETH$", "own action", "before", "after", "-60.00", "+25.00", "65.00"} <= words


def test_each_bar_begins_where_the_one_before_it_ended() -> None:
    (axes,) = draw([FALL]).axes
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]  # type: ignore[attr-defined]
    assert bars == [(100.0, -60.0), (40.0, 25.0)]


def test_the_line_is_drawn_where_it_was_crossed_and_small_parts_keep_their_digits(tmp_path: Path) -> None:
    save(draw([FALL, Waterfall("m", "", "WETH", 1.0, [("time", -0.00012345), ("price", -2.0)])]), tmp_path / "w.svg")
    tree = ElementTree.parse(tmp_path / "w.svg")
    assert {one.get("id") for one in tree.iter()} & {"line-0", "line-1"} == {"line-1"}
    assert "-0.0001234" in {one.text for one in tree.iter()}


def test_the_same_causes_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(draw([FALL]), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_nothing_moved_has_a_picture_too(tmp_path: Path) -> None:
    save(draw([Waterfall("m", "", "WETH", 1.0, [])]), tmp_path / "w.png")
    assert (tmp_path / "w.png").stat().st_size > 1000
    assert draw([FALL]).axes[0].get_xlabel() == "margin, USD"
