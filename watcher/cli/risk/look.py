"""From wallets that were read to one appraisal: the pasts that are stored, those that are missing brought, then the paths."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from watcher.appraisal.appraise import Appraisal, appraise, assets
from watcher.appraisal.asked import HORIZONS, Asked, asked
from watcher.appraisal.asset import Lead, leads
from watcher.appraisal.basis import Basis, grounded
from watcher.appraisal.depth import load
from watcher.appraisal.held import Held, held
from watcher.appraisal.judged import judged
from watcher.appraisal.pasts import Grid
from watcher.cli.account.sheet import Sheet
from watcher.cli.account.wallets import unread
from watcher.cli.options import Options
from watcher.cli.prices.ask import brought
from watcher.cli.prices.order import Order, said
from watcher.cli.progress import progress
from watcher.cli.risk.wish import Told
from watcher.config import Chain, Config
from watcher.config.risk import HOUR, Risk
from watcher.errors import UsageError, WatcherError
from watcher.oracle.dollar import Rate
from watcher.risk.copula import root
from watcher.risk.scenario import Model
from watcher.store.open import exists, open_store
from watcher.wallet import Wallet

SOURCES: Final = frozenset({"feeds", "quotes"})


@dataclass(frozen=True, slots=True)
class Wish:
    """`where` is the store, None for the default one."""

    told: Told
    settings: Risk
    where: str | Path | None

    @property
    def asked(self) -> Asked:
        return asked(self.settings, HORIZONS)


async def appraised(
    done: Sequence[tuple[Wallet, Sequence[Sheet]]], config: Config, wish: Wish, options: Options
) -> Appraisal:
    """All wallets as one owner."""
    depth = None if wish.told.depth is None else load(wish.told.depth)
    chains = sorted(done, key=lambda one: one[0].chain.name)  # the same digits, whoever answered first
    positions = tuple(one for wallet, shown in chains for one in holdings(wallet, shown))
    ends = [wallet.block.timestamp for wallet, _ in done if wallet.block is not None]
    end = max(ends, default=0) // HOUR * HOUR
    grid = Grid(end - wish.settings.window, end)
    wanted = leads(assets(positions), config.chains, wish.settings.tokens)
    found = await grounds(wanted, config, grid, positions, wish, options)
    drawable(found, wish.asked.model)
    block_time = {chain.id: float(chain.block_time) for chain in config.chains}
    hours = max(wish.asked.marks)
    with progress("scenarios", hours, not options.quiet and sys.stderr.isatty()) as step:
        told = await asyncio.to_thread(appraise, positions, found, wish.asked, block_time, depth, step)
    told = replace(told, judged=await asyncio.to_thread(judged, found, wish.asked.model, wish.asked.seed))
    missing = tuple(line for wallet, shown in chains for line in unseen(wallet, shown))
    return replace(told, lost=(*missing, *told.lost), unread=told.unread + len(missing))


def unseen(wallet: Wallet, shown: Sequence[Sheet]) -> Iterator[str]:
    """What could not be read, and is therefore in no sum."""
    unknown = (f"{one.row.market.name}: {one.row.reading.reason}" for one in shown if one.row.reading.valuation is None)
    for why in (*unread(wallet), *unknown):
        yield f"{why}; it is in no figure of risk"


def drawable(found: Basis, model: Model) -> None:
    """`UsageError` where a model draws from a correlation that these pasts do not have."""
    if model is Model.FHS or found.market is None:
        return
    try:
        root(found.market.correlation)
    except ValueError as error:
        raise UsageError(f"--model {model}: {error}; --model fhs draws whole rows and needs none") from None


def holdings(wallet: Wallet, shown: Sequence[Sheet]) -> list[Held]:
    """The positions of one chain that hold or owe something and are known."""
    found = []
    for one in shown:
        rate = Rate(None, reason="what it counts in is not known") if one.part is None else one.part.rate
        seen = held(one.row, wallet.chain, rate, one.prices, wallet.beside.sight)
        if seen is not None:
            found.append(seen)
    return found


async def grounds(
    wanted: Sequence[Lead], config: Config, grid: Grid, positions: Sequence[Held], wish: Wish, options: Options
) -> Basis:
    """What the store knows; where something is missing or old, once more after it was asked for."""
    found = ground(wanted, config.chains, grid, wish.where)
    if wish.told.sync and (found.lost or found.old):
        await bring(config, grid, sorted({named(one) for one in positions if one.owes}), wish.where, options)
        found = ground(wanted, config.chains, grid, wish.where)
    return found


def named(one: Held) -> str:
    """What --market would be given: the id of a market that its account's logs told."""
    market = one.row.market
    return f"{market.name.rpartition('/')[0]}/0x{market.id.hex()}" if market.id else market.name


def ground(wanted: Sequence[Lead], chains: Sequence[Chain], grid: Grid, where: str | Path | None) -> Basis:
    """Out of the store, or of nothing where there is none."""
    with ExitStack() as on:
        store = on.enter_context(open_store(where)) if exists(where) else None
        return grounded(store, wanted, chains, grid)


async def bring(config: Config, grid: Grid, markets: Sequence[str], where: str | Path | None, options: Options) -> None:
    """The feeds and stored quotes of these markets. What cannot be brought is said; the report then says what it lacks."""
    order = Order((), SOURCES, grid.start, grid.end, tuple(markets), where)
    try:
        found, _ = await brought(config, order, options)
    except WatcherError as error:
        said(f"prices that are missing were not brought: {error}")
        return
    for one in found:
        if one.error is not None:
            said(f"{one.source.name} of {one.source.pair}: {one.error}")
