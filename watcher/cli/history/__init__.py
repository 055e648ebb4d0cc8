"""`watcher history`: what the store knows of an address, over time or as it was at one block. It asks nothing of any chain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from eth_utils.address import to_checksum_address

from watcher.cli.db import configured, named
from watcher.cli.options import (
    At,
    AtAge,
    AtNumber,
    ChainName,
    ChainsFile,
    Format,
    FormatName,
    Markets,
    Options,
    Quiet,
    Verbose,
    moment,
    parse_block,
)
from watcher.cli.since import since_of, span
from watcher.config import Config, load
from watcher.config.watch import Watch
from watcher.errors import ConfigError, UsageError
from watcher.exit import Exit
from watcher.health.bands import CORRELATED, VOLATILE

if TYPE_CHECKING:
    from watcher.cli.history.course import Place
    from watcher.watching.policy import Policy

WEEK: Final = AtAge(timedelta(days=7))


def command(
    who: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose past: an address, or a label of watcher.toml.")],
    market: Markets = None,
    since: Annotated[
        At | None,
        typer.Option("--since", metavar="WHEN", parser=parse_block, help="A date (UTC) or an age; else 7d."),
    ] = None,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="Of each such span the worst reading; 0 for all of them.")
    ] = "1h",
    at: Annotated[
        At | None,
        typer.Option(
            "--at",
            metavar="WHEN",
            parser=parse_block,
            help="Recompute it as it was at a block, date (UTC) or age, from the stored words.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw it instead, into FILE.png or FILE.svg.")
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", metavar="PATH|URL", help="The store; WATCHER_DB names it too.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml; WATCHER_CONFIG names it too.")
    ] = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    if plot is not None:
        drawable(plot, at, format)
    watch = configured(config, db)
    known = load(chains) if watch is None or chains is not None else watch.config
    account = key_of(who, watch)
    now = datetime.now(UTC)
    begin, step = since_of(since or WEEK, now), span(every)
    from watcher.cli.history.course import outside, places
    from watcher.cli.history.show import show_at, show_courses
    from watcher.store.open import open_store

    with open_store(named(db, watch)) as store:
        wanted = None if chain is None else known.chain(chain).id
        found = places(store, account, wanted, market or ())
        if not found:
            found = outside(store, account, wanted, market or ())
            if not found or at is None:
                raise UsageError(nobody(store.name, account, found, bool(wanted or market)))
        numbers = {place.market.chain for place in found}
        policies = {number: policy(number, known, watch, options) for number in numbers}
        if at is None:
            if plot is not None:
                from watcher.cli.history.picture import picture

                picture(store, found, begin, step, policies, options, plot)
                return Exit.OK
            show_courses(store, found, begin, step, policies, options, int(now.timestamp()))
            return Exit.OK
        if isinstance(at, AtNumber) and len(numbers) > 1:
            raise UsageError("--at BLOCK is of one chain: add --chain, or use a date")
        return Exit.OK if show_at(store, found, moment(at, now), policies, options) else Exit.SOURCE


def nobody(name: str, account: bytes, followed: Sequence[Place], narrowed: bool) -> str:
    """Why there is nothing to show."""
    never = f"; it never owed in {', '.join(place.market.name for place in followed)}" if followed else ""
    return f"{name} has no position of {to_checksum_address(account)}{' there' if narrowed else ''}{never}"


def drawable(plot: Path, at: At | None, format: Format) -> None:
    """`UsageError` or `ConfigError` before anything is read, where no picture could be made."""
    from watcher.plots.style import matplotlib, of_name

    if at is not None or format is not Format.TABLE:
        raise UsageError("--plot draws the course over time: leave --at and --format out")
    of_name(plot)
    matplotlib()


def key_of(who: str, watch: Watch | None) -> bytes:
    """The address that is meant, as a position's key begins. A name is not resolved: that would ask a chain."""
    for account in () if watch is None else watch.accounts:
        if who in (account.label, account.ens) and account.address is not None:
            return bytes.fromhex(account.address[2:])
    from watcher.library import address

    return bytes.fromhex(address(who)[2:])


def policy(number: int, known: Config, watch: Watch | None, options: Options) -> Policy:
    """Whose bands apply on a chain: those of watcher.toml, else the general ones."""
    from watcher.health.correlated import Group
    from watcher.watching.policy import Policy

    chain = next((one for one in known.chains if one.id == number), None)
    if watch is not None and chain is not None:
        try:
            return Policy.of(watch, chain, {})
        except ConfigError as error:
            options.note(f"the lines leave out the bands of single wallets and markets: {error}")
    groups = () if chain is None else tuple(Group(one.name, frozenset(one.tokens)) for one in chain.groups)
    volatile, correlated = (VOLATILE, CORRELATED) if watch is None else (watch.volatile, watch.correlated)
    return Policy(groups, (), volatile, correlated)
