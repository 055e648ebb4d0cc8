"""What an account has in an Aave V3 pool: flags and e-mode first, then balances; two round trips whatever the number of accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Shares
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Terms
from watcher.model import PositionKey
from watcher.query import Query, ask, one, pairs

_STABLE: Final = tuple(
    f"aave_v3/stable_token.{name}" for name in ("principalBalanceOf", "getUserStableRate", "getUserLastUpdated")
)


IDLE: Final = 4_000  # reads that deposits which protect nothing may cost


def owner(key: PositionKey) -> ChecksumAddress:
    """A position of Aave is an address."""
    return _checksummed(key.key)


@lru_cache(maxsize=1 << 16)
def _checksummed(address: bytes) -> ChecksumAddress:
    return to_checksum_address(address)


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners that have a flag set or any aToken, in the order asked; one round trip."""
    if not owners:
        return ()
    deposits = tuple(reserve.deposit for reserve in terms.reserves)
    flags, balances = yield from ask(
        one("aave_v3/pool.getUserConfiguration", terms.market.address, ((account,) for account in owners)),
        pairs("aave_v3/token.scaledBalanceOf", ((token, (account,)) for account in owners for token in deposits)),
    )
    width = len(deposits)
    return tuple(
        PositionKey(terms.market.name, bytes.fromhex(account[2:]))
        for place, account in enumerate(owners)
        if flags[place][0] or any(row[0] for row in balances[place * width : (place + 1) * width])
    )


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """Flags and e-modes first, then the balances whose flag is set: two rounds, whatever the number of accounts.

    Deposits that are not collateral are read too, so that few accounts see all that they have; for many (more than `IDLE` reads) they
    are left out, no figure of the contract looks at them, and the holdings say that they are not `complete`.
    """
    if not keys:
        return {}
    pool = terms.market.address
    accounts = tuple(owner(key) for key in keys)
    flags, modes = yield from ask(
        one("aave_v3/pool.getUserConfiguration", pool, ((account,) for account in accounts)),
        one("aave_v3/pool.getUserEMode", pool, ((account,) for account in accounts)),
    )
    return (yield from held(terms, keys, [(word, mode) for (word,), (mode,) in zip(flags, modes, strict=True)]))


def held(
    terms: Terms, keys: Sequence[PositionKey], known: Sequence[tuple[int, int]]
) -> Query[dict[PositionKey, Holding]]:
    """The balances behind known flags and e-modes, one pair per key, in one round trip."""
    accounts = tuple(owner(key) for key in keys)
    complete = len(keys) * len(terms.reserves) <= IDLE
    both = [(place, word, reserve) for place, (word, _) in enumerate(known) for reserve in terms.reserves]
    owing = [(place, reserve) for place, word, reserve in both if word >> 2 * reserve.id & 1]
    lent = [(place, reserve) for place, word, reserve in both if complete or word >> 2 * reserve.id & 2]
    asked = tuple((place, reserve.id, reserve.stable) for place, reserve in owing if reserve.stable)
    deposits, debts, *loans = yield from ask(
        pairs("aave_v3/token.scaledBalanceOf", ((reserve.deposit, (accounts[place],)) for place, reserve in lent)),
        pairs("aave_v3/token.scaledBalanceOf", ((reserve.debt, (accounts[place],)) for place, reserve in owing)),
        *(pairs(name, ((token, (accounts[place],)) for place, _, token in asked)) for name in _STABLE),
    )
    found: list[dict[int, Balance]] = [{} for _ in keys]
    for (place, reserve), (scaled,) in zip(lent, deposits, strict=True):
        _put(found[place], reserve.id, deposit=scaled)
    for (place, reserve), (scaled,) in zip(owing, debts, strict=True):
        _put(found[place], reserve.id, debt=scaled)
    for (place, id, _), (principal,), (rate,), (since,) in zip(asked, *loans, strict=True):
        _put(found[place], id, principal=principal, rate=rate, since=since)
    return {
        key: Holding(key, word, mode, tuple(some[id] for id in sorted(some)), complete)
        for key, (word, mode), some in zip(keys, known, found, strict=True)
    }


def bare(holding: Holding) -> Holding:
    """As it is read among many: without the deposits that are not collateral."""
    if not holding.complete:
        return holding
    found: dict[int, Balance] = {}
    for balance in holding.balances:
        secured = holding.secures(balance.id)
        left = balance if secured or not balance.deposit else replace(balance, deposit=0)
        if left.deposit or left.debt or left.principal:
            found[left.id] = left
    return replace(holding, balances=tuple(found.values()), complete=False)


def _put(found: dict[int, Balance], id: int, **amounts: int) -> None:
    """Amounts of one reserve, unless all of them are zero."""
    if any(amounts.values()):
        found[id] = replace(found.get(id, Balance(id, 0, 0)), **amounts)


def totals(terms: Terms, quote: Quote) -> Shares:
    """Scaled supplies of the debt tokens and aTokens.

    Debt at a stable rate (3.0 and 3.1) is not among them: its total is kept by an average rate, and is no sum of what accounts owe.
    """
    pairs = tuple(zip(terms.reserves, quote.states, strict=True))
    return Shares(
        {reserve.debt: state.debts for reserve, state in pairs},
        {reserve.deposit: state.deposits for reserve, state in pairs},
    )


def shares(terms: Terms, holding: Holding) -> Shares:
    """Scaled balances, by the same tokens; and the principals of stable debt, by tokens that have no total."""
    held = [(reserve, holding.balance(reserve.id)) for reserve in terms.reserves]
    debts = {reserve.debt: balance.debt for reserve, balance in held if balance.debt}
    debts |= {reserve.stable: balance.principal for reserve, balance in held if reserve.stable and balance.principal}
    return Shares(debts, {reserve.deposit: balance.deposit for reserve, balance in held if balance.deposit})
