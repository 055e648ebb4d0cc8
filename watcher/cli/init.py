"""`watcher init`: asks for addresses, endpoints and one channel, writes watcher.toml with comments, and runs `watcher check`.

What a flag gives is not asked for, and nothing is asked where nobody can answer. Secrets go into files of their own beside it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from eth_typing import ChecksumAddress

from watcher.alerts.schemes import scheme
from watcher.check.chain import DEADLINE
from watcher.cli.check import check
from watcher.cli.options import ChainsFile, Format, FormatName, Options, Quiet, Verbose
from watcher.config import Config, load, with_rpc
from watcher.config.address import may_be_name
from watcher.config.draft import Draft
from watcher.config.read_watch import parse_watch, places
from watcher.config.secret import is_reference, may_hold_key, put_away, revealed
from watcher.connection import placed
from watcher.errors import ConfigError, UsageError, WatcherError
from watcher.exit import Exit
from watcher.library import meant

T = TypeVar("T")
WHOM = "Whose positions (addresses or ENS names, separated by spaces)"
WHERE = "Your endpoints (URL, env:NAME or file:PATH; empty: public ones, which learn the addresses)"
HOW = "Where alerts go besides the console (an apprise URL, env:NAME or file:PATH; empty: nowhere)"


def command(
    address: Annotated[
        list[str] | None, typer.Option("--address", metavar="ADDRESS|NAME", help="Whom to watch. May be repeated.")
    ] = None,
    rpc: Annotated[
        list[str] | None,
        typer.Option("--rpc", metavar="URL", help="An endpoint: a URL, env:NAME or file:PATH. May be repeated."),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="URL", help="Where alerts go: an apprise URL, env:NAME or file:PATH."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The file to write, else the user's own.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Run watcher check on it afterwards.")] = True,
    chains: ChainsFile = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains, None, None, format, quiet, verbose)
    options.start_logging()
    target = config or places(os.environ)[0]
    asking = sys.stdin.isatty() and not address
    interview = Interview(target.parent, options, asking)
    try:
        if (
            target.exists()
            and not force
            and not (sys.stdin.isatty() and typer.confirm(f"{target} exists; replace it?", err=True))
        ):
            raise UsageError(f"{target} exists and was left as it is; name another with --config, or use --force")
        draft = interview.draft(address or (), rpc or (), channel)
    except typer.Abort:
        raise KeyboardInterrupt from None
    write(target, draft.written())
    options.note(f"wrote {target}")
    return checked(target, options) if check else Exit.OK


@dataclass(frozen=True, slots=True)
class Interview:
    """What is asked, and asked again until it can be used. `folder` is where watcher.toml will be."""

    folder: Path
    options: Options
    asking: bool

    def draft(self, addresses: Sequence[str], rpc: Sequence[str], channel: str | None) -> Draft:
        """From flags where there are any, else from answers. Raises what is wrong with a flag; an answer is asked for again."""
        if not addresses and not self.asking:
            raise UsageError("name whom to watch with --address; nobody is here to be asked")
        endpoints, config = self.answer(WHERE, list(rpc), self.endpoints, bool(rpc))
        accounts = self.answer(
            WHOM, list(addresses), lambda given: self.accounts(given, config, bool(endpoints)), bool(addresses)
        )
        channels = self.answer(HOW, [channel] if channel else [], self.channels, channel is not None)
        file = self.options.chains
        return Draft(accounts, endpoints, channels, None if file is None else file.resolve())

    def answer(self, question: str, given: list[str], use: Callable[[list[str]], T], flagged: bool) -> T:
        while True:
            if self.asking and not flagged:
                given = typer.prompt(question, default="", show_default=False, err=True).split()
            try:
                return use(given)
            except WatcherError as error:
                if flagged or not self.asking:
                    raise
                typer.echo(f"  {error}", err=True)

    def accounts(self, given: list[str], config: Config, private: bool) -> dict[str, ChecksumAddress]:
        if not given:
            raise UsageError("name at least one address or ENS name")
        found = asyncio.run(meant(given, config, load(self.options.chains), private=private))
        for text, owner in found.items():
            if may_be_name(text):
                self.options.note(f"{text} is {owner}")
        twice = [text for text, owner in found.items() if list(found.values()).index(owner) != list(found).index(text)]
        return {text: owner for text, owner in found.items() if text not in twice}

    def endpoints(self, given: list[str]) -> tuple[dict[str, tuple[str, ...]], Config]:
        """What to write for each chain, by what every endpoint says of itself, and the configuration with them. Secrets are put away."""
        urls = {text: self.reveal(text) for text in given}
        config = asyncio.run(placed(with_rpc(load(self.options.chains), list(urls.values()))))
        found: dict[str, tuple[str, ...]] = {}
        for text, url in urls.items():
            name = next(chain.name for chain in config.chains for one in chain.endpoints if one.url == url.strip())
            written = text if is_reference(text) else self.put_away(url, f"rpc-{name}", may_hold_key(url))
            found[name] = (*found.get(name, ()), written)
        return found, config

    def channels(self, given: list[str]) -> dict[str, str]:
        if not given:
            return {}
        if len(given) > 1:
            raise UsageError("one channel, please; more can be written into the file")
        url = self.reveal(given[0])
        scheme(url)
        return {"alerts": given[0] if is_reference(given[0]) else self.put_away(url, "alerts", True)}

    def reveal(self, text: str) -> str:
        """What a reference stands for; any other text as it is."""
        try:
            return revealed(text, self.folder, os.environ) if is_reference(text) else text
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def put_away(self, text: str, name: str, secret: bool) -> str:
        if not secret:
            return text
        try:
            reference = put_away(text, self.folder, name)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        self.options.note(f"kept in {self.folder / reference.removeprefix('file:')}, which only you can read")
        return reference


def write(target: Path, text: str) -> None:
    """The whole file or nothing; what could not be read back is not written."""
    parse_watch(text, target, os.environ)
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from None


def checked(target: Path, options: Options) -> Exit:
    """`watcher check` of what was written."""
    watch = parse_watch(target.read_text(encoding="utf-8"), target, os.environ)
    return asyncio.run(check(watch.config, False, (), 0, DEADLINE, options, watch))
