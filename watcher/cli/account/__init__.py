"""`watcher account`: every position of some addresses, chain by chain as they answer, and what if. Needs no file of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from eth_typing import ChecksumAddress

from watcher.cli.account.alarm import Alarm, Band
from watcher.cli.account.bands import policies, private
from watcher.cli.account.changes import Changes, checked, number, parse
from watcher.cli.account.sheet import Sheet, sheets, under, valued
from watcher.cli.account.wallets import end, show_all, show_one
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
from watcher.config import Config, Origin, load
from watcher.config.address import may_be_name
from watcher.connection import only, placed
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.library import address, meant
from watcher.model import Status
from watcher.units import WAD, Wad
from watcher.wallet import DEADLINE, Wallet, read_wallet

Addresses = Annotated[
    list[str], typer.Argument(metavar="ADDRESS…", help="Whose positions to show: addresses or ENS names.")
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
Bands = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml whose bands hold; else the defaults.")
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
    bands: Bands = None,
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
    for text in addresses:
        if not may_be_name(text):
            address(text)  # a mistyped one is said before anything is asked
    config = options.config(rpc)
    alarm = Alarm(limit, None if fail_at is None else Status(fail_at))
    return asyncio.run(account(config, market or (), addresses, changes, alarm, bands, timeout, options))


async def account(
    config: Config,
    markets: Sequence[str],
    texts: Sequence[str],
    changes: Changes,
    alarm: Alarm,
    bands: Path | None,
    timeout: float,
    options: Options,
) -> Exit:
    """Read, show, and say how it ended. Output begins with the first chain that answers, unless a change may be about any of them."""
    config = await placed(config)
    policy_of = await policies(bands, options.chains, config)
    owners = await owners_of(texts, config, options)
    config = only(config, markets)
    if not config.chains:
        raise UsageError("no chain is left to read; see watcher markets")
    if any(endpoint.origin is Origin.SHIPPED for chain in config.chains for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints: they learn the addresses that you ask for (--rpc URL asks your own)")
    together = changes.any or options.format in (Format.JSON, Format.CSV)
    done: list[tuple[Wallet, tuple[Sheet, ...]]] = []
    async for wallet in answered(config, owners, timeout, options):
        shown = await asyncio.to_thread(
            sheets, wallet, owners, policy_of(wallet.chain)
        )  # its arithmetic must not stall the others' deadlines
        done.append((wallet, shown))
        if not together:
            show_one(wallet, await asyncio.to_thread(under, shown, changes), alarm, options)
    if together:
        complete = all(wallet.complete for wallet, _ in done)
        for what in checked(changes, [position for _, shown in done for position in valued(shown)], complete):
            options.note(f"{what}: not known, because not everything could be read")
        show_all([(wallet, under(shown, changes)) for wallet, shown in done], alarm, options)
    return end(done, alarm, options)


async def owners_of(texts: Sequence[str], config: Config, options: Options) -> tuple[ChecksumAddress, ...]:
    """The addresses that are meant, a name's shown. With --rpc only the user's own endpoints learn the name."""
    found = await meant(texts, config, load(options.chains), private=private(config))
    for text, owner in found.items():
        if may_be_name(text):
            options.note(f"{text} is {owner}")
    return tuple(dict.fromkeys(found.values()))


async def answered(
    config: Config, owners: Sequence[ChecksumAddress], timeout: float, options: Options
) -> AsyncIterator[Wallet]:
    """Every chain's wallet, the first to answer first."""
    number, before = moment(options.block, datetime.now(UTC))
    reads = [read_wallet(chain, owners, number=number, before=before, deadline=timeout) for chain in config.chains]
    with progress("reading", len(reads), not options.quiet and sys.stderr.isatty()) as step:
        for read in asyncio.as_completed(reads):
            wallet = await read
            step(wallet.chain.name)
            with step.aside():
                yield wallet
