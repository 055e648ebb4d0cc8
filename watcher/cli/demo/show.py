"""How the demo looks: a live table on a terminal, a line per block elsewhere, and what it all came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from eth_utils.address import to_checksum_address
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from watcher.cli.demo.market import Looked
from watcher.cli.demo.scene import Line, Scene, Watch
from watcher.figures import fixed, health, percent
from watcher.health.status import urgency
from watcher.model import Status
from watcher.text import clean_line

STYLE = {
    Status.NO_DEBT: "dim",
    Status.OWING: "",
    Status.SAFE: "",
    Status.WATCH: "",
    Status.WARN: "yellow",
    Status.DANGER: "bold yellow",
    Status.CRITICAL: "red",
    Status.LIQUIDATABLE: "bold red",
    Status.UNKNOWN: "bold magenta",
}
WORDS = {status: status.value for status in Status} | {
    Status.LIQUIDATABLE: "LIQUIDATABLE",
    Status.UNKNOWN: "UNKNOWN",
    Status.OWING: "",
    Status.NO_DEBT: "no debt",
}
COLUMNS = (
    ("account", False),
    ("address", False),
    ("market", False),
    ("health", True),
    ("change", True),
    ("distance", True),
    ("", False),
)
PLAIN_WIDTH = 120  # characters, where there is no terminal
CHROME = 11  # lines of a live picture that are neither rows nor remarks
TALL = 40  # lines of a terminal that has room for every market,
FEW = 2  # and how many a lower one shows
REMARKS = 6  # of the newest that a live picture keeps
WIDE = 130  # characters from which addresses have a column
STEPS = 1_000_000  # of a fall


def console(stream: TextIO) -> Console:
    """Foreign text is text: nothing in it is markup. Colour as NO_COLOR and the terminal say."""
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else PLAIN_WIDTH
    )


@contextmanager
def stage(out: Console, quiet: bool) -> Iterator[Watch]:
    """``with stage(console, False) as watch: watch(scene)``: on a terminal one picture that changes, else a line per block."""
    if quiet:
        yield lambda scene: None
    elif out.is_terminal and not out.is_dumb_terminal:
        notes: list[Text] = []
        with Live(console=out, auto_refresh=False, transient=True) as live:

            def draw(scene: Scene) -> None:
                notes.extend(remarks(scene))
                live.update(picture(out, scene, notes), refresh=True)

            yield draw
        for note in notes:
            out.print(note)
    else:

        def write(scene: Scene) -> None:
            out.print(headline(scene).append(crowd(scene.markets)), soft_wrap=True)
            for note in remarks(scene):
                out.print(note, soft_wrap=True)

        yield write


def picture(out: Console, scene: Scene, notes: Sequence[Text]) -> Group:
    """The positions nearest to their line that fit the terminal, under what the block is and how far the run has come."""
    largest = sorted(scene.markets, key=lambda one: -one.accounts)[: None if out.height >= TALL else FEW]
    room = max(3, out.height - CHROME - len(largest) - len(notes[-REMARKS:]))
    bar = ProgressBar(total=scene.steps, completed=scene.step, width=min(60, out.width))
    rest = len(scene.lines) - room
    more = [Text(f"… and {rest} further from their line", "dim")] if rest > 0 else []
    listed = table(scene.lines, out.width, room)
    everybody = panel(largest)
    return Group(headline(scene), bar, Text(), listed, *more, Text(), everybody, Text(), *notes[-REMARKS:])


def panel(markets: Sequence[Looked]) -> Table:
    """Whole markets: how many accounts owe, how many of them stand under each line, and whether anybody is missing."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    made.add_column("everybody in", no_wrap=True)
    for title in ("owe", "under 1", "under 1.05", "under 1.1", "coverage"):
        made.add_column(title, justify="right", no_wrap=True)
    for one in markets:
        gap = f"{one.unexplained} shares missing" if one.unexplained else "exact"
        style = "bold red" if one.unexplained or one.differences else "red" if one.below[0] else ""
        made.add_row(*(Text(str(cell), style) for cell in (one.label, one.accounts, *one.below, gap)))
    return made


def headline(scene: Scene) -> Text:
    """Block, prices, what is liquidatable, and the check so far."""
    at = datetime.fromtimestamp(scene.block.timestamp, UTC)
    parts = [f"block {scene.block.number}", f"{at:%d %b %H:%M:%S}"]
    if not scene.watched:
        return Text("  ".join((*parts, "not watched")), "bold")
    for symbol, name in (("WETH", "ETH"), ("WBTC", "BTC")):
        price = scene.prices.get(symbol)
        if price is not None and price.answer is not None:
            parts.append(f"{name} {price.answer // 10**price.unit.decimals:,}")
    over = sum(line.row.reading.status is Status.LIQUIDATABLE for line in scene.lines)
    parts += [f"{over} liquidatable", f"{scene.transitions} changes", f"{scene.comparisons} compared"]
    text = Text("  ".join(parts), "bold")
    text.append(f"  {scene.differences} mismatches", "bold red" if scene.differences else "bold green")
    return text


def crowd(markets: Sequence[Looked]) -> str:
    """How many of everybody are at risk, for a line."""
    owing = sum(one.accounts for one in markets)
    return f"  {sum(one.found for one in markets)} of {owing} at risk" if owing else ""


def remarks(scene: Scene) -> Iterator[Text]:
    for note in scene.notes:
        yield Text(clean_line(f"block {scene.block.number}: {note}"), "yellow")


def table(lines: Sequence[Line], width: int, room: int | None = None) -> Table:
    """Nearest to the line first. The distance is the fall of all collateral at which the contract would allow a liquidation."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown = [place for place, (title, _) in enumerate(COLUMNS) if width >= WIDE or title != "address"]
    for place in shown:
        title, right = COLUMNS[place]
        made.add_column(title, justify="right" if right else "left", no_wrap=True)
    for line in sorted(lines, key=lambda line: urgency(line.row.reading))[:room]:
        style = STYLE[line.row.reading.status]
        row = cells(line)
        made.add_row(*(Text(row[place], style) for place in shown))
    return made


def cells(line: Line) -> tuple[str, ...]:
    reading = line.row.reading
    wad = reading.valuation.health if reading.valuation else None
    address = to_checksum_address(reading.key.key)
    return (
        line.who,
        address,
        line.market,
        health(wad),
        change(line.before.health if line.before else None, wad),
        away(line),
        WORDS[reading.status],
    )


def change(before: int | None, now: int | None) -> str:
    """Of health since the block before, to four digits; nothing where it did not move that far."""
    if before is None or now is None:
        return ""
    moved = fixed(abs(now - before) // 10**14, 4, 4)
    return "" if moved == "0.0000" else f"{'+' if now > before else '−'}{moved}"


def away(line: Line) -> str:
    found = None if line.row.reading.valuation is None else line.fall()
    return f"−{percent(found.steps, STEPS)}" if found is not None and found.steps else ""
