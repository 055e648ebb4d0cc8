"""Vault shares (ERC-4626: MetaMorpho, savings receipts) as labels: of which asset they are, and how much of it they convert to now.

What a vault says of itself, and not more: fees on leaving and limits of a withdrawal are not in `convertToAssets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import ChecksumAddress

from watcher.model import Token
from watcher.oracle.feed import NOBODY
from watcher.query import Query, Rows, ask, each, pairs
from watcher.text import clean
from watcher.units import Raw


@dataclass(frozen=True, slots=True)
class Share:
    """`shares` raw units of `vault` that are `assets` raw units of `asset`, rounded down, by the vault's own convertToAssets."""

    vault: ChecksumAddress
    shares: Raw
    asset: Token
    assets: Raw


@dataclass(frozen=True, slots=True)
class Deposit:
    """Vault shares in an address itself, outside any market. `share` is None where the vault does not say what they convert to."""

    holder: ChecksumAddress
    vault: Token
    shares: Raw
    share: Share | None


def converted(held: Iterable[tuple[ChecksumAddress, Raw]]) -> Query[dict[tuple[ChecksumAddress, Raw], Share]]:
    """Those of the amounts, as (token, raw units), that are vault shares. Two round trips. A token that is no vault has no entry."""
    asked = tuple(dict.fromkeys(held))
    if not asked:
        return {}
    assets, amounts = yield from ask(
        each("vault/vault.asset", (token for token, _ in asked), optional=True),
        pairs("vault/vault.convertToAssets", [(token, (shares,)) for token, shares in asked], optional=True),
    )
    found = [
        (token, shares, asset[0], amount[0])
        for (token, shares), asset, amount in zip(asked, assets, amounts, strict=True)
        if asset is not None and amount is not None and asset[0] not in (token, NOBODY)
    ]
    tokens = yield from _tokens(tuple(dict.fromkeys(asset for _, _, asset, _ in found)))
    return {
        (token, shares): Share(token, shares, tokens[asset], Raw(amount))
        for token, shares, asset, amount in found
        if asset in tokens
    }


def deposits(vaults: Sequence[ChecksumAddress], holders: Sequence[ChecksumAddress]) -> Query[tuple[Deposit, ...]]:
    """The shares of `vaults` that the holders have; nothing of an address that is no token on this chain. Four round trips at most."""
    if not vaults or not holders:
        return ()
    calls = [(vault, (holder,)) for vault in vaults for holder in holders]
    (rows,) = yield from ask(pairs("erc20/token.balanceOf", calls, optional=True))
    held = [(vault, args[0], Raw(row[0])) for (vault, args), row in zip(calls, rows, strict=True) if row and row[0]]
    shares = yield from converted((vault, amount) for vault, _, amount in held)
    tokens = yield from _tokens(tuple(dict.fromkeys(vault for vault, _, _ in held)))
    return tuple(
        Deposit(holder, tokens[vault], amount, shares.get((vault, amount)))
        for vault, holder, amount in held
        if vault in tokens
    )


def _tokens(addresses: Sequence[ChecksumAddress]) -> Query[dict[ChecksumAddress, Token]]:
    """Symbol and decimals; what has no decimals is no token, and a symbol that cannot be read is the address."""
    if not addresses:
        return {}
    symbols: Rows
    symbols, decimals = yield from ask(
        each("erc20/token.symbol", addresses, optional=True), each("erc20/token.decimals", addresses, optional=True)
    )
    return {
        address: Token(address, _symbol(address, symbol), places[0])
        for address, symbol, places in zip(addresses, symbols, decimals, strict=True)
        if places is not None
    }


def _symbol(address: ChecksumAddress, row: tuple[Any] | None) -> str:
    return clean(row[0]) or address if row is not None else address
