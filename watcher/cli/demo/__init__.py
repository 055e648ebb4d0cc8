"""`watcher demo`: the production path on a local chain with the real contracts, checked at every block against their own answers."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Annotated

import typer

from watcher.cli.demo.program import Files, Program
from watcher.cli.demo.report import Held, report
from watcher.cli.demo.run import FIRST, SECOND, Run
from watcher.cli.demo.scene import Scene
from watcher.cli.demo.show import console, stage
from watcher.cli.options import BlockAt, ChainName, ChainsFile, Format, FormatName, Options, Quiet, Verbose
from watcher.config import Endpoint
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.localchain.anvil import Anvil
from watcher.localchain.prepare import prepare
from watcher.localchain.stage.cast import enter, names, owners
from watcher.localchain.stage.crowd import SIZE, gather
from watcher.localchain.stage.liar import Liar
from watcher.localchain.stage.play import LASTS, Play
from watcher.localchain.stage.swing import swing
from watcher.localchain.stage.truth import Truth
from watcher.localchain.stage.world import World, opened


def command(
    as_json: Annotated[bool, typer.Option("--json", help="The counts as one json object, as --format json.")] = False,
    hold: Annotated[
        bool, typer.Option("--hold", help="Keep the node up afterwards, its prices moving, until Ctrl-C.")
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
    with TemporaryDirectory(prefix="watcher-demo-") as folder:
        files = Files(Path(folder))
        async with opened(Anvil(timestamp=int(time.time()) - LASTS, say=options.note)) as world:
            options.note(
                f"Aave V3.0, Aave V3.6 and Morpho Blue are deployed; {len(names())} accounts open their positions, "
                f"and {SIZE} others on Aave V3.6"
            )
            await enter(world)
            await gather(world)
            async with Truth(world) as truth, Liar(world.chain.url) as liar, Program(files) as program:
                chain = world.configured((Endpoint(FIRST, liar.url), Endpoint(SECOND, world.chain.url)))
                files.write(chain, owners())
                with stage(out, options.quiet) as watch:

                    def see(scene: Scene) -> None:
                        scenes.append(scene)
                        watch(scene)

                    run = Run(world, chain, program, liar, truth, see)
                    outcome = await run.perform()
                    assert run.view is not None
                    view = run.view
            counted = [scene for scene in scenes if scene.watched and scene.block.hash in run.tally.blocks]
            if not hold:
                report(outcome, view, counted, options)
            else:
                report(outcome, view, counted, options, held(world, files))
                await go_on(world)
    return Exit.BUG if outcome.broken else Exit.OK


def held(world: World, files: Files) -> Held:
    """The files again, for the node itself: the endpoint that lied has gone."""
    files.write(world.configured([Endpoint("demo", world.chain.url)]), owners())
    return Held(world.chain.url, files, files.chains.read_text(encoding="utf-8"))


async def go_on(world: World) -> None:
    """Prices move on until Ctrl-C or SIGTERM, which are a good end here."""
    try:
        await swing(await Play.of(world))
    except asyncio.CancelledError:
        return
