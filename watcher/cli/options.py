"""The options that every verb takes, as typer annotations, and the frozen value they come to."""

from __future__ import annotations

import logging
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from watcher.config import Config, load, with_rpc

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class At:
    """Which block is meant: `AtNumber`, `AtTime` or `AtAge`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AtNumber(At):
    """The block with this number."""

    number: int


@dataclass(frozen=True, slots=True)
class AtTime(At):
    """The newest block that is not after this instant (UTC)."""

    time: datetime


@dataclass(frozen=True, slots=True)
class AtAge(At):
    """The newest block that was made at least this long ago."""

    age: timedelta


def parse_block(text: str) -> At:
    """BLOCK, DATE or AGE: "19000000", "0x121eac0", "2026-11-22", "2026-11-22T10:00", "2h", "7d". A date without a zone is UTC."""
    word = text.strip()
    if re.fullmatch(r"[0-9][0-9_,]*", word):
        return AtNumber(int(re.sub("[_,]", "", word)))
    if re.fullmatch(r"0x[0-9a-fA-F]{1,16}", word):
        return AtNumber(int(word, 16))
    age = re.fullmatch(r"([0-9]{1,7})([smhdw])", word)
    if age:
        return AtAge(timedelta(seconds=int(age[1]) * UNITS[age[2]]))
    try:
        time = datetime.fromisoformat(word)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no block number, date (2026-11-22T10:00) or age (2h)") from None
    return AtTime(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))


def moment(at: At | None, now: datetime) -> tuple[int | None, int | None]:
    """(block number, Unix seconds of the latest allowed block): one of them, or neither for the newest block."""
    match at:
        case AtNumber(number):
            return number, None
        case AtTime(time):
            return None, int(time.timestamp())
        case AtAge(age):
            return None, int((now - age).timestamp())
        case _:
            return None, None


ChainsFile = Annotated[
    Path | None, typer.Option("--chains", metavar="FILE", help="A chains file instead of the packaged one.")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The watcher.toml whose chains, bands and store are meant."),
]
ChainName = Annotated[str | None, typer.Option("--chain", metavar="NAME|ID", help="One chain only.")]
BlockAt = Annotated[
    At | None,
    typer.Option(
        "--block",
        metavar="WHEN",
        parser=parse_block,
        help="A block number, a date (UTC) or an age (2h); else the newest.",
    ),
]
FormatName = Annotated[Format, typer.Option("--format", help="How to print the data.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No notes on stderr.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="More notes on stderr; twice for all.")]
Markets = Annotated[list[str] | None, typer.Option("--market", metavar="NAME|ID", help="These markets only.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="For one chain.", min=1.0)]
Rpc = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc",
        metavar="URL",
        help="An endpoint to ask first; its chain id says which chain it serves. May be repeated.",
    ),
]


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked of every verb. `block` is None for the newest block; `rpc` are URLs and stay out of every message."""

    chains: Path | None = None
    chain: str | None = None
    block: At | None = None
    format: Format = Format.TABLE
    quiet: bool = False
    verbose: int = 0

    def config(self, rpc: list[str] | None = None) -> Config:
        """The configuration these options ask for. Raises `ConfigError`, or `UsageError` for an unknown chain or a bad URL."""
        return with_rpc(load(self.chains).only(self.chain), rpc or [])

    def note(self, text: str) -> None:
        """A note for people, on stderr, unless they asked for quiet."""
        if not self.quiet:
            sys.stderr.write(text + "\n")

    def start_logging(self) -> None:
        """Log records of this package to stderr: warnings, with -v progress, with -vv everything. Other packages stay silent."""
        level = logging.ERROR if self.quiet else [logging.WARNING, logging.INFO, logging.DEBUG][min(self.verbose, 2)]
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        log = logging.getLogger("watcher")
        log.handlers[:] = [stream]
        log.setLevel(level)
        log.propagate = False
