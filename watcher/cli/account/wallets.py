"""Wallets on stdout in the asked format, what is missing on stderr, and the exit code that both come to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from watcher.cli.account import card, summary
from watcher.cli.account.alarm import Alarm
from watcher.cli.account.assets import of_panel
from watcher.cli.account.caps import of_behind
from watcher.cli.account.future import of_future
from watcher.cli.account.part import of_part
from watcher.cli.account.record import Record, of_chain, of_entered, of_failure, of_judgement, of_lost, of_position
from watcher.cli.account.sheet import Sheet
from watcher.cli.options import Format, Options
from watcher.cli.output import Column, show
from watcher.exit import Exit
from watcher.figures import age
from watcher.portfolio.whole import Whole
from watcher.search import ENTERED, Entered
from watcher.text import clean_line
from watcher.wallet import Wallet

Shown = tuple[Wallet, tuple[Sheet, ...]]

WIDTH = 100  # columns of a table in a file or pipe

POSITION = (
    "kind",
    "chain",
    "protocol",
    "market",
    "margin",
    "position",
    "account",
    "owner",
    "holder",
    "block",
    "status",
    "reason",
    "health",
    "liquidatable",
    "unit",
    "collateral",
    "debt",
    "supplied_usd",
    "owed_usd",
    "net_usd",
    "usd_missing",
)
LEG = ("side", "symbol", "token", "amount", "value", "threshold", "yearly_rate", "converts_to")
COLUMNS = tuple(Column(key, key) for key in (*POSITION, *(f"leg_{key}" for key in LEG)))


def show_all(
    wallets: Sequence[Shown], whole: Whole, alarm: Alarm, options: Options, more: Sequence[Record] = ()
) -> None:
    """`more` are records to be shown with them."""
    if options.format is Format.TABLE:
        for wallet, shown in wallets:
            show_one(wallet, shown, alarm, options)
        show_whole(whole, options)
        return
    found = [record for wallet, shown in wallets for record in records(wallet, shown, alarm)]
    found += [*summary.records(whole), *more]
    if options.format is Format.CSV:
        # what is known to the head, who is first and the best dollar have no row
        found = [one for one in found if one.get("status") is not None or one["kind"] in ("total", "vault")]
    show(
        [row for record in found for row in by_leg(record)] if options.format is Format.CSV else found,
        COLUMNS,
        options.format,
    )


def show_one(wallet: Wallet, shown: Sequence[Sheet], alarm: Alarm, options: Options) -> None:
    """One chain as soon as it has answered."""
    if options.format is not Format.TABLE:
        show(list(records(wallet, shown, alarm)), COLUMNS, options.format)
        return
    if not shown and wallet.complete:
        options.note(f"{wallet.chain.name}: nothing held in {len(wallet.markets)} markets{where(wallet)}")
        for entered in wallet.entered:
            options.note(discovered(entered))
        return
    console = sheet_console()
    console.print(Text(f"{wallet.chain.name}{where(wallet)}", "bold cyan"))
    for one in shown:
        card.show(console, one if listed(wallet, one) else replace(one, pair=f"{one.pair} (unverified)"))
    for text in unread(wallet):
        console.print(Text(f"  UNKNOWN: {clean_line(text)}", "bold magenta"))
    for entered in wallet.entered:
        console.print(Text(f"  {discovered(entered)}", "dim" if entered.complete else "bold magenta"))


def show_whole(whole: Whole, options: Options) -> None:
    """Everything as one, after the last chain."""
    if options.format is not Format.TABLE:
        show(list(summary.records(whole)), COLUMNS, options.format)
    elif summary.worth_telling(whole):
        console = sheet_console()
        console.print(summary.table(whole))
        for line in summary.lines(whole):
            console.print(Text(clean_line(line)))


def sheet_console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDTH)


def where(wallet: Wallet) -> str:
    if wallet.block is None:
        return ""
    old = age(int(datetime.now(UTC).timestamp()) - wallet.block.timestamp)
    by = f"confirmed by {wallet.confirmed_by} endpoints" if wallet.confirmed_by > 1 else "from one endpoint"
    return f", block {wallet.block.number}, {old} old, {by}"


def discovered(entered: Entered) -> str:
    """Up to which block the markets are known that somebody may have entered."""
    known = f"{entered.singleton.name}: {entered.what} are known up to block {entered.known}"
    if entered.complete:
        return known
    why = clean_line(entered.reason or "")
    if entered.what != ENTERED:
        return f"{known}; a later one may be missing ({why})"
    return f"{known}; one that was entered later may be missing ({why}); --market ID reads one that you know"


def listed(wallet: Wallet, one: Sheet) -> bool:
    """Whether somebody vouches for its market. One that only the account's own logs name may be anybody's, under any symbols."""
    return one.pair is None or one.row.market.id in {market.id for market in wallet.chain.markets}


def records(wallet: Wallet, shown: Sequence[Sheet], alarm: Alarm) -> Iterator[Record]:
    """A record per position, then one per market and one per chain that could not be read, then how far entered markets are known."""
    by = {"confirmed_by": wallet.confirmed_by}
    for one in shown:
        more = {
            "emode": one.mode,
            "pair": one.pair,
            "listed": listed(wallet, one),
            "assets": [of_panel(panel) for panel in one.panels],
        }
        more |= {} if one.unseen is None else {"outlook_unknown": one.unseen}
        more |= of_judgement(one.judgement) | alarm.record(one.row.reading) | (of_part(one.part) if one.part else {})
        more |= of_behind(one.prices, one.ceilings, wallet.beside.sight)
        yield of_position(wallet.chain, one.row, one.outlook, one.prices) | more | by | of_future(one.future)
    for cycle in wallet.markets:
        if cycle.error is not None:
            yield of_failure(wallet.chain, cycle) | by
    if wallet.error is not None:
        yield of_chain(wallet.chain, wallet.error) | by
    for line in wallet.beside.lost:
        yield of_lost(wallet.chain, wallet.block, line) | by
    for entered in wallet.entered:
        yield of_entered(wallet.chain, wallet.block, entered) | by


def by_leg(record: Record) -> list[Record]:
    """For csv: the position's columns repeated for each leg; one row where there is none."""
    position = {key: record.get(key) for key in POSITION} | {"usd_missing": "; ".join(record.get("usd_missing") or ())}
    shares = {
        (one["token"], one["shares_raw"]): f"{one['assets']} {one['asset_symbol']}"
        for one in record.get("vault_shares") or ()
    }
    legs = record.get("legs") or [{}]
    found = [leg | {"converts_to": shares.get((leg.get("token"), leg.get("amount_raw")))} for leg in legs]
    return [position | {f"leg_{key}": leg.get(key) for key in LEG} for leg in found]


def unread(wallet: Wallet) -> Iterator[str]:
    """What could not be read, line by line."""
    if wallet.error is not None:
        yield str(wallet.error)
    yield from wallet.beside.lost
    for cycle in wallet.markets:
        if cycle.error is not None:
            yield f"{cycle.market.name}: {cycle.error}"


def end(wallets: Sequence[Shown], alarm: Alarm, options: Options) -> Exit:
    """Notes about what is missing, and the exit code: a position that rings the alarm outranks a source that failed."""
    for wallet, _ in wallets:
        for text in wallet.notes:
            options.note(f"{wallet.chain.name}: {clean_line(text)}")
        for entered in wallet.entered:
            if not entered.complete and options.format is not Format.TABLE:  # where it is part of the data
                options.note(discovered(entered))
    readings = [one.row.reading for _, shown in wallets for one in shown]
    if not readings and all(wallet.complete for wallet, _ in wallets):
        options.note("no position on any market that was read")
    if any(map(alarm.rings, readings)):
        return Exit.AT_RISK
    known = all(reading.valuation is not None for reading in readings)
    return Exit.OK if known and all(wallet.complete for wallet, _ in wallets) else Exit.SOURCE
