"""`watcher alert test`: one message straight to every channel of watcher.toml, so that nobody waits for a real one to find out."""

from __future__ import annotations

import asyncio
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from watcher.alerts.outbox import announce
from watcher.alerts.render import trial
from watcher.cli.options import Options, Quiet, Verbose
from watcher.config.read_watch import load_watch
from watcher.errors import ConfigError
from watcher.exit import Exit
from watcher.watching.session import channels_of


class What(StrEnum):
    TEST = "test"


def command(
    what: Annotated[What, typer.Argument(metavar="test", help="Send a test message.")],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml; WATCHER_CONFIG names it too.")
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(quiet=quiet, verbose=verbose)
    options.start_logging()
    watch = load_watch(config)
    channels = channels_of(watch, sys.stdout)
    if not channels:
        raise ConfigError(f"{watch.source} names no channel and turns the console off: nobody would hear of anything")
    failures = asyncio.run(announce(channels, trial(int(time.time()))))
    for failure in failures:
        options.note(str(failure))
    failed = {failure.channel for failure in failures}
    options.note("; ".join(f"{one.name}: {'FAILED' if one.name in failed else 'sent'}" for one in channels))
    return Exit.SOURCE if failures else Exit.OK
