"""A Comet put into any state, and asked what comes of it. The recorded answers of the original were asked for in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from watcher.errors import CallReverted
from watcher.localchain.anvil import Anvil
from watcher.localchain.comet import LocalComet
from watcher.localchain.contract import Receipt, post
from watcher.localchain.scenario import account

USER = account("vector")
ABSORBER = account("absorber")
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """`users` and `collateral` are the storage slots of `userBasic` and `userCollateral`: the twin's, unless named."""

    local: LocalComet
    users: int = 4
    collateral: int = 5

    @property
    def chain(self) -> Anvil:
        return self.local.chain

    async def interest(self, row: Row) -> list[Any]:
        """[supplied, borrowed, supply index, borrow index, seconds] → utilisation, both rates, both indices and tracking indices after."""
        supplied, borrowed, supply_index, borrow_index, elapsed = row
        await self._user(0, {})
        now = await self._totals(supplied, borrowed, supply_index, borrow_index, elapsed)
        used = await self.local.comet.call("getUtilization")
        rates = [await self.local.comet.call(name, used) for name in ("getSupplyRate", "getBorrowRate")]
        await self.chain.next_timestamp(now)
        await self.local.comet.send("accrueAccount", USER)
        after = await self.local.comet.call("totalsBasic")
        return [used, *rates, *after[:4]]

    async def principal(self, row: Row) -> list[Any] | None:
        """[supply index, borrow index, supplied, borrowed, principal, base in, or out below zero] → principal and both totals after."""
        supply_index, borrow_index, supplied, borrowed, principal, amount = row
        await self._user(principal, {0: 10**30})
        now = await self._totals(supplied, borrowed, supply_index, borrow_index, 0)
        await self.chain.next_timestamp(now)
        verb = "supply" if amount >= 0 else "withdraw"
        try:
            await self.local.comet.send(verb, self.local.base.address, abs(amount), sender=USER)
        except CallReverted:
            return None
        totals = await self.local.comet.call("totalsBasic")
        return [(await self.local.comet.call("userBasic", USER))[0], totals[4], totals[5]]

    async def account(self, row: Row) -> list[Any]:
        """[supply index, borrow index, principal, prices (base's last), [place, balance] …] → liquidatable, may borrow, absorption.

        The absorption is None where it is refused, else base paid out, its value, principal after, value of each collateral.
        """
        supply_index, borrow_index, principal, prices, balances = row
        await self._prices(prices)
        await self._user(principal, dict(balances))
        now = await self._totals(10**20, 10**20, supply_index, borrow_index, 0)
        views = [await self.local.comet.call(name, USER) for name in ("isLiquidatable", "isBorrowCollateralized")]
        await self.chain.next_timestamp(now)
        try:
            done = await self.local.comet.send("absorb", ABSORBER, [USER], sender=ABSORBER)
        except CallReverted:
            return [*views, None]
        (paid, value), values = absorption(done)
        return [*views, [paid, value, (await self.local.comet.call("userBasic", USER))[0], values]]

    async def sale(self, row: Row) -> int:
        """[place, its price, base's price, base paid] → collateral sold for it."""
        place, price, base_price, amount = row
        symbol = self.local.plan.listings[place].symbol
        await self.local.feeds[symbol].send("set", price)
        await self.local.feeds[self.local.plan.base].send("set", base_price)
        sold: int = await self.local.comet.call("quoteCollateral", self.local.tokens[symbol].address, amount)
        return sold

    async def _prices(self, prices: Sequence[int]) -> None:
        """All in one block."""
        symbols = [*(one.symbol for one in self.local.plan.listings), self.local.plan.base]
        async with self.chain.one_block():
            for symbol, price in zip(symbols, prices, strict=True):
                await post(self.chain, self.local.feeds[symbol].transaction("set", price))

    async def _totals(self, supplied: int, borrowed: int, supply_index: int, borrow_index: int, elapsed: int) -> int:
        """Both slots of totals, last accrued so long before the time that is answered, which lies ahead."""
        now = await self.chain.timestamp() + elapsed + 10
        await self._store({0: supply_index | borrow_index << 64, 1: supplied | borrowed << 104 | now - elapsed << 208})
        return now

    async def _user(self, principal: int, balances: Mapping[int, int]) -> None:
        """The user, whose collateral is all that there is of it."""
        bits = sum(1 << place for place, balance in balances.items() if balance)
        words = {_slot(USER, self.users): principal % 2**104 | (bits & 0xFFFF) << 232 | bits >> 16 << 248}
        inside = _slot(USER, self.collateral)
        for place, one in enumerate(self.local.plan.listings):
            token, balance = self.local.tokens[one.symbol].address, balances.get(place, 0)
            words[int.from_bytes(keccak(encode(["address", "uint256"], [token, inside])), "big")] = balance
            words[_slot(token, 2)] = balance
        await self._store(words)

    async def _store(self, words: Mapping[int, int]) -> None:
        pairs = ["0x" + number.to_bytes(32, "big").hex() for pair in words.items() for number in pair]
        calls = zip(pairs[::2], pairs[1::2], strict=True)
        await self.chain.batch([("anvil_setStorageAt", (self.local.comet.address, *call)) for call in calls])


def _slot(key: str, base: int) -> int:
    return int.from_bytes(keccak(encode(["address", "uint256"], [key, base])), "big")


def absorption(done: Receipt) -> tuple[tuple[int, int], list[int]]:
    """Base paid out and its value; the value of each collateral, in the order of the logs."""
    debt = keccak(text="AbsorbDebt(address,address,uint256,uint256)").hex()
    seized = keccak(text="AbsorbCollateral(address,address,address,uint256,uint256)").hex()
    found: dict[str, list[tuple[int, int]]] = {debt: [], seized: []}
    for log in done.logs:
        rows = found.get(log["topics"][0][2:])
        if rows is not None:
            first, second = decode(["uint256", "uint256"], bytes.fromhex(log["data"][2:]))
            rows.append((first, second))
    ((paid, value),) = found[debt]
    return (paid, value), [worth for _, worth in found[seized]]
