"""`watcher account`: every position of some addresses, chain by chain as they answer, and what if. Needs no file of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from eth_typing import ChecksumAddress

from watcher.cli.account.alarm import Alarm, Band
from watcher.cli.account.bands import policies_of, usual
from watcher.cli.account.changes import Changes, checked, number, parse
from watcher.cli.account.people import owners_of, written
from watcher.cli.account.sheet import Sheet, sheets, under, valued
from watcher.cli.account.summary import gathered
from watcher.cli.account.wallets import end, show_all, show_one, show_whole
from watcher.cli.options import (
    BlockAt,
    ChainName,
    ChainsFile,
    Format,
    FormatName,
    Markets,
    Options,
    Quiet,
    Rpc,
    Timeout,
    Verbose,
    moment,
)
from watcher.cli.progress import progress
from watcher.cli.risk import wish as risk_options
from watcher.cli.risk.wish import Told
from watcher.config import Config, Origin, with_rpc
from watcher.config.read_watch import load_watch
from watcher.config.risk import Risk
from watcher.config.watch import Watch
from watcher.connection import only, placed
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.library import address
from watcher.model import Status
from watcher.units import WAD, Wad
from watcher.wallet import DEADLINE, Wallet, read_wallet

if TYPE_CHECKING:
    from watcher.cli.risk.look import Wish
    from watcher.cli.risk.report import Report

Addresses = Annotated[
    list[str],
    typer.Argument(
        metavar="ADDRESS…", help="Whose positions: addresses, ENS names, or wallets and groups of --config."
    ),
]
Prices = Annotated[
    list[str] | None, typer.Option("--price", metavar="TOKEN=CHANGE", help="What if: WETH=-20% or WETH=2950.")
]
Deposits = Annotated[list[str] | None, typer.Option("--deposit", metavar="TOKEN=AMOUNT", help="What if: WETH=1.5.")]
Repayments = Annotated[list[str] | None, typer.Option("--repay", metavar="TOKEN=AMOUNT", help="What if: USDC=5000.")]
Borrowings = Annotated[list[str] | None, typer.Option("--borrow", metavar="TOKEN=AMOUNT", help="What if.")]
Withdrawals = Annotated[list[str] | None, typer.Option("--withdraw", metavar="TOKEN=AMOUNT", help="What if.")]
Mode = Annotated[int | None, typer.Option("--emode", metavar="N", help="What if: switch to this e-mode, 0 for none.")]
Later = Annotated[str | None, typer.Option("--at", metavar="+TIME", help="What if: interest until then, +7d or +12h.")]
Target = Annotated[
    str | None,
    typer.Option("--target-health", metavar="H", help="The repay or deposit of each held asset that reaches H."),
]
Limit = Annotated[
    str | None,
    typer.Option(
        "--fail-below", metavar="H", help="Exit 10 when a position's health is below H now, whatever a what-if says."
    ),
]
FailAt = Annotated[
    Band | None,
    typer.Option("--fail-at", help="Exit 10 when a position's status is that band or a worse one, by its own bands."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The watcher.toml whose chains, bands, wallets and groups are meant."
    ),
]
Label = Annotated[str | None, typer.Option("--label", metavar="NAME", help="What they are called together.")]
Vaults = Annotated[
    list[str] | None,
    typer.Option("--vault", metavar="ADDRESS", help="Show their shares in this ERC-4626 vault too. May be repeated."),
]


def command(
    addresses: Addresses,
    rpc: Rpc = None,
    market: Markets = None,
    price: Prices = None,
    deposit: Deposits = None,
    repay: Repayments = None,
    borrow: Borrowings = None,
    withdraw: Withdrawals = None,
    emode: Mode = None,
    at: Later = None,
    target_health: Target = None,
    fail_below: Limit = None,
    fail_at: FailAt = None,
    file: ConfigFile = None,
    label: Label = None,
    vault: Vaults = None,
    risk: risk_options.On = False,
    db: risk_options.Db = None,
    no_sync: risk_options.NoSync = False,
    reaction: risk_options.Reaction = None,
    model: risk_options.ModelName = None,
    scenarios: risk_options.Scenarios = None,
    seed: risk_options.Seed = None,
    depth: risk_options.DepthFile = None,
    parquet: risk_options.Parquet = None,
    plot: risk_options.Plot = None,
    timeout: Timeout = DEADLINE,
    chains: ChainsFile = None,
    chain: ChainName = None,
    block: BlockAt = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains, chain, block, format, quiet, verbose)
    options.start_logging()
    amounts = {"deposit": deposit or (), "repay": repay or (), "borrow": borrow or (), "withdraw": withdraw or ()}
    changes = parse(price or (), amounts, emode, at, target_health)
    limit = None if fail_below is None else Wad(int(Fraction(number("--fail-below", fail_below)) * WAD))
    watch = None if file is None else load_watch(file, chains=chains)
    words = written(addresses, watch)  # a mistyped one is said before anything is asked
    config = options.config(rpc) if watch is None else with_rpc(watch.config.only(chain), rpc or [])
    alarm = Alarm(limit, None if fail_at is None else Status(fail_at))
    asked = Wanted(tuple(addresses), words, label, tuple(map(address, vault or ())), tuple(market or ()))
    if risk and format is Format.CSV:
        raise UsageError("--risk has tables within tables: ask for --format json, or for --parquet FILE")
    told = Told(not no_sync, reaction, model, scenarios, seed, depth, parquet, plot)
    return asyncio.run(
        account(config, asked, changes, alarm, watch, timeout, options, wished(told, db, watch, risk=risk))
    )


def wished(told: Told, db: str | None, watch: Watch | None, *, risk: bool) -> Wish | None:
    """What --risk asks for, checked before anything is read; None without it."""
    if not risk:
        told.refuse(db)
        return None
    from watcher.cli.db import named
    from watcher.cli.risk.look import Wish

    told.check()
    where = db or named(None, watch)
    return Wish(told, told.over(Risk() if watch is None else watch.risk), where)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose positions (`texts` as they were given, `words` what they stand for), together called `label`; in which vaults and markets."""

    texts: tuple[str, ...]
    words: tuple[str, ...]
    label: str | None
    vaults: tuple[ChecksumAddress, ...]
    markets: tuple[str, ...]

    def name(self, owners: int) -> str:
        """What they are called together: the label, else the only word that was given, else how many they are."""
        return self.label or (self.texts[0] if len(self.texts) == 1 else f"{owners} addresses")


async def account(
    config: Config,
    wanted: Wanted,
    changes: Changes,
    alarm: Alarm,
    watch: Watch | None,
    timeout: float,
    options: Options,
    wish: Wish | None = None,
) -> Exit:
    """Read, show, and say how it ended. Output begins with the first chain that answers, unless a change may be about any of them."""
    config = await placed(config)
    policy_of = usual if watch is None else await policies_of(watch, options.chains, config)
    owners = await owners_of(wanted.words, config, options)
    config = only(config, wanted.markets)
    if not config.chains:
        raise UsageError("no chain is left to read; see watcher markets")
    if any(endpoint.origin is Origin.SHIPPED for chain in config.chains for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints: they learn the addresses that you ask for (--rpc URL asks your own)")
    together = changes.any or options.format in (Format.JSON, Format.CSV)
    done: list[tuple[Wallet, tuple[Sheet, ...]]] = []
    async for wallet in answered(config, owners, wanted.vaults, timeout, options):
        # its arithmetic must not stall the others' deadlines
        shown = await asyncio.to_thread(sheets, wallet, policy_of(wallet.chain))
        done.append((wallet, shown))
        if not together:
            show_one(wallet, await asyncio.to_thread(under, shown, changes.on(wallet.chain.block_time)), alarm, options)
    whole = gathered(wanted.name(len(owners)), done)
    risk = None if wish is None else await reported(done, config, wish, options)
    if together:
        complete = all(wallet.complete for wallet, _ in done)
        for what in checked(changes, [position for _, shown in done for position in valued(shown)], complete):
            options.note(f"{what}: not known, because not everything could be read")
        later = [(wallet, under(shown, changes.on(wallet.chain.block_time))) for wallet, shown in done]
        one_list = risk is not None and options.format is Format.JSON
        show_all(later, whole, alarm, options, risk.records() if risk is not None and one_list else ())
    else:
        show_whole(whole, options)
    if risk is not None and wish is not None:
        if options.format is not Format.JSON:
            risk.show(options)
        risk.write(wish.told, options)
    ended = end(done, alarm, options)
    return ended if risk is None else max(ended, risk.exit)


async def reported(
    done: Sequence[tuple[Wallet, Sequence[Sheet]]], config: Config, wish: Wish, options: Options
) -> Report:
    from watcher.cli.risk.report import report  # it brings scipy along

    return await report(done, config, wish, options)


async def answered(
    config: Config,
    owners: Sequence[ChecksumAddress],
    vaults: Sequence[ChecksumAddress],
    timeout: float,
    options: Options,
) -> AsyncIterator[Wallet]:
    """Every chain's wallet, the first to answer first."""
    number, before = moment(options.block, datetime.now(UTC))
    reads = [
        read_wallet(chain, owners, number=number, before=before, deadline=timeout, vaults=vaults)
        for chain in config.chains
    ]
    with progress("reading", len(reads), not options.quiet and sys.stderr.isatty()) as step:
        for read in asyncio.as_completed(reads):
            wallet = await read
            step(wallet.chain.name)
            with step.aside():
                yield wallet
