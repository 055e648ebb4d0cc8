"""A page holds every panel in its row, the notes beneath, nothing on each other, and nothing that says when it was drawn."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

from tests.plots.test_fan import HOURS, SPREAD
from tests.plots.test_loss import losses
from tests.plots.test_surface import surface
from watcher.plots.fan import Fan
from watcher.plots.page import Page, draw
from watcher.plots.style import save

FAN = Fan(
    "Health of ethereum/aave-v3/a-Market-with-a-Name-that-goes-on",
    ("now 1.5, in 30 d below 1.0123, " * 5,),
    HOURS,
    SPREAD,
)
NOTES = ("fhs, 10,000 scenarios, seed 1", "lost/market: " + "why it is not shown " * 20)


def page(fans: int, surfaces: int, notes: tuple[str, ...] = NOTES) -> Page:
    return Page("One wallet's risk", notes, [losses()] * 2, [FAN] * fans, [surface()] * surfaces)


def test_every_kind_begins_a_row_and_nothing_with_its_words_lies_on_anything_else() -> None:
    figure = draw(page(3, 1))
    figure.draw_without_rendering()
    first, second, *fans, top, key = [round(axes.get_position().y1, 3) for axes in figure.axes]
    assert first == second > fans[0] == fans[1] > fans[2] > top > key
    words = [one.get_window_extent() for one in figure.texts]
    boxes = [box for axes in figure.axes if (box := axes.get_tightbbox()) is not None]
    assert [len(words), len(boxes)] == [2, 7]
    assert not any(one.overlaps(other) for one, other in combinations([*boxes, *words], 2))
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in [*boxes, *words])


def test_a_page_without_anything_says_why() -> None:
    figure = draw(Page("One wallet's risk", ("nothing is owed: there is no liquidation",), (), (), ()))
    assert [one.get_text() for one in figure.texts] == ["One wallet's risk", "nothing is owed: there is no liquidation"]
    assert figure.axes == []


def test_the_same_page_is_the_same_bytes_and_its_words_are_text(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save(draw(Page("One wallet's risk", NOTES, [losses()], [FAN], [surface()])), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    tree = ElementTree.parse(tmp_path / "a.svg")
    drawn = {one.get("id") for one in tree.iter()}
    assert {"mark-0-0", "mark-0-1", "band-0-0", "median-0", "line-0", "today-0"} <= drawn
    words = {one.text for one in tree.iter() if one.tag.endswith("text")}
    assert {"ES 97.5 % 2,700 ± 31", "price of $ETH$, %", "today", NOTES[0]} <= words


def test_a_strangers_words_are_cleaned() -> None:
    evil = Fan("\x1b[31mpool\u202e", (), HOURS, SPREAD)
    figure = draw(Page("t", ("note\x00\u202e",), (), [evil], ()))
    assert figure.axes[0].get_title("left") == "pool"
    assert "note" in [one.get_text() for one in figure.texts]
