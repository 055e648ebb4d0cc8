"""What a run of the demo came to, in the asked format, and how to look at a node that is held."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.text import Text

from watcher.cli.demo.listing import TOP
from watcher.cli.demo.program import Files
from watcher.cli.demo.scene import Line, Scene
from watcher.cli.demo.show import console, panel, table
from watcher.cli.demo.tally import PROTOCOLS, Outcome
from watcher.cli.options import Format, Options
from watcher.cli.output import Column, plain, show
from watcher.cli.scan.record import document
from watcher.cli.scan.sheet import show_scan
from watcher.figures import exact
from watcher.scan.look import View
from watcher.text import clean_line

POSITION = ("name", "account", "market", "status", "health", "unit", "collateral", "debt")
COLUMNS = tuple(Column(key, key) for key in ("block", "block_time", *POSITION))
MOST = 20  # differences that are shown; json has them all


@dataclass(frozen=True, slots=True)
class Held:
    """A node that stays up, the files for it, and the text of its chains file."""

    url: str
    files: Files
    text: str

    def places(self) -> dict[str, str]:
        files = self.files
        return {"url": self.url, "chains": str(files.chains), "config": str(files.config), "db": str(files.store)}


def report(outcome: Outcome, view: View, scenes: Sequence[Scene], options: Options, held: Held | None = None) -> None:
    """Table and json say everything on stdout; with jsonl and csv stdout has every position at every block, stderr the verdict."""
    match options.format:
        case Format.JSON:
            final = [plain(record(line)) for line in scenes[-1].lines]
            end = {"block": str(scenes[-1].block.number), "final": final, "scan": plain(document(view, ()))}
            place = {} if held is None else held.places()
            sys.stdout.write(json.dumps(outcome.document() | end | place, indent=2) + "\n")
            out = console(sys.stderr)
        case Format.TABLE:
            out = console(sys.stdout)
            out.print(table(scenes[-1].lines, out.width))
            out.print()
            out.print(panel(scenes[-1].markets))
            out.print(Text(f"\n$ {program()} scan {view.market.name} --top {TOP}"), soft_wrap=True)
            out.file.flush()
            show_scan(view, ())
            conclude(out, outcome)
        case Format.JSONL | Format.CSV:
            show([row for scene in scenes for row in records(scene)], COLUMNS, options.format)
            out = console(sys.stderr)
            conclude(out, outcome)
    sys.stdout.flush()
    if held is not None and not (options.quiet and out.file is sys.stderr):
        invite(out, held, scenes[-1].lines, view.market.name)


def record(line: Line) -> dict[str, Any]:
    """One position in the words of `watcher account`: decimals in the market's `unit`, None where it could not be read."""
    reading = line.row.reading
    seen = reading.valuation
    figures: dict[str, Any] = {"health": None, "unit": None, "collateral": None, "debt": None}
    if seen is not None:
        places = seen.unit.decimals
        figures["health"] = None if seen.health is None else exact(seen.health, 18)
        figures["unit"] = seen.unit.symbol
        figures |= {"collateral": exact(seen.collateral, places), "debt": exact(seen.debt, places)}
    account = to_checksum_address(reading.key.key)
    return {"name": line.who, "account": account, "market": reading.key.market, "status": reading.status, **figures}


def records(scene: Scene) -> Iterator[dict[str, Any]]:
    for line in scene.lines:
        yield {"block": scene.block.number, "block_time": scene.block.timestamp} | record(line)


def conclude(out: Console, outcome: Outcome) -> None:
    out.print()
    for line in verdict(outcome):
        out.print(line, soft_wrap=not out.is_terminal)


def verdict(outcome: Outcome) -> Iterator[Text]:
    """What was compared, what took place, and the one line that counts."""
    yield Text(
        f"{outcome.accounts} accounts with {outcome.positions} positions on three markets, {outcome.blocks} blocks: "
        f"{outcome.comparisons} comparisons of {outcome.figures} figures with the contracts' own answers, "
        f"{len(outcome.differences)} mismatches"
    )
    crossed = ", ".join(f"{outcome.crossed.get(protocol, 0)} on {name}" for protocol, name in PROTOCOLS.items())
    yield Text(
        f"positions that crossed their line: {crossed}; liquidations: {outcome.liquidations}; reorgs: {outcome.reorgs} "
        f"({outcome.replaced} blocks); poisoned replies refused: {outcome.faults}; {outcome.seconds:.1f} s"
    )
    told = outcome.account
    yield Text(
        f"watcher run stored {told.transitions} transitions, {told.expected} were expected; retracted by the reorg: {told.retractions}; "
        f"kills (SIGKILL): {outcome.kills}; gaps: {told.gaps} ({told.unwatched} blocks nobody watched)"
    )
    seen = outcome.whole
    yield Text(
        f"{seen.markets} whole markets with {seen.accounts} positions in debt: {seen.comparisons} healths compared, "
        f"{seen.found} times somebody at risk, {seen.expected} by the contracts; unexplained debt: {seen.unexplained} shares; "
        f"{seen.transitions} transitions of whom nobody has listed, {seen.expected_transitions} were expected"
    )
    for one in outcome.differences[:MOST]:
        yield Text(clean_line(str(one)), "red")
    if outcome.broken:
        yield Text(f"FAILED: {'; '.join(outcome.broken)}", "bold red")
    else:
        yield Text("EXACT: every figure equals the contracts' own, at every block", "bold green")


def invite(out: Console, held: Held, lines: Sequence[Line], market: str) -> None:
    """The chains file, and commands that can be pasted."""
    address, files, name = to_checksum_address(lines[0].row.reading.key.key), held.files, program()
    tried = (
        f"{name} init --address {address} --chains {files.chains} --config mine.toml",
        f"{name} run --config mine.toml --db mine.db",
        f"{name} account {address} --chains {files.chains}",
        f"{name} account {address} --price WETH=-10% --chains {files.chains}",
        f"{name} history {address} --config {files.config} --every 0",
        f"{name} history {address} --config {files.config} --every 0 --plot health.png",
        f"{name} scan {market} --chains {files.chains} --db {files.store}",
    )
    parts = (
        "",
        held.text,
        f"# {files.chains}",
        f"# {files.config}: who is watched, and {files.store}: what was recorded",
        f"the node stays up at {held.url} until Ctrl-C, and its prices go on moving; try in another terminal:",
        *tried,
    )
    for part in parts:
        out.print(Text(part), soft_wrap=True)


def program() -> str:
    """How this program is called here."""
    beside = Path(sys.executable).with_name("watcher")
    return str(beside) if shutil.which("watcher") is None and beside.exists() else "watcher"
