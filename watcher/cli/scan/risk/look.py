"""From a market's name to its prospect: the book, the stored past of prices, those that are missing brought, then the paths."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from eth_typing import ChecksumAddress

from watcher.appraisal.asset import leads
from watcher.appraisal.basis import Basis
from watcher.appraisal.judged import judged
from watcher.appraisal.pasts import Grid
from watcher.cli.options import Options
from watcher.cli.progress import Steps, progress
from watcher.cli.risk.look import bring, ground
from watcher.cli.scan.book import Place, opened, shelf
from watcher.cli.scan.prices import Assumed, assumed
from watcher.cli.scan.risk.wish import SHOWN, By, Told
from watcher.config import Chain, Config, Origin
from watcher.config.risk import HOUR, Risk
from watcher.connection import Connection, connect, only, placed
from watcher.errors import WatcherError
from watcher.following.proof import Audit, audited, chosen, covered
from watcher.model import BlockRef, Market, Valuation
from watcher.risk.drive import Feed
from watcher.risk.forecast import Judgement
from watcher.risk.scenario import Model
from watcher.scan.feeds import feeds
from watcher.scan.foresight import Draw, Tell
from watcher.scan.given import Closings
from watcher.scan.opening import Opening
from watcher.scan.prospect import Account, Prospect, prospect
from watcher.scan.stakes import Stakes, stakes
from watcher.survey.coverage import Coverage
from watcher.survey.spans import Span


@dataclass(frozen=True, slots=True)
class Wish:
    """`settings` have what was typed in them already. `prices` are as in --price."""

    told: Told
    settings: Risk
    where: Place
    by: By
    top: int | None
    prices: tuple[str, ...]

    @property
    def draw(self) -> Draw:
        one = self.settings
        return Draw(Model(one.model), one.seed, one.scenarios, self.told.hours)


@dataclass(frozen=True, slots=True)
class Shown:
    """One account as it is shown, with the contract's own figures of it."""

    account: Account
    valuation: Valuation


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Where coverage is not exact, `unread` are the blocks whose logs must be asked for again. `notes` are doubts, a line each, and
    `judged` what the backtest says of each factor, or why it says nothing."""

    chain: Chain
    market: Market
    block: BlockRef
    prices: tuple[Assumed, ...]
    basis: Basis
    prospect: Prospect
    shown: tuple[Shown, ...]
    coverage: Coverage
    unread: tuple[Span, ...]
    audit: Audit
    notes: tuple[str, ...]
    judged: Mapping[str, Judgement | str]

    @property
    def sound(self) -> bool:
        """Nobody is missing or unknown, and the contract says the same."""
        return self.coverage.exact and self.audit.clean and not self.prospect.unknown


async def viewed(config: Config, wanted: str, wish: Wish, options: Options) -> View:
    """The market at the head."""
    everything = await placed(config)
    (chain,) = only(everything, [wanted]).chains
    (market,) = chain.markets
    if any(endpoint.origin is Origin.SHIPPED for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints (--rpc URL asks your own)")
    async with connect(chain) as line:
        with shelf(wish.where, options) as on:
            opening = await opened(line, market, on, options)
        behind, doubts = await _behind(line, opening)
        one = opening.followed
        prices = assumed(one, wish.prices)
        quote = one.accrued()
        if prices:
            quote = one.of.reprice(one.terms, quote, {each.price.token.address: each.answer for each in prices})
        held = stakes(one.book, quote, chain, behind)
        basis = await grounds(held, everything, market, one.block, wish, options)
        closings = Closings(one.book, quote, held)
        found = await foreseen(closings, basis, wish, options)
        shown = _shown(closings, found, wish)
        proof = covered(one)
        keys = chosen(one.book.keys, one.block, [each.account.key for each in shown])
        audit = await audited(line, one, keys)
    return View(
        chain,
        market,
        one.block,
        prices,
        basis,
        found,
        shown,
        proof,
        () if proof.exact else opening.unread,
        audit,
        (*doubts, *basis.notes),
        await asyncio.to_thread(judged, basis, wish.draw.model, wish.draw.seed),
    )


async def _behind(line: Connection, opening: Opening) -> tuple[Mapping[ChecksumAddress, Feed], tuple[str, ...]]:
    """What the oracle's prices follow, and why that is not known."""
    try:
        return await feeds(line, opening.followed), ()
    except WatcherError as error:
        return {}, (f"what stands behind the oracle's prices could not be read: {error}",)


async def grounds(held: Stakes, config: Config, market: Market, block: BlockRef, wish: Wish, options: Options) -> Basis:
    """What the store knows; where something is missing or old, once more after it was asked for."""
    end = block.timestamp // HOUR * HOUR
    grid = Grid(end - wish.settings.window, end)
    wanted, where = leads(held.assets, config.chains, wish.settings.tokens), wish.where.where
    found = ground(wanted, config.chains, grid, where)
    if wish.told.sync and (found.lost or found.old):
        await bring(config, grid, [market.name], where, options)
        found = ground(wanted, config.chains, grid, where)
    return found


async def foreseen(closings: Closings, basis: Basis, wish: Wish, options: Options) -> Prospect:
    """Two stretches of work, each with its progress."""
    visible = not options.quiet and sys.stderr.isatty()
    with progress("liquidations", 1, visible) as bar:
        given = await asyncio.to_thread(closings.all, _teller(bar, "kinds of accounts"))
    with progress("scenarios", wish.draw.scenarios, visible) as bar:
        tell = _teller(bar, f"of {wish.draw.hours} hours")
        return await asyncio.to_thread(prospect, closings.book, closings.stakes, given, basis, wish.draw, tell)


def _teller(bar: Steps, what: str) -> Tell:
    def tell(done: int, of: int) -> None:
        bar.reached(done, of, what)

    return tell


def _shown(closings: Closings, found: Prospect, wish: Wish) -> tuple[Shown, ...]:
    """The first by expected loss or by chance; what a liquidation takes is their own."""
    book, made = closings.book, []
    first = sorted(found.accounts, key=lambda one: _urgency(one, wish.by), reverse=True)[: wish.top or SHOWN]
    for one in first:
        own = closings.own(one.place)
        held = book.holding(int(closings.stakes.rows[one.place]))
        valuation = book.adapter.value(book.terms, closings.quote, held)
        made.append(Shown(one if own is None else replace(one, taken=own), valuation))
    return tuple(made)


def _urgency(one: Account, by: By) -> tuple[float, float, bytes]:
    """A total order."""
    figures = (one.expected.value, one.chance.value)
    return (*(figures if by is By.LOSS else figures[::-1]), one.key.key)
