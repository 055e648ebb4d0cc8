"""What a watcher.toml needs besides its chains: names that mean somebody, a store that can be used and has room, channels that deliver."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from watcher.alerts.channels import Apprise, Channel, Console
from watcher.alerts.outbox import announce
from watcher.alerts.render import trial
from watcher.chain.ens import Pinned
from watcher.check import About, Finding, Result
from watcher.check.finding import Verdict
from watcher.cli.check_proofs import check_proofs
from watcher.config import Chain, load
from watcher.config.watch import Watch
from watcher.errors import ConfigError, StoreError, UsageError, WatcherError
from watcher.names import ethereum, resolve

MEGABYTE = 10**6


async def check_watch(watch: Watch, chains: Sequence[Chain], send: bool) -> list[Finding]:
    """All that no endpoint is asked for, the stored proofs of these chains' markets too. With `send` every channel gets a test message."""
    names = await check_names(watch)
    store = await asyncio.to_thread(check_store, watch.db)
    proofs = await asyncio.to_thread(check_proofs, watch.db, chains) if store.facts else []  # it opened
    return [*names, store, *proofs, *await check_channels(watch, send)]


async def check_names(watch: Watch) -> list[Finding]:
    """What each ENS name means now."""
    if not watch.names:
        return []
    try:
        found = await resolve(ethereum(watch.config, load()), watch.names)
    except WatcherError as error:
        found = dict.fromkeys(watch.names, error)
    return [Finding(None, About.WALLET, name, "name", meaning(answer)) for name, answer in found.items()]


def meaning(answer: Pinned | WatcherError) -> Verdict:
    if isinstance(answer, Pinned):
        return Verdict(Result.OK, f"is {answer.address}")
    result = Result.FAIL if isinstance(answer, UsageError) else Result.UNKNOWN  # the name is at fault, or who was asked
    return Verdict(result, str(answer), "write the address instead, or name an endpoint of Ethereum")


def check_store(db: str | Path | None) -> Finding:
    """Whether the store opens with this program's schema, and what a month adds at its pace. Bytes in `facts`."""
    from watcher.store.open import default, open_store
    from watcher.store.upkeep import growth

    path = None if isinstance(db, str) and "://" in db else Path(db or default())
    if path is not None and missing(path):
        verdict = Verdict(
            Result.WARN, f"there is none at {path} yet", "watcher run makes it, and so does watcher db upgrade"
        )
        return Finding(None, About.STORE, path.name, "store", verdict)
    try:
        with open_store(db) as store:
            grows, name = growth(store), store.name
    except StoreError as error:
        return Finding(None, About.STORE, "store", "store", Verdict(Result.FAIL, str(error), "see watcher db"))
    free = None if path is None else shutil.disk_usage(path.parent).free
    facts = {"bytes": grows.size, "month_bytes": grows.month, "free_bytes": free}
    return Finding(None, About.STORE, Path(name).name, "store", room(grows.size, grows.month, free), facts)


def missing(path: Path) -> bool:
    """Where it may not be looked at, opening it says why."""
    try:
        return not path.exists()
    except OSError:
        return False


def room(size: int, month: int | None, free: int | None) -> Verdict:
    """The forecast, against the room there is on the disk (None: not to be seen from here)."""
    now = f"{megabytes(size)} now"
    if month is None:
        return Verdict(Result.OK, f"{now}; too little history to tell what a month adds")
    text = f"{now}, a month adds {megabytes(month)} at the pace so far"
    if free is not None and month > free:
        text += f"; {megabytes(free)} are free"
        return Verdict(Result.WARN, text, "make room, or let [keep] of watcher.toml say what may go")
    return Verdict(Result.OK, text)


def megabytes(size: int) -> str:
    """Rounded up."""
    return f"{-(-size // MEGABYTE):,} MB"


async def check_channels(watch: Watch, send: bool) -> list[Finding]:
    """A finding per channel; the console is stderr here, because stdout is for the findings."""
    ways: list[Channel] = [Console(sys.stderr)] if watch.console else []
    refused: list[Finding] = []
    for one in watch.channels:
        try:
            ways.append(Apprise(one.name, one.url, one.allow_private))
        except ConfigError as error:
            verdict = Verdict(Result.FAIL, str(error), "correct its URL")
            refused.append(Finding(None, About.CHANNEL, one.name, "channel", verdict))
    if not ways and not refused:
        silent = Verdict(
            Result.FAIL, "there is none, and the console is off: nobody would hear of anything", "name one"
        )
        return [Finding(None, About.CHANNEL, "channels", "channel", silent)]
    return [*(await sent(ways) if send else unsent(ways)), *refused]


def unsent(ways: Sequence[Channel]) -> Iterator[Finding]:
    for way in ways:
        yield Finding(None, About.CHANNEL, way.name, "channel", Verdict(Result.OK, "is named; --send would try it"))


async def sent(ways: Sequence[Channel]) -> list[Finding]:
    """A test message straight to each."""
    failed = {failure.channel: failure for failure in await announce(ways, trial(int(time.time())))}
    found = []
    for way in ways:
        failure = failed.get(way.name)
        verdict = Verdict(Result.OK, "took a test message")
        if failure is not None:
            verdict = Verdict(Result.FAIL, failure.reason, "correct its URL" if failure.permanent else "try again")
        found.append(Finding(None, About.CHANNEL, way.name, "message", verdict))
    return found
