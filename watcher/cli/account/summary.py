"""Everything that was read as one wallet: as a table with its sums and what comes of it, and as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from watcher.cli.account.money import cut, dollars, exactly, signed
from watcher.cli.account.record import NOBODYS, Record, at_block
from watcher.cli.account.sheet import Sheet
from watcher.figures import age, exact, health, percent
from watcher.health.fall import STEPS
from watcher.oracle.dollar import Dollar
from watcher.portfolio.danger import Relief, Standing
from watcher.portfolio.whole import Family, Place, Pool, Whole, families
from watcher.portfolio.worth import Sum, deposited
from watcher.search import ENTERED
from watcher.text import clean_line
from watcher.wallet import Wallet

TITLES = ("", "margin", "supplied USD", "owed USD", "net USD", "health")


def gathered(label: str, wallets: Sequence[tuple[Wallet, Sequence[Sheet]]]) -> Whole:
    """All chains in alphabetical order, so that the answer does not hang on who answered first."""
    places = [place(wallet, shown) for wallet, shown in wallets]
    return Whole(label, tuple(sorted(places, key=lambda one: one.chain)))


def place(wallet: Wallet, shown: Sequence[Sheet]) -> Place:
    pools = [Pool(one.row, one.part) for one in shown if one.part is not None]
    unread = [f"{cycle.market.name}: {cycle.error}" for cycle in wallet.markets if cycle.error is not None]
    unread += [f"{wallet.chain.name}: {wallet.error}"] if wallet.error is not None else []
    unread += [f"{wallet.chain.name}: {line}" for line in wallet.beside.lost]
    unread += [
        f"{one.singleton.name}: {one.what} are known up to {one.known}"
        for one in wallet.entered
        if not one.complete and one.what == ENTERED
    ]
    held = tuple((one, deposited(one, wallet.beside.rates)) for one in wallet.beside.deposits)
    late = overdue(wallet, [one.part.rate.feed for one in pools])
    return Place(wallet.chain.name, wallet.chain.id, wallet.block, families(pools), held, tuple(unread), late)


def overdue(wallet: Wallet, used: Sequence[Dollar | None]) -> tuple[str, ...]:
    """Those of the feeds in use, and of the vaults' assets, that are older than their heartbeat, or than any usual one."""
    shares = [one.share for one in wallet.beside.deposits if one.share is not None]
    feeds = [*used, *(wallet.beside.rates.known.get(share.asset.address) for share in shares)]
    beats = {beat.feed: beat.seconds for beat in wallet.chain.heartbeats}
    return tuple(
        dict.fromkeys(
            f"the US dollar feed of {feed.base or feed.feed} is {age(wallet.block.timestamp - feed.updated)} old"
            for feed in feeds
            if feed is not None
            and feed.updated is not None
            and wallet.block is not None
            and feed.old(wallet.block.timestamp, beats.get(feed.feed))
        )
    )


def worth_telling(whole: Whole) -> bool:
    """A sum of one says nothing that the position itself does not."""
    return len(whole.pools) + sum(len(place.deposits) for place in whole.places) > 1


def table(whole: Whole) -> Table:
    """A row for each margin pool, a sum for each protocol that has several, each chain and the whole. Nothing is cut, names are folded."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    several = len({pool.part.holder.address for pool in whole.pools}) > 1
    for title in TITLES:
        made.add_column(title, justify="left" if title in TITLES[:2] else "right", overflow="fold")
    for one in whole.places:
        if not (one.families or one.deposits or one.unread):
            continue
        block = "" if one.block is None else f", block {one.block.number}"
        made.add_row(Text(f"{one.chain}{block}", "bold cyan"), "", *sums(one.worth), "")
        for family in one.families:
            for row in family_rows(family, several):
                made.add_row(*row)
        for deposit, worth in one.deposits:
            made.add_row(Text(f"  vault {clean_line(deposit.vault.symbol)}"), "", *sums(worth), "")
    made.add_section()
    made.add_row(Text(clean_line(whole.label), "bold"), "", *sums(whole.worth), "")
    return made


def family_rows(family: Family, several: bool) -> Iterator[tuple[str | Text, ...]]:
    if len(family.pools) > 1:
        yield (Text(f"  {family.protocol.replace('_', '-')}", "dim"), "", *sums(family.worth), "")
    for pool in family.pools:
        who = f" {short(pool.part.holder.address)}" if several else ""
        seen = pool.row.reading.valuation
        stand = "unknown" if seen is None else health(seen.health)
        name = pool.row.market.name.partition("/")[2]
        yield (Text(f"  {clean_line(name)}{who}"), pool.part.margin.value, *sums(pool.part.worth), stand)


def short(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"


def sums(worth: Sum) -> tuple[str, str, str]:
    """What is owed is rounded up, the rest down; a star where something is not in it."""
    star = "*" if worth.missing else ""
    return (
        dollars(worth.supplied) + star,
        dollars(worth.owed, up=True) + star,
        dollars(worth.net) + star,
    )


def lines(whole: Whole) -> Iterator[str]:
    """What is missing, who would be first, where a dollar helps."""
    yield from (f"* not in it: {line}" for line in whole.worth.missing)
    yield from (f"doubt: {line}" for place in whole.places for line in place.overdue)
    one = whole.first
    if one is not None:
        yield f"first to be liquidated: {one.row.market.name}{whose(whole, one)}, {nearness(one)}"
        yield from (f"not compared with it: {line}" for line in whole.unranked)
    relief = whole.best
    if relief is not None:
        yield f"one dollar of repayment helps most at {relief.row.market.name}: {gain(relief)}"


def whose(whole: Whole, one: Standing) -> str:
    """The holder, where there are several."""
    holders = {pool.part.holder.address for pool in whole.pools}
    own = next(pool.part.holder.address for pool in whole.pools if pool.row is one.row)
    return f" of {own}" if len(holders) > 1 else ""


def nearness(one: Standing) -> str:
    if not one.steps:
        return "which is at its line now" if one.steps == 0 else one.reason or ""
    return f"when {one.of} falls {percent(one.steps, STEPS, 4)}"


def gain(relief: Relief) -> str:
    gained = relief.health
    more = "the debt is gone" if gained is None else f"health {'+' if gained >= 0 else ''}{exact(gained, 18)}"
    amount = exact(relief.amount, relief.token.decimals)
    return f"{amount} {clean_line(relief.token.symbol)}: {more}, room {signed(relief.distance, 6)}"


def records(whole: Whole) -> Iterator[Record]:
    """A record for each sum (`of` is protocol, chain or all), for vault shares, for who is first and for the best dollar."""
    for one in whole.places:
        where = at_block(one.chain, one.chain_id, one.block)
        for family in one.families:
            yield {"kind": "total", "of": "protocol", **where, **nobody(family.protocol), **of_sum(family.worth)}
        for deposit, worth in one.deposits:
            share = deposit.share
            yield {
                "kind": "vault",
                **where,
                **NOBODYS,
                "market": None,
                "protocol": None,
                "account": deposit.holder,
                "vault": deposit.vault.address,
                "symbol": deposit.vault.symbol,
                "shares": exact(deposit.shares, deposit.vault.decimals),
                "asset": None if share is None else share.asset.address,
                "asset_symbol": None if share is None else share.asset.symbol,
                "assets": None if share is None else exact(share.assets, share.asset.decimals),
                **of_sum(worth),
            }
        if one.families or one.deposits or one.unread:
            doubts = {"usd_overdue": list(one.overdue)}
            yield {"kind": "total", "of": "chain", **where, **nobody(None), **of_sum(one.worth), **doubts}
    if whole.pools or whole.worth.missing or any(one.deposits for one in whole.places):
        nowhere: Record = {"chain": None, "chain_id": None, "block": None, "block_hash": None, "block_time": None}
        yield {"kind": "total", "of": "all", "label": whole.label, **nowhere, **nobody(None), **of_sum(whole.worth)}
    yield from chosen(whole)


def chosen(whole: Whole) -> Iterator[Record]:
    first, best = whole.first, whole.best
    for pool in whole.pools:
        where = {
            "market": pool.row.market.name,
            "protocol": pool.row.market.protocol,
            "account": pool.part.holder.address,
        }
        if first is not None and pool.row is first.row:
            yield {"kind": "first", **where, **of_standing(first), "not_compared": list(whole.unranked)}
        if best is not None and pool.row is best.row:
            yield {"kind": "one_dollar", **where, **of_relief(best)}


def nobody(protocol: str | None) -> Record:
    return {"market": None, "protocol": protocol, **NOBODYS}


def of_sum(worth: Sum) -> Record:
    """US dollars, exact; `usd_missing` says what is not in them."""
    return {
        "supplied_usd": exactly(worth.supplied),
        "owed_usd": exactly(worth.owed),
        "net_usd": exactly(worth.net),
        "usd_missing": list(worth.missing),
    }


def of_standing(one: Standing) -> Record:
    """`fall` is a fraction of one, in millionths, of `of`."""
    fall = None if one.steps is None else exact(one.steps, len(str(STEPS)) - 1)
    return {"fall": fall, "of": one.of, "reason": one.reason}


def of_relief(relief: Relief) -> Record:
    """`room_gained` is a fraction of one, cut to 18 digits."""
    return {
        "token": relief.token.address,
        "symbol": relief.token.symbol,
        "amount": exact(relief.amount, relief.token.decimals),
        "amount_raw": relief.amount,
        "health_gained_wad": relief.health,
        "room_gained": cut(relief.distance),
    }
