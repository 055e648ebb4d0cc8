"""One position as people read it: a line that says how it stands, its legs with their liquidation prices, and what else matters."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from watcher.adapter import Liquidation, Price
from watcher.cli.figures import age, exact, health, percent, short
from watcher.cli.future import lines
from watcher.cli.sheet import Sheet
from watcher.cycle import Row
from watcher.health.correlated import Correlated
from watcher.health.liquidation_price import LiquidationPrice
from watcher.health.outlook import Outlook
from watcher.model import BlockRef, Leg, Side, Status, Unit, Valuation
from watcher.text import clean_line

STYLE = {Status.LIQUIDATABLE: "bold red", Status.UNKNOWN: "bold magenta", Status.OWING: "bold", Status.NO_DEBT: "dim"}
RIGHT = {"amount", "value", "threshold", "price", "liquidated at", "rate"}


def show(console: Console, sheet: Sheet) -> None:
    """Print one position. Foreign text is text: nothing in it is markup."""
    row, reading, seen = sheet.row, sheet.row.reading, sheet.outlook
    name = row.market.name.partition("/")[2] or row.market.name
    title = Text.assemble((name, "bold"), "  ", (sheet.owner, "dim"), "  ", (headline(row), STYLE[reading.status]))
    parts: list[Text | Table] = [title]
    if reading.valuation is not None and seen is not None:
        parts.append(legs(reading.valuation, seen, sheet.prices, reading.block))
        parts.extend(Text(clean_line(line)) for line in notes(reading.valuation, seen))
        parts.extend(Text(clean_line(line), "bold") for line in lines(reading.valuation, sheet.future))
    doubts = (*reading.doubts, *(doubt for price in sheet.prices for doubt in price.doubts))
    parts.extend(Text(clean_line(f"doubt ({doubt.kind}): {doubt.text}"), "yellow") for doubt in doubts)
    console.print(Padding(Group(*parts), (0, 0, 1, 2), expand=False))


def headline(row: Row) -> str:
    reading = row.reading
    match reading.status, reading.valuation:
        case Status.LIQUIDATABLE, Valuation(blocked=blocked, health=wad):
            return f"health {health(wad)}  LIQUIDATABLE" + (f", but blocked: {blocked}" if blocked else "")
        case Status.NO_DEBT, _:
            return "no debt"
        case _, Valuation(health=wad):
            return f"health {health(wad)}"
        case _:
            return f"UNKNOWN: {clean_line(reading.reason or '')}"


def legs(seen: Valuation, outlook: Outlook, prices: tuple[Price, ...], block: BlockRef) -> Table:
    """A row per leg. A price without a timestamp of its own shows no age."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("side", "asset", "amount", "value", "threshold", "rate", "price", "age", "liquidated at"):
        table.add_column(title, justify="right" if title in RIGHT else "left", no_wrap=True)
    known = {price.token.address: price for price in prices}
    lines = {line.price.token.address: line for line in outlook.prices}
    for leg in seen.legs:
        price = known.get(leg.token.address)
        cells = (
            leg.side.value,
            leg.token.symbol,
            short(leg.amount, leg.token.decimals, 4),
            f"{short(leg.value, seen.unit.decimals)} {seen.unit.symbol}",
            percent(leg.threshold, seen.scale) if leg.side is Side.COLLATERAL else "",
            percent(leg.rate, 10**27),
            "" if price is None or price.answer is None else short(price.answer, price.unit.decimals),
            "" if price is None or price.updated is None else age(block.timestamp - price.updated),
            line_of(leg, lines.get(leg.token.address)),
        )
        table.add_row(*(Text(clean_line(cell)) for cell in cells))
    return table


def line_of(leg: Leg, line: LiquidationPrice | None) -> str:
    """The liquidation price and how far away it is; nothing for a leg that does not count."""
    if line is None or leg.side is Side.DEPOSIT or line.price.answer is None:
        return ""
    if line.answer is None:
        return line.reason or ""
    moved = line.answer - line.price.answer
    return f"{short(line.answer, line.price.unit.decimals)} ({'+' if moved > 0 else ''}{percent(moved, line.price.answer)})"


def notes(seen: Valuation, outlook: Outlook) -> Iterator[str]:
    unit, carry = seen.unit, outlook.carry
    yield f"collateral {value(seen.collateral, unit)} · debt {value(seen.debt, unit)} · could borrow {value(seen.available, unit)} more"
    if carry.net:
        yield f"net carry {value(carry.net, carry.unit)} a year: the protocol's interest, without the yield inside a token's price"
    if seen.health is None:
        return
    fall = outlook.fall
    symbols = "+".join(token.symbol for token in fall.tokens)
    if fall.steps is not None:
        yield f"liquidatable when {symbols} together fall {percent(fall.steps, 1_000_000, 4)}"
    elif fall.reason:
        yield f"fall of all collateral: {fall.reason}"
    yield from (text for group in outlook.groups for text in group_lines(group))
    largest = outlook.largest
    if isinstance(largest, Liquidation):
        blocked = f" (blocked: {largest.blocked})" if largest.blocked else ""
        yield (
            f"largest liquidation now{blocked}: repay {exact(largest.repay, largest.debt.decimals)} {largest.debt.symbol}, seize "
            f"{exact(largest.seize, largest.collateral.decimals)} {largest.collateral.symbol}, bonus {value(largest.bonus, largest.unit)}"
        )


def group_lines(group: Correlated) -> Iterator[str]:
    """The group's fall; where everything is in the group, the ratio instead, because a price alone would mislead."""
    name, ratio = group.group.name, group.ratio
    if ratio is not None:
        pair = f"{ratio.collateral.symbol}/{ratio.debt.symbol}"
        now, then = (short(part * 10**18 // ratio.under, 18, 6) for part in (ratio.present, ratio.answer))
        fall = percent(ratio.answer - ratio.present, ratio.present, 4)
        yield f"group {name}: liquidated at a ratio {pair} of {then} ({fall}); now {now}"
    elif group.fall.steps is not None and len(group.fall.tokens) > 1:
        yield f"group {name}: liquidatable when its {len(group.fall.tokens)} prices fall {percent(group.fall.steps, 1_000_000, 4)}"


def value(integer: int, unit: Unit) -> str:
    return f"{short(integer, unit.decimals)} {unit.symbol}"
