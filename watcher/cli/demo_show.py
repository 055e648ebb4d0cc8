"""How the demo looks: a live table on a terminal, a line per block elsewhere, and what it all came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from watcher.cli.demo_run import Line, Scene, Watch
from watcher.cli.demo_tally import PROTOCOLS, Outcome
from watcher.cli.figures import health, percent, short
from watcher.health.status import urgency
from watcher.model import Status
from watcher.text import clean_line

STYLE = {Status.LIQUIDATABLE: "bold red", Status.UNKNOWN: "bold magenta", Status.OWING: "", Status.NO_DEBT: "dim"}
WORDS = {Status.LIQUIDATABLE: "LIQUIDATABLE", Status.UNKNOWN: "UNKNOWN", Status.OWING: "", Status.NO_DEBT: "no debt"}
COLUMNS = (("account", False), ("market", False), ("health", True), ("change", True), ("line is", True), ("", False))
PLAIN_WIDTH = 120  # characters, where there is no terminal
CHROME = 8  # lines of a live picture that are not rows
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
                if scene.note:
                    notes.append(remark(scene))
                live.update(picture(out, scene, notes), refresh=True)

            yield draw
        for note in notes:
            out.print(note)
    else:

        def write(scene: Scene) -> None:
            out.print(headline(scene), soft_wrap=True)
            if scene.note:
                out.print(remark(scene), soft_wrap=True)

        yield write


def picture(out: Console, scene: Scene, notes: Sequence[Text]) -> Group:
    """The positions nearest to their line that fit the terminal, under what the block is and how far the run has come."""
    room = max(3, out.height - CHROME - len(notes))
    bar = ProgressBar(total=scene.steps, completed=scene.step, width=min(60, out.width))
    rest = len(scene.lines) - room
    more = [Text(f"… and {rest} further from their line", "dim")] if rest > 0 else []
    return Group(headline(scene), bar, Text(), table(scene.lines, room), *more, *notes)


def headline(scene: Scene) -> Text:
    """Block, prices, what is liquidatable, and the check so far."""
    at = datetime.fromtimestamp(scene.block.timestamp, UTC)
    parts = [f"block {scene.block.number}", f"{at:%d %b %H:%M:%S}"]
    for symbol, name in (("WETH", "ETH"), ("WBTC", "BTC")):
        price = scene.prices.get(symbol)
        if price is not None and price.answer is not None:
            parts.append(f"{name} {price.answer // 10**price.unit.decimals:,}")
    over = sum(line.row.reading.status is Status.LIQUIDATABLE for line in scene.lines)
    parts += [f"{over} liquidatable", f"{scene.comparisons} compared"]
    text = Text("  ".join(parts), "bold")
    text.append(f"  {scene.differences} mismatches", "bold red" if scene.differences else "bold green")
    return text


def remark(scene: Scene) -> Text:
    return Text(clean_line(f"  block {scene.block.number}: {scene.note}"), "yellow")


def table(lines: Sequence[Line], room: int | None = None) -> Table:
    """Nearest to the line first. "line is": the fall of all the position's collateral at which the contract would give it up."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title, right in COLUMNS:
        made.add_column(title, justify="right" if right else "left", no_wrap=True)
    for line in sorted(lines, key=lambda line: urgency(line.row.reading))[:room]:
        reading = line.row.reading
        style = STYLE[reading.status]
        wad = reading.valuation.health if reading.valuation else None
        cells = (line.who, line.market, health(wad), change(line.before, wad), away(line), WORDS[reading.status])
        made.add_row(*(Text(cell, style) for cell in cells))
    return made


def change(before: int | None, now: int | None) -> str:
    """Of health since the block before, to four digits; nothing where it did not move that far."""
    if before is None or now is None:
        return ""
    moved = short(abs(now - before) // 10**14, 4, 4)
    return "" if moved == "0.0000" else f"{'+' if now > before else '−'}{moved}"


def away(line: Line) -> str:
    if line.fall is None or not line.fall.steps:
        return ""
    return f"−{percent(line.fall.steps, STEPS)}"


def verdict(outcome: Outcome) -> Iterator[Text]:
    """What was compared, what took place, and the one line that counts."""
    yield Text(
        f"{outcome.accounts} accounts with {outcome.positions} positions on three markets, {outcome.blocks} blocks: "
        f"{outcome.comparisons} comparisons of {outcome.figures} figures with the contracts' own answers, "
        f"{len(outcome.differences)} mismatches"
    )
    crossed = ", ".join(f"{outcome.crossed.get(protocol, 0)} on {name}" for protocol, name in PROTOCOLS.items())
    yield Text(
        f"positions that crossed their line: {crossed}; liquidations {outcome.liquidations}, reorgs {outcome.reorgs} "
        f"({outcome.replaced} blocks), poisoned replies refused {outcome.faults}; {outcome.seconds:.1f} s"
    )
    for one in outcome.differences[:20]:
        yield Text(clean_line(str(one)), "red")
    if outcome.broken:
        yield Text(f"FAILED: {'; '.join(outcome.broken)}", "bold red")
    else:
        yield Text("EXACT: every figure equals the contracts' own, at every block", "bold green")
