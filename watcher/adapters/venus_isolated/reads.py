"""What changes from block to block, and who holds what: the quote, positions and holdings of a pool, and the pools of a registry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Shares
from watcher.adapters.venus_isolated import layout
from watcher.adapters.venus_isolated.facts import Balance, Holding, Quote, State, Terms, VToken
from watcher.adapters.venus_isolated.terms import COMPTROLLER, NOW, ORACLE, VTOKEN
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.screen import debt_astray, debt_share
from watcher.model import Market, PositionKey
from watcher.oracle.feed import Pulse, pulses, reads
from watcher.query import Batch, Call, Outcome, Query, Script, Slot, ask, each, one, pairs

FIRST: Final = 1_685_577_600  # June 2023: no isolated pool is older
IDLE: Final = 4_000  # reads that deposits which protect nothing may cost


def listed(registry: Market) -> Query[tuple[Market, ...]]:
    """Every pool of a registry, called by its own name in lower case; two of one name are told apart by their addresses."""
    ((rows,),) = yield from ask(one("venus_isolated/registry.getAllPools", registry.address))
    slugs = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name, *_ in rows[0]]
    return tuple(
        replace(
            registry,
            name=f"{registry.name}/{_unique(slugs, place, pool)}",
            address=pool,
            start=max(posted, registry.start or 0),
        )
        for place, (_, _, pool, posted, _) in enumerate(rows[0])
    )


def _unique(slugs: Sequence[str], place: int, pool: ChecksumAddress) -> str:
    slug = slugs[place]
    return slug if slug and slugs.count(slug) == 1 else f"{slug}-{pool[2:10].lower()}".strip("-")


def quote(terms: Terms) -> Query[Quote]:
    """One round trip. Prices are asked after `updatePrice`, in one simulated transaction, as every action of the pool does it."""
    vtokens = [vtoken.address for vtoken in terms.vtokens]
    feeds = [source.feed for source in terms.sources if source.feed]
    answers, rounds, caps, payouts, *columns = yield from ask(
        Script(tuple(call for vtoken in vtokens for call in _priced(terms.oracle, vtoken))),
        *reads(feeds),
        each(f"{VTOKEN}.reduceReservesBlockNumber", vtokens, optional=True),
        *(each(f"{VTOKEN}.{name}", vtokens) for name in NOW),
    )
    beats = pulses(feeds, rounds, caps)
    found = [_price(*answers[2 * place : 2 * place + 2]) for place in range(len(vtokens))]
    return Quote(
        states=tuple(
            replace(_state(*(row[0] for row in rows)), paid=paid[0] if paid else 0)
            for paid, *rows in zip(payouts, *columns, strict=True)
        ),
        prices=tuple(price for price, _ in found),
        reasons=tuple(reason for _, reason in found),
        pulses=tuple(_beat(beats, source.feed.source if source.feed else None) for source in terms.sources),
    )


def _beat(beats: dict[ChecksumAddress, Pulse], source: ChecksumAddress | None) -> Pulse | None:
    return None if source is None else beats.get(source)


def _priced(oracle: ChecksumAddress, vtoken: ChecksumAddress) -> tuple[Call, Call]:
    return Call(f"{ORACLE}.updatePrice", oracle, (vtoken,)), Call(f"{ORACLE}.getUnderlyingPrice", oracle, (vtoken,))


def _price(update: Outcome, answer: Outcome) -> tuple[int | None, str | None]:
    """The price, or why there is none: without the update nobody can borrow, withdraw or liquidate."""
    for what, outcome in (("updatePrice", update), ("getUnderlyingPrice", answer)):
        if outcome.row is None:
            return None, f"the oracle's {what} reverts with 0x{outcome.revert[:100].hex()}"
    assert answer.row is not None
    price: int = answer.row[0]
    return (price, None) if price else (None, "the oracle answers zero")


def _state(stamp: int, index: int, borrows: int, reserves: int, supply: int, bad: int, cash: int, rate: int) -> State:
    return State(Pool(cash, borrows, reserves, supply, index, stamp), bad, rate)


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners that hold any vToken or owe anything, in the order asked; one round trip."""
    if not owners or not terms.vtokens:
        return ()
    (rows,) = yield from ask(_snapshots([(one.address, owner) for owner in owners for one in terms.vtokens]))
    width = len(terms.vtokens)
    return tuple(
        PositionKey(terms.market.name, bytes.fromhex(owner[2:]))
        for place, owner in enumerate(owners)
        if any(tokens or debt for _, tokens, debt, _ in rows[place * width : (place + 1) * width])
    )


def _snapshots(wanted: Sequence[tuple[ChecksumAddress, ChecksumAddress]]) -> Batch:
    return pairs(f"{VTOKEN}.getAccountSnapshot", ((vtoken, (owner,)) for vtoken, owner in wanted))


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """Few accounts with all that they have, in one round trip; of many (more than `IDLE` reads) only what was entered, in three.

    What is owed is read where the vToken keeps it: principal and interest index.
    """
    if not keys:
        return {}
    owners = [owner(key) for key in keys]
    entering = one(f"{COMPTROLLER}.getAssetsIn", terms.market.address, ((who,) for who in owners))
    complete = len(keys) * len(terms.vtokens) <= IDLE
    if complete:
        wanted = [(vtoken.address, who) for who in owners for vtoken in terms.vtokens]
        entered, rows, words = yield from ask(entering, _snapshots(wanted), _debts(wanted))
    else:
        (entered,) = yield from ask(entering)
        places = terms.places()
        wanted = [(v, who) for who, (assets,) in zip(owners, entered, strict=True) for v in assets if v in places]
        (rows,) = yield from ask(_snapshots(wanted))
        owing = [pair for pair, row in zip(wanted, rows, strict=True) if row[2]]
        (found,) = yield from ask(_debts(owing))
        debts = dict(zip(owing, zip(found[::2], found[1::2], strict=True), strict=True))
        words = [word for pair in wanted for word in debts.get(pair, ((0,), (0,)))]
    inside = {who: frozenset(assets) for who, (assets,) in zip(owners, entered, strict=True)}
    balances: dict[ChecksumAddress, list[Balance]] = {who: [] for who in owners}
    for place, ((vtoken, who), (_, tokens, _, _)) in enumerate(zip(wanted, rows, strict=True)):
        (principal,), (since,) = words[2 * place : 2 * place + 2]
        if tokens or principal or vtoken in inside[who]:
            balances[who].append(Balance(vtoken, tokens, principal, since if principal else 0, vtoken in inside[who]))
    return {
        key: Holding(key, tuple(sorted(balances[who], key=lambda one: one.vtoken)), complete)
        for key, who in zip(keys, owners, strict=True)
    }


def _debts(wanted: Sequence[tuple[ChecksumAddress, ChecksumAddress]]) -> Slot:
    """Principal and interest index of each, one after the other."""
    slots = [layout.snapshot(bytes.fromhex(who[2:])) for _, who in wanted]
    return Slot(
        tuple(vtoken for vtoken, _ in wanted for _ in range(2)), tuple(slot + n for slot in slots for n in range(2))
    )


def owner(key: PositionKey) -> ChecksumAddress:
    """A position is an address."""
    return _checksummed(key.key)


@lru_cache(maxsize=1 << 16)
def _checksummed(address: bytes) -> ChecksumAddress:
    return to_checksum_address(address)


def bare(holding: Holding) -> Holding:
    """As it is read among many: only what was entered."""
    if not holding.complete:
        return holding
    return replace(holding, balances=tuple(one for one in holding.balances if one.entered), complete=False)


def totals(terms: Terms, quote: Quote) -> Shares:
    """Debts in shares of the index, which interest leaves as they are but for its rounding, and vTokens; by vToken."""
    stored = quote.stored if quote.stored is not None else quote.states
    books = tuple((vtoken, state.books) for vtoken, state in zip(terms.vtokens, stored, strict=True))
    return Shares(
        {vtoken.address: debt_share(one.borrows, one.index) for vtoken, one in books},
        {vtoken.address: one.supply for vtoken, one in books},
        {vtoken.address: debt_astray(one, one.stamp - _born(terms, vtoken)) for vtoken, one in books},
    )


def _born(terms: Terms, vtoken: VToken) -> int:
    """A tick before its first accrual."""
    return FIRST if vtoken.timed else terms.market.start or 0


def shares(terms: Terms, holding: Holding) -> Shares:
    return Shares(
        {one.vtoken: debt_share(one.principal, one.since) for one in holding.balances if one.principal},
        {one.vtoken: one.tokens for one in holding.balances if one.tokens},
    )
