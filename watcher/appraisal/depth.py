"""How much a sale loses: a table of slippage against size, as an aggregator or an order book gives it."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watcher.errors import UsageError
from watcher.model import Token

COLUMNS: Final = ("token", "size", "slippage")
Points = tuple[tuple[float, float], ...]  # (US dollars sold at once, fraction lost), both rising


@dataclass(slots=True)
class Depth:
    """By symbol or address, as the file says. `beyond` names the tokens of which more was to be sold than the table knows of.

    Between two points it is a straight line, from nothing on. Beyond the last one nobody knows: the last slippage is taken, the figure
    is then a lower bound, and said to be.
    """

    points: Mapping[str, Points]
    beyond: set[str] = field(default_factory=set)

    def slippage(self, token: Token, size: float) -> float:
        """The fraction that a sale of so many dollars loses. A token without a row loses nothing here, and is named too."""
        known = self.points.get(token.address.lower()) or self.points.get(token.symbol.lower())
        if known is None:
            self.beyond.add(f"{token.symbol}: no row in the table of depth, its sale is taken to lose nothing")
            return 0.0
        if size > known[-1][0]:
            self.beyond.add(
                f"{token.symbol}: sales above {known[-1][0]:,.0f} dollars, the table's last; losses are at least this"
            )
            return known[-1][1]
        place = bisect_left(known, (size, 0.0))
        low, high = known[place - 1] if place else (0.0, 0.0), known[place]
        share = (size - low[0]) / (high[0] - low[0])
        return low[1] + share * (high[1] - low[1])


def load(path: Path) -> Depth:
    """A csv with the columns token, size (US dollars) and slippage (a fraction). `UsageError` says which line is wrong."""
    rows: dict[str, list[tuple[float, float]]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            if not set(COLUMNS) <= set(table.fieldnames or ()):
                raise UsageError(f"{path}: the first line must name the columns {', '.join(COLUMNS)}")
            for row in table:
                rows.setdefault(_token(path, table.line_num, row), []).append(_point(path, table.line_num, row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if not rows:
        raise UsageError(f"{path}: no rows: write lines of token,size,slippage, as WETH,1000000,0.004")
    return Depth({token: _rising(path, token, points) for token, points in rows.items()})


def _token(path: Path, line: int, row: Mapping[str, str | None]) -> str:
    token = (row["token"] or "").strip().lower()
    if not token:
        raise UsageError(f"{path}: line {line}: whose sale it is: a symbol or an address is missing")
    return token


def _point(path: Path, line: int, row: Mapping[str, str | None]) -> tuple[float, float]:
    try:
        size, slippage = float(row["size"] or ""), float(row["slippage"] or "")
    except ValueError:
        raise UsageError(f"{path}: line {line}: size and slippage must be numbers") from None
    if not (0 < size < float("inf") and 0 <= slippage < 1):
        raise UsageError(f"{path}: line {line}: size must be above zero, and slippage a fraction from 0 to below 1")
    return size, slippage


def _rising(path: Path, token: str, points: list[tuple[float, float]]) -> Points:
    points = sorted(points)
    sizes, lost = [size for size, _ in points], [slippage for _, slippage in points]
    if len(set(sizes)) != len(sizes) or lost != sorted(lost):
        raise UsageError(f"{path}: {token}: a larger sale must lose at least as much as a smaller one, each size once")
    return tuple(points)
