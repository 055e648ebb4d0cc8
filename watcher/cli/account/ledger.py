"""The legs of a position with their prices: one table where the terminal is wide enough, else amounts and prices one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from watcher.adapter import Price
from watcher.figures import age, percent, short
from watcher.health.liquidation_price import LiquidationPrice
from watcher.health.outlook import Outlook
from watcher.model import Leg, Side, Unit, Valuation
from watcher.text import clean_line
from watcher.units import RAY

ORDER = (Side.COLLATERAL, Side.DEPOSIT, Side.DEBT)
LEFT = ("side", "asset")
INDENT = 2  # columns that stand before a table
Cells = tuple[str, ...]


def worth(integer: int, unit: Unit, *, up: bool = False) -> str:
    """A value: cents of a dollar, four digits of a token, since a hundredth of one may be worth a lot."""
    return short(integer, unit.decimals, 2 if unit.symbol == "USD" else 4, up=up)


def tables(console: Console, seen: Valuation, outlook: Outlook | None, prices: Sequence[Price]) -> tuple[Table, ...]:
    """Collateral first, debt last. Where the position has a liquidation ratio, no single price is named: it would mislead.

    Without an outlook no liquidation price is named either.
    """
    legs = sorted(seen.legs, key=lambda leg: ORDER.index(leg.side))
    known = {price.token.address: price for price in prices}
    lines = {} if outlook is None else {line.price.token.address: line for line in outlook.prices}
    ratio = outlook is not None and any(group.ratio for group in outlook.groups)
    units = {price.unit.symbol for price in prices} or {seen.unit.symbol}
    held = ("side", "asset", "amount", f"value {seen.unit.symbol}", "threshold", "rate")
    priced = (f"price {'/'.join(sorted(units))}", "age", "liquidatable at")
    left = [amounts(leg, seen) for leg in legs]
    right = [
        quoted(
            leg,
            seen,
            known.get(leg.token.address),
            None if ratio or seen.health is None else lines.get(leg.token.address),
        )
        for leg in legs
    ]
    if not any(map(any, right)):
        return (table(held, left),)
    whole = table((*held, *priced), [a + b for a, b in zip(left, right, strict=True)])
    if Measurement.get(console, console.options.update(width=10_000), whole).maximum <= console.width - INDENT:
        return (whole,)
    below = {
        leg.token.address: (leg.token.symbol, *cells)  # an asset on both sides has one price, and its debt the line
        for leg, cells in zip(legs, right, strict=True)
        if any(cells)
    }
    return table(held, left), table(("asset", *priced), [*below.values()])


def table(titles: Cells, rows: Sequence[Cells]) -> Table:
    """Nothing is cut: a cell that does not fit is folded."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for title in titles:
        made.add_column(Text(clean_line(title)), justify="left" if title in LEFT else "right", overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean_line(cell)) for cell in row))
    return made


def amounts(leg: Leg, seen: Valuation) -> Cells:
    places, owed = 2 if leg.amount >= 1000 * 10**leg.token.decimals else 4, leg.side is Side.DEBT
    return (
        leg.side.value,
        leg.token.symbol,
        short(leg.amount, leg.token.decimals, places, up=owed),
        worth(leg.value, seen.unit, up=owed),
        percent(leg.threshold, seen.scale) if leg.side is Side.COLLATERAL else "",
        percent(leg.rate, RAY, up=owed),
    )


def quoted(leg: Leg, seen: Valuation, price: Price | None, line: LiquidationPrice | None) -> Cells:
    """Price, its age, and where the line is; nothing for what has no price."""
    if price is None or price.answer is None:
        return "", "", ""
    old = "" if price.updated is None else age(seen.at.timestamp - price.updated)
    return figure(price.answer, price.unit.decimals, up=leg.side is Side.DEBT), old, crossing(leg, line)


def crossing(leg: Leg, line: LiquidationPrice | None) -> str:
    """The liquidation price and how far away it is, both rounded towards the present price; nothing for a leg that does not count."""
    if line is None or leg.side is Side.DEPOSIT or line.price.answer is None:
        return ""
    if line.answer is None:
        return (line.reason or "").partition(",")[0]
    moved = line.answer - line.price.answer
    if not moved:
        return "now"
    falls = moved < 0
    away = percent(moved, line.price.answer, up=falls)
    return f"{figure(line.answer, line.price.unit.decimals, up=falls)} ({'' if falls else '+'}{away})"


def figure(answer: int, decimals: int, *, up: bool) -> str:
    """A price: two digits after the point from a hundred on, else four."""
    return short(answer, decimals, 2 if len(str(answer)) > decimals + 2 else 4, up=up)
