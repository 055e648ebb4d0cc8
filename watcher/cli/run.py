"""`watcher run`: watches the wallets of watcher.toml until it is told to stop. Cycles are logged on stderr, alerts go to stdout."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watcher.chain.ens import Pinned
from watcher.cli.options import ChainName, ChainsFile, Options, Quiet, Verbose
from watcher.cli.profile import Profile, profiled
from watcher.config import load
from watcher.config.read_watch import load_watch
from watcher.config.watch import Watch
from watcher.connection import placed
from watcher.errors import UsageError, WatcherError
from watcher.exit import Exit
from watcher.names import ethereum, resolve
from watcher.scheduler import Timetable
from watcher.watching.heads import Announced
from watcher.watching.session import Session, opened

PRUNING: Final = 3_600.0  # seconds
ENDING: Final = (signal.SIGTERM, signal.SIGINT)


def command(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml; WATCHER_CONFIG names it too.")
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", metavar="PATH|URL", help="The store: a file, or a PostgreSQL URL.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One cycle of every chain, then end.")] = False,
    cycles: Annotated[
        int | None, typer.Option("--cycles", metavar="N", min=1, help="End after so many cycles of every chain.")
    ] = None,
    accept_reorg: Annotated[
        bool,
        typer.Option("--accept-reorg", help="Take a chain on although blocks are gone that were final; theirs go too."),
    ] = False,
    chains: ChainsFile = None,
    chain: ChainName = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    profile: Profile = False,
) -> int:
    if once and cycles is not None:
        raise UsageError("run: --once and --cycles say the same thing differently; leave one of them out")
    Options(quiet=quiet, verbose=verbose if quiet else verbose + 1).start_logging()
    watch = load_watch(config, chains=chains, db=db)
    watch = replace(watch, config=watch.config.only(chain))
    with profiled(profile):
        return asyncio.run(run(watch, 1 if once else cycles, accept_reorg))


async def run(watch: Watch, cycles: int | None, accept: bool) -> Exit:
    """Until a signal comes, or every chain has had so many cycles: then 4 where the last of one of them was not complete."""
    stop = asyncio.Event()
    with ending(stop) as signals:
        watch = replace(watch, config=await placed(watch.config))
        async with opened(watch, await meanings(watch), sys.stdout, accept=accept) as session:
            if cycles == 1:
                await either(session.once(), stop)
            else:
                await Rounds(session, cycles, stop).run()
    if signals:
        return Exit.INTERRUPTED if signals[0] is signal.SIGINT else Exit.OK
    if session.desk.store_error is not None:
        raise session.desk.store_error
    return Exit.OK if session.desk.complete else Exit.SOURCE


@contextmanager
def ending(stop: asyncio.Event) -> Iterator[list[signal.Signals]]:
    """SIGTERM and Ctrl-C set `stop` instead of tearing a cycle apart; the list says which came."""
    came: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        came.append(number)
        stop.set()

    for number in ENDING:
        loop.add_signal_handler(number, end, number)
    try:
        yield came
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)


async def either(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """`work` to its end, unless `stop` comes first."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


class Rounds:
    """Every chain's turns, by the timetable and at announced heads, and what else this machine's clock is for."""

    def __init__(self, session: Session, cycles: int | None, stop: asyncio.Event) -> None:
        self.session, self.stop = session, stop
        self.left = dict.fromkeys(session.desk.chains, cycles)
        self.timetable = Timetable()
        self.announced: dict[str, Announced] = {}

    async def run(self) -> None:
        """Until `stop` is set; the outbox and whoever listens for heads run beside it."""
        session = self.session
        for name in self.left:
            self.timetable.every(session.seconds(name), partial(self._turn, name), name)
        for seconds, job in (
            (PRUNING, session.upkeep.prune),
            (session.checks.prices, session.upkeep.prices),
            (session.checks.audit, session.upkeep.audit),
        ):
            self.timetable.hourly(seconds, job, f"upkeep.{job.__name__}")
        beside = [asyncio.create_task(work) for work in self._beside()]
        for task in beside:
            task.add_done_callback(self._ended)
        try:
            await self.timetable.run(self.stop)
            await session.desk.leave()
            await session.told()
        finally:
            self.timetable.close()
            for one in self.announced.values():
                one.close()
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
        for task in beside:
            if not task.cancelled():
                task.result()

    def _beside(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What runs beside the timetable: messages, announced heads, appraisals, and the opening of followed markets."""
        yield self.session.outbox.run()
        yield self.session.appraising.run()
        yield from self._listening()
        for opening in self.session.openings:
            yield opening.run()

    def _listening(self) -> Iterator[Coroutine[Any, Any, None]]:
        for name in self.left:
            announced = Announced(partial(self.timetable.soon, name), self.session.least(name))
            heads = self.session.heads(name, announced.heard)
            if heads is not None:
                self.announced[name] = announced
                yield heads.run()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.stop.set()

    async def _turn(self, name: str) -> None:
        session, left = self.session, self.left
        done = await session.desk.turn(name)
        count = left[name]
        if count is not None and done is not None and (done.new or done.error is not None):
            left[name] = count - 1
        if done is not None and name in self.announced:
            self.announced[name].turned(done)
        if name in session.desk.stopped or left[name] == 0:
            self.timetable.drop(name)
        if session.desk.stopped | {one for one, count in left.items() if count == 0} == left.keys():
            self.stop.set()


async def meanings(watch: Watch) -> dict[str, Pinned | WatcherError]:
    """What the file's ENS names mean now."""
    return await resolve(ethereum(watch.config, load()), watch.names) if watch.names else {}
