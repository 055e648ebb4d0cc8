"""One position as people read it: a line that says how it stands, its legs with their liquidation prices, and what else matters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from watcher.adapter import Liquidation, Whole
from watcher.cli.account import caps, part
from watcher.cli.account.assets import stops
from watcher.cli.account.future import crossed, lines
from watcher.cli.account.ledger import tables, worth
from watcher.cli.account.sheet import Sheet
from watcher.figures import age, exact, health, percent, short, together
from watcher.health.correlated import Correlated
from watcher.health.fall import STEPS
from watcher.health.outlook import Outlook
from watcher.model import Reading, Runway, Side, Status, Token, Unit, Valuation
from watcher.text import clean_line
from watcher.units import Raw
from watcher.watching.told import crossed as beyond

STYLE = {
    Status.NO_DEBT: "dim",
    Status.OWING: "bold",
    Status.SAFE: "bold green",
    Status.WATCH: "bold",
    Status.WARN: "bold yellow",
    Status.DANGER: "bold yellow",
    Status.CRITICAL: "bold red",
    Status.LIQUIDATABLE: "bold red",
    Status.UNKNOWN: "bold magenta",
}


def show(console: Console, sheet: Sheet) -> None:
    """Print one position. Foreign text is text: nothing in it is markup."""
    reading, seen = sheet.row.reading, sheet.outlook
    parts: list[Text | Table] = [title(sheet)]
    if reading.valuation is None:
        parts.append(Text(clean_line(reading.reason or ""), STYLE[Status.UNKNOWN]))
    else:
        parts.extend(tables(console, reading.valuation, seen, sheet.prices))
        parts.extend(Text(clean_line(line)) for line in totals(reading.valuation))
        if sheet.part is not None:
            parts.extend(Text(clean_line(line)) for line in part.lines(sheet.part, reading.valuation))
        if seen is None:
            parts.append(Text(clean_line(f"outlook unknown: {sheet.unseen}"), STYLE[Status.UNKNOWN]))
        else:
            parts.extend(Text(clean_line(line)) for line in notes(reading.valuation, seen))
        parts.extend(Text(clean_line(line)) for line in caps.lines(sheet.ceilings))
        if sheet.judgement is not None and sheet.judgement.crossed is not None:
            parts.append(Text(clean_line(beyond(sheet.judgement)), STYLE[sheet.judgement.status]))
        if sheet.judgement is not None and sheet.judgement.runway is not None:
            parts.append(Text(clock(sheet.judgement.runway)))
        parts.extend(
            Text(clean_line(line), "yellow") for panel in sheet.panels for line in stops(panel, reading.valuation)
        )
        parts.extend(Text(clean_line(line), "bold") for line in lines(reading.valuation, sheet.future))
    doubts = (*reading.doubts, *(doubt for price in sheet.prices for doubt in price.doubts))
    parts.extend(Text(clean_line(f"doubt ({d.kind}): {d.text}"), "yellow") for d in dict.fromkeys(doubts))
    console.print(Padding(Group(*parts), (0, 0, 1, 2), expand=False))


def title(sheet: Sheet) -> Text:
    """Where and how it stands; the owner last, so that a narrow terminal moves the whole address to the next line."""
    market, reading = sheet.row.market, sheet.row.reading
    name = market.name.partition("/")[2] or market.name
    words = [(name, "bold"), *([(clean_line(sheet.pair), "bold")] if sheet.pair else [])]
    words.append((headline(reading), STYLE[reading.status]))
    if sheet.mode:
        words.append((f"e-mode {sheet.mode}", ""))
    if sheet.part is not None:
        words.append((f"{sheet.part.margin} margin", "dim"))
    words.append((holder(sheet), "dim"))
    return Text("  ").join(Text(*word) for word in words)


def holder(sheet: Sheet) -> str:
    """Whose it is: the address, what it is where that is known, and whom it stands under."""
    held = None if sheet.part is None else sheet.part.holder
    if held is None or not held.kind:
        return sheet.owner
    under = "" if held.owner is None else f" of {held.owner}"
    return f"{sheet.owner} ({clean_line(held.kind)}{under})"


def headline(reading: Reading) -> str:
    seen = reading.valuation
    if seen is None:
        return "UNKNOWN"
    match reading.status:
        case Status.UNKNOWN:
            return "UNKNOWN"
        case Status.NO_DEBT:
            return "no debt"
        case Status.SAFE | Status.WATCH | Status.WARN | Status.DANGER | Status.CRITICAL:
            return f"health {health(seen.health)}  {reading.status}"
        case Status.OWING:
            return f"health {health(seen.health)}"
        case Status.LIQUIDATABLE:
            return f"health {health(seen.health)}{crossed(seen)}"
        case _:
            assert_never(reading.status)


def totals(seen: Valuation) -> Iterator[str]:
    """What is owed is rounded up, the rest down."""
    unit = seen.unit
    if any(leg.side is not Side.DEPOSIT for leg in seen.legs):
        owed = f" · debt {value(seen.debt, unit, up=True)}" if seen.health is not None else ""
        yield f"collateral {value(seen.collateral, unit)}{owed} · could borrow {value(seen.available, unit)} more"


def notes(seen: Valuation, outlook: Outlook) -> Iterator[str]:
    carry = outlook.carry
    if carry.net:
        yield f"net carry {value(carry.net, carry.unit)} a year: protocol interest, not the yield inside a price"
    if seen.health is None:
        return
    fall = outlook.fall
    ratio = any(group.ratio for group in outlook.groups)  # where there is one, a common fall would mislead
    if fall.steps and not ratio:
        symbols = [token.symbol for token in fall.tokens]
        verb = "all fall" if len(symbols) > 1 else "falls"
        yield f"liquidatable when {together(symbols)} {verb} {percent(fall.steps, STEPS, 4)}"
    elif fall.steps is None and fall.reason:
        yield f"fall of all collateral: {fall.reason}"
    yield from (text for group in outlook.groups for text in group_lines(group))
    yield from early_lines(seen, outlook)
    if isinstance(outlook.largest, Liquidation):
        yield liquidation(outlook.largest)
    elif seen.liquidatable:
        yield f"largest liquidation now: none ({outlook.largest.reason})"
    yield from map(whole, outlook.whole)


def early_lines(seen: Valuation, outlook: Outlook) -> Iterator[str]:
    """The lines before the protocol's own, the one that is reached first before the others."""
    for place, (early, (_, found)) in enumerate(zip(seen.early, outlook.early, strict=True)):
        if early.health is None:
            continue  # a doubt says so
        which, now = ("another" if place else "first"), (", and it may now" if early.open else "")
        yield f"{which} line: health {health(early.health)}, by the pre-liquidation contract {early.contract}, which acts below 1{now}"
        if isinstance(found, Liquidation):
            yield f"  {liquidation(found)}"
        elif early.open:
            yield f"  nothing that it could take now: {found.reason}"


def clock(left: Runway) -> str:
    """What the status of the correlated goes by besides health."""
    full = f"cannot be told ({clean_line(left.reason)})" if left.reason else lasting(left.full)
    return f"health 1 by interest alone: {lasting(left.present)} at the present rates; at full utilisation {full}"


def lasting(seconds: int | None) -> str:
    return "not within a century" if seconds is None else f"in {age(seconds)}"


def group_lines(group: Correlated) -> Iterator[str]:
    """The group's fall; where everything is in the group, the ratio instead, because a price alone would mislead."""
    name, ratio = group.group.name, group.ratio
    if ratio is not None:
        pair = f"{ratio.collateral.symbol}/{ratio.debt.symbol}"
        now = short(ratio.present * 10**18 // ratio.under, 18, 6)
        then = short(-(-ratio.answer * 10**18 // ratio.under), 18, 6, up=True)
        fall = percent(ratio.answer - ratio.present, ratio.present, 4, up=True)
        if ratio.answer == ratio.present:
            yield f"group {name}: liquidatable at the present ratio {pair} of {now}"
        else:
            yield f"group {name}: liquidatable at a ratio {pair} of {then} ({fall}); now {now}"
    elif group.fall.steps and len(group.fall.tokens) > 1:
        symbols = [token.symbol for token in group.fall.tokens]
        yield f"group {name}: liquidatable when {together(symbols)} fall {percent(group.fall.steps, STEPS, 4)}"
    if group.closed and group.reason:
        yield f"group {name}: no liquidation ratio ({group.reason})"


def liquidation(largest: Liquidation) -> str:
    blocked = f" (blocked: {largest.blocked})" if largest.blocked else ""
    repay = f"{exact(largest.repay, largest.debt.decimals)} {largest.debt.symbol}"
    taken = ((largest.collateral, largest.seize), *largest.along)
    seize = ", ".join(f"{exact(amount, token.decimals)} {token.symbol}" for token, amount in taken)
    left = (
        f", {exact(largest.deficit, largest.debt.decimals)} {largest.debt.symbol} of bad debt left"
        if largest.deficit
        else ""
    )
    if largest.credit:
        left += f", {exact(largest.credit, largest.debt.decimals)} {largest.debt.symbol} left to the account"
    whose = " (by the protocol itself)" if largest.absorbed else ""
    bonus = value(largest.bonus, largest.unit)
    return f"largest liquidation now{whose}{blocked}: repay {repay}, seize {seize}, bonus {bonus}{left}"


def whole(way: Whole) -> str:
    """All of the account in one call."""

    def amounts(some: tuple[tuple[Token, Raw], ...]) -> str:
        return ", ".join(f"{exact(raw, token.decimals)} {token.symbol}" for token, raw in some) or "nothing"

    blocked = f" (blocked: {way.blocked})" if way.blocked else ""
    left = f"; {amounts(way.written_off)} written off" if way.written_off else ""
    paid = f"repay {amounts(way.repays)}, seize {amounts(way.seizes)}, bonus {value(way.bonus, way.unit)}"
    return f"the whole account now, by {way.path}{blocked}: {paid}{left}"


def value(integer: int, unit: Unit, *, up: bool = False) -> str:
    return f"{worth(integer, unit, up=up)} {unit.symbol}"
