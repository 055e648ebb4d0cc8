"""`watcher demo`: the production path on a local chain with the real contracts, checked at every block against their own answers."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from watcher.cli.demo.report import Held, report
from watcher.cli.demo.run import FIRST, SECOND, Run, Scene
from watcher.cli.demo.show import console, stage
from watcher.cli.options import BlockAt, ChainName, ChainsFile, Format, FormatName, Options, Quiet, Verbose
from watcher.config import Endpoint, dump
from watcher.connection import connect
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.localchain.anvil import Anvil
from watcher.localchain.cache import cache_folder
from watcher.localchain.prepare import prepare
from watcher.localchain.stage.cast import enter, names
from watcher.localchain.stage.liar import Liar
from watcher.localchain.stage.play import LASTS
from watcher.localchain.stage.truth import Truth
from watcher.localchain.stage.world import World, opened


def command(
    as_json: Annotated[bool, typer.Option("--json", help="The counts as one json object, as --format json.")] = False,
    hold: Annotated[
        bool, typer.Option("--hold", help="Keep the node up afterwards, for the other commands, until Ctrl-C.")
    ] = False,
    chains: ChainsFile = None,
    chain: ChainName = None,
    block: BlockAt = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    if chains is not None or chain is not None or block is not None:
        raise UsageError(
            "demo makes its own chain, so --chains, --chain and --block have no meaning here; leave them out"
        )
    options = Options(format=Format.JSON if as_json else format, quiet=quiet, verbose=verbose)
    options.start_logging()
    with ending_cleanly():
        options.note("preparing the local chain (the first time it fetches packages and compiles: about a minute)")
        prepare(options.note)
        return asyncio.run(demo(options, hold))


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that the node never stays behind; also where Ctrl-C is ignored, as in the background."""

    def end(number: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


async def demo(options: Options, hold: bool) -> Exit:
    """Deploy, play, report. The chain's clock starts so far back that the play ends at the present."""
    out = console(sys.stdout if options.format is Format.TABLE else sys.stderr)
    scenes: list[Scene] = []
    async with opened(Anvil(timestamp=int(time.time()) - LASTS, say=options.note)) as world:
        options.note(f"Aave V3.0, Aave V3.6 and Morpho Blue are deployed; {len(names())} accounts open their positions")
        await enter(world)
        async with Truth(world) as truth, Liar(world.chain.url) as liar:
            endpoints = (Endpoint(FIRST, liar.url), Endpoint(SECOND, world.chain.url))
            async with connect(world.configured(endpoints)) as line:
                with stage(out, options.quiet) as watch:

                    def see(scene: Scene) -> None:
                        scenes.append(scene)
                        watch(scene)

                    run = Run(world, line, liar, truth, see)
                    outcome = await run.perform()
        counted = [scene for scene in scenes if scene.block.hash in run.tally.blocks]
        if not hold:
            report(outcome, counted, options)
        else:
            with held(world) as place:
                report(outcome, counted, options, place)
                await interruption()
    return Exit.BUG if outcome.broken else Exit.OK


@contextmanager
def held(world: World) -> Iterator[Held]:
    """A chains file for the node, in the cache folder; gone again when the node is."""
    text = dump(world.configured([Endpoint("demo", world.chain.url)]))
    path = cache_folder() / f"demo-{world.chain.chain_id}.toml"
    path.write_text(text, encoding="utf-8")
    try:
        yield Held(world.chain.url, path, text)
    finally:
        path.unlink(missing_ok=True)


async def interruption() -> None:
    """Wait for Ctrl-C or SIGTERM, which are a good end here."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return
