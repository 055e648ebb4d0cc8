"""Thousands of borrowers on a local Aave market: plain addresses, each with one collateral and one debt, opened in batches."""

from __future__ import annotations

import random

from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from watcher.errors import ConfigError
from watcher.localchain.aave_market import AaveMarket, Reserve
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Contract, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.units import BPS, MAX

PAIRS = (("WETH", "USDC"), ("WBTC", "DAI"), ("wstETH", "WETH"), ("LINK", "USDT"), ("USDC", "WETH"), ("DAI", "USDC"))
PER_TRANSACTION = 80  # about 175,000 gas per borrower
SEED_GAS = 40_000_000
PROBED_SLOTS = 200
SMALLEST, LARGEST = 500, 40_000  # USD of collateral


async def seed(
    market: AaveMarket, count: int, *, label: str = "borrower", start: int = 0, each: int = PER_TRANSACTION
) -> tuple[ChecksumAddress, ...]:
    """Open `count` positions and return their accounts, ``account(f"{label} {n}")`` from `start` on. The same label, the same positions.

    `each` in a row have the same pair of `PAIRS`, and one transaction. Their debt lies between half and all of what the LTV allows.
    Credit delegation is written straight into the debt token's storage: it leaves no trace that a reader of positions would look at,
    everything else is an ordinary transaction with its events.
    """
    crowd = await deploy(market.chain, own("Crowd"))
    users = tuple(account(f"{label} {n}") for n in range(start, start + count))
    slots: dict[str, int] = {}
    for index, first in enumerate(range(0, count, each)):
        supplied, owed = (market.reserves[symbol] for symbol in PAIRS[index % len(PAIRS)])
        if owed.symbol not in slots:
            slots[owed.symbol] = await _delegation_slot(market.chain, owed.debt)
        chunk = users[first : first + each]
        await _delegate(market.chain, owed.debt, slots[owed.symbol], chunk, crowd.address)
        random_source = random.Random(f"{label} {start + first}")
        entries = [(user, *_amounts(supplied, owed, random_source)) for user in chunk]
        arguments = (market.pool.address, supplied.token.address, owed.token.address, entries)
        await crowd.send("enter", *arguments, gas=SEED_GAS)
    return users


def _amounts(supplied: Reserve, owed: Reserve, source: random.Random) -> tuple[int, int]:
    """Raw units of collateral and debt at the listed prices."""
    dollars = source.randint(SMALLEST * 100, LARGEST * 100) * 10**6  # whole cents in the base unit
    share = source.randint(BPS // 2, BPS - 10)
    debt = dollars * supplied.asset.ltv * share // BPS**2
    return dollars * 10**supplied.decimals // supplied.asset.price, debt * 10**owed.decimals // owed.asset.price


async def _delegate(
    chain: Anvil, debt: Contract, slot: int, users: tuple[ChecksumAddress, ...], to: ChecksumAddress
) -> None:
    writes = [("anvil_setStorageAt", [debt.address, _place(slot, user, to), _word(MAX)]) for user in users]
    await chain.batch(writes)


async def _delegation_slot(chain: Anvil, debt: Contract) -> int:
    """Where this debt token keeps ``mapping(owner => mapping(delegate => allowance))``: found by writing, since it moves with versions."""
    owner, to = account("delegation probe owner"), account("delegation probe delegate")
    places = [_place(slot, owner, to) for slot in range(PROBED_SLOTS)]
    await chain.batch(
        [("anvil_setStorageAt", [debt.address, place, _word(slot + 1)]) for slot, place in enumerate(places)]
    )
    answer: int = await debt.call("borrowAllowance", owner, to)
    await chain.batch([("anvil_setStorageAt", [debt.address, place, _word(0)]) for place in places])
    if not answer:
        raise ConfigError(f"the debt token keeps its delegations in none of the first {PROBED_SLOTS} storage slots")
    return answer - 1


def _place(slot: int, owner: str, to: str) -> str:
    inner = keccak(encode(["address", "uint256"], [owner, slot]))
    return "0x" + keccak(encode(["address", "bytes32"], [to, inner])).hex()


def _word(value: int) -> str:
    return f"0x{value:064x}"
