"""`watcher export liquidations`: what `watcher liquidations` finds on the chain, written as it is found."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import closing
from importlib.metadata import version
from typing import Any

from watcher.chronicle.court import Court
from watcher.chronicle.liquidations import cases, liquidated
from watcher.chronicle.past import Past
from watcher.chronicle.span import Bound, span
from watcher.cli.export.target import Target
from watcher.cli.liquidations.record import of_case
from watcher.cli.marks import MARKS, Marks
from watcher.cli.options import Options
from watcher.cli.progress import progress
from watcher.config import Config
from watcher.connection import connect, only, placed
from watcher.exit import Exit
from watcher.export.schema import SHEETS, Sheet
from watcher.text import clean_line

Row = dict[str, Any]


def export_liquidations(
    config: Config, wanted: str, bounds: tuple[Bound, Bound], target: Target, options: Options
) -> Exit:
    """Every liquidation of the market between the bounds; exit 4 where something of one is unknown."""
    reasons: Counter[str] = Counter()
    with asyncio.Runner() as runner, closing(_pulled(runner, _found(config, wanted, bounds, options))) as rows:
        count = target.write(Sheet.LIQUIDATIONS, _counted(rows, reasons), _origin(wanted, bounds))
    for reason in reasons:
        sys.stderr.write(f"watcher: unknown: {clean_line(reason)}\n")
    options.note(f"{count} liquidations to {target.words}")
    return Exit.SOURCE if reasons else Exit.OK


async def _found(
    config: Config, wanted: str, bounds: tuple[Bound, Bound], options: Options
) -> AsyncGenerator[Mapping[str, Any], None]:
    """The logs of the whole range, then liquidation by liquidation what the blocks around it say."""
    (chain,) = only(await placed(config), [wanted]).chains
    (market,) = chain.markets
    visible = not options.quiet and sys.stderr.isatty()
    async with connect(chain) as line:
        pin = await line.pin()
        past = Past(pin.line.reader, market)
        terms = (await past.at(pin.block.number, ())).terms
        first, last = await span(pin.line, market, pin.block, *bounds)
        court = Court(pin.line, past, pin.block)
        with progress("reading logs", MARKS, visible) as step:
            found = await liquidated(court, terms, first, last, Marks(step, first, last).reached)
        with progress("reading blocks", sum(map(len, found.values())), visible) as step:
            async for case in cases(court, found):
                yield of_case(chain, market, case, pin.block.number - chain.finality)
                step(str(case.block.number))


def _pulled(
    runner: asyncio.Runner, found: AsyncGenerator[Mapping[str, Any], None]
) -> Generator[Mapping[str, Any], None, None]:
    """The same for a writer that knows no loop: the next one is asked for when the last one is written."""

    async def following() -> Mapping[str, Any] | None:
        return await anext(found, None)

    async def end() -> None:
        await found.aclose()

    try:
        while (record := runner.run(following())) is not None:
            yield record
    finally:
        runner.run(end())


def _counted(records: Iterator[Mapping[str, Any]], reasons: Counter[str]) -> Iterator[Row]:
    for record in records:
        reasons.update(record["unknown"])
        yield {
            **{field.name: record.get(field.name) for field in SHEETS[Sheet.LIQUIDATIONS]},
            "bad_debt": record["bad_debt"]
            and [{**one, "amount_raw": str(one["amount_raw"])} for one in record["bad_debt"]],
            "unknown": "; ".join(record["unknown"]) or None,
        }


def _origin(wanted: str, bounds: tuple[Bound, Bound]) -> Mapping[str, Any]:
    return {
        "export": Sheet.LIQUIDATIONS.value,
        "program": version("lending-watcher"),
        "market": wanted,
        "since": {"block": bounds[0].number, "time": bounds[0].time},
        "until": {"block": bounds[1].number, "time": bounds[1].time},
    }
