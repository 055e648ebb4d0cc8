"""What an account has in an Aave V3 pool: flags and e-mode first, then balances; two round trips whatever the number of accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapters.aave_v3.facts import Balance, Holding, Reserve, Terms
from watcher.model import PositionKey
from watcher.query import Query, Rows, ask, one, pairs

_STABLE: Final = tuple(
    f"aave_v3/stable_token.{name}" for name in ("principalBalanceOf", "getUserStableRate", "getUserLastUpdated")
)


def owner(key: PositionKey) -> ChecksumAddress:
    """A position of Aave is an address."""
    return to_checksum_address(key.key)


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners that have a flag set or any aToken, in the order asked; one round trip."""
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
    """Flags and e-modes first, then every aToken balance, and debts where the flag is set; two rounds, whatever the number of accounts.

    Deposits that are not collateral are read too: the account sees them, though they protect nothing.
    """
    pool = terms.market.address
    accounts = tuple(owner(key) for key in keys)
    flags, modes = yield from ask(
        one("aave_v3/pool.getUserConfiguration", pool, ((account,) for account in accounts)),
        one("aave_v3/pool.getUserEMode", pool, ((account,) for account in accounts)),
    )
    owing = tuple(
        (place, reserve)
        for place, (word,) in enumerate(flags)
        for reserve in terms.reserves
        if word >> 2 * reserve.id & 1
    )
    asked = tuple((place, reserve.id, reserve.stable) for place, reserve in owing if reserve.stable)
    deposits, debts, *loans = yield from ask(
        pairs(
            "aave_v3/token.scaledBalanceOf",
            ((reserve.deposit, (account,)) for account in accounts for reserve in terms.reserves),
        ),
        pairs("aave_v3/token.scaledBalanceOf", ((reserve.debt, (accounts[place],)) for place, reserve in owing)),
        *(pairs(name, ((token, (accounts[place],)) for place, _, token in asked)) for name in _STABLE),
    )
    variable = {(place, reserve.id): row[0] for (place, reserve), row in zip(owing, debts, strict=True)}
    stable = {
        (place, id): (principal, rate, since)
        for (place, id, _), (principal,), (rate,), (since,) in zip(asked, *loans, strict=True)
    }
    return {
        key: Holding(
            key, flags[place][0], modes[place][0], tuple(_balances(terms.reserves, place, deposits, variable, stable))
        )
        for place, key in enumerate(keys)
    }


def _balances(
    reserves: Sequence[Reserve],
    place: int,
    deposits: Rows,
    variable: Mapping[tuple[int, int], int],
    stable: Mapping[tuple[int, int], tuple[int, int, int]],
) -> Iterator[Balance]:
    """The balances of one account that are not empty, by id."""
    start = place * len(reserves)
    for offset, reserve in enumerate(reserves):
        deposit = deposits[start + offset][0]
        debt = variable.get((place, reserve.id), 0)
        loan = stable.get((place, reserve.id), (0, 0, 0))
        if deposit or debt or loan[0]:
            yield Balance(reserve.id, deposit, debt, *loan)
