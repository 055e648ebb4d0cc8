"""A curve as people read it: a line for each step of the fall, with bars, or a picture in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from watcher.cli.curve.view import View
from watcher.cli.liquidations.sheet import worth
from watcher.cli.options import Format
from watcher.cli.output import Column, show
from watcher.figures import percent
from watcher.health.fall import STEPS
from watcher.model import Unit
from watcher.scan.curve import BAD_DEBT, Point
from watcher.text import clean_line

WIDTH: Final = 40  # characters of the longest bar
BAR, BAD = "█", "░"
COLUMNS: Final = (
    Column("fall", "fall", right=True),
    *(
        Column(key, title, right=True)
        for key, title in (
            ("accounts", "accounts"),
            ("debt", "liquidatable debt"),
            ("loops", "of it in loops"),
            ("collateral", "their collateral"),
            ("bad", "bad debt"),
        )
    ),
    Column("bar", f"{BAR} debt, {BAD} of it bad"),
)


def show_curve(seen: View) -> None:
    """Print it. Foreign text is text: nothing in it is markup."""
    unit = seen.curve.unit
    said(f"{seen.market.name}  block {seen.block.number}  as {seen.falls} falls")
    if unit is not None:
        most = max((point.all.debt for point in seen.curve.points), default=0)
        show([of_point(point, unit, most) for point in seen.curve.points], COLUMNS, Format.TABLE)
    said(f"bad debt: {BAD_DEBT}; all values in {'?' if unit is None else unit.symbol}")


def said(text: str) -> None:
    sys.stdout.write(clean_line(text) + "\n")


def of_point(point: Point, unit: Unit, most: int) -> dict[str, Any]:
    return {
        "fall": percent(point.steps, STEPS),
        "accounts": point.all.accounts,
        "debt": worth(point.all.debt, unit, up=True),
        "loops": worth(point.loops.debt, unit, up=True),
        "collateral": worth(point.all.collateral, unit),
        "bad": worth(point.all.bad_debt, unit, up=True),
        "bar": bar(point, most),
    }


def bar(point: Point, most: int) -> str:
    """The debt against the largest of the curve; what is bad of it at the end, as far as a character shows it."""
    length, bad = (value * WIDTH // most if most else 0 for value in (point.all.debt, point.all.bad_debt))
    return BAR * (length - bad) + BAD * bad


def picture(seen: View, path: Path) -> None:
    """Draw it into a file. `ConfigError` without matplotlib, `UsageError` for a name that no picture has."""
    from watcher.plots.curve import Rise, draw
    from watcher.plots.style import save

    unit, points = seen.curve.unit, seen.curve.points
    scale = 1.0 if unit is None else 10.0**unit.decimals
    rise = Rise(
        f"{seen.market.name}: liquidatable debt",
        f"block {seen.block.number} · bad debt: {BAD_DEBT}",
        seen.falls,
        "?" if unit is None else unit.symbol,
        [point.steps * 100 / STEPS for point in points],
        *(
            [value / scale for value in side]
            for side in zip(
                *((point.all.debt, point.all.collateral, point.all.bad_debt) for point in points), strict=True
            )
        ),
    )
    save(draw(rise), path)
