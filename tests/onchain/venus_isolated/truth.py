"""What an isolated pool itself answers, asked by a plain AsyncWeb3 with the package's own ABI: not by our reader, codec or adapter.

Its views see stored books. What a liquidator meets is asked of the entry points themselves, simulated from somebody who can pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import abi_to_signature
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from watcher.localchain.contract import Contract
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.scenario import account, fund
from watcher.localchain.venus_isolated import VenusIsolated, VenusPool, artifact
from watcher.units import WAD

PAYER = account("payer")  # rich and approved
RICH = 10**36


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of a simulated call: whether it succeeded, else the name of the contract's own error, or its text."""

    done: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Wads, of an account of which everything is accrued; `health` is None without a debt."""

    health: int | None
    collateral: int
    debt: int
    room: int


class Truth:
    def __init__(self, world: VenusIsolated) -> None:
        self.world = world
        self.w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self.multicall = self.w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        self._plain: dict[str, Any] = {}
        self._encoded: dict[str, str] = {}

    async def close(self) -> None:
        await self.w3.provider.disconnect()

    def plain(self, contract: Contract) -> Any:
        """Made once: web3 takes a tenth of a second for it."""
        if contract.address not in self._plain:
            self._plain[contract.address] = self.w3.eth.contract(contract.address, abi=contract.abi)
        return self._plain[contract.address]

    def _call(self, contract: Any, function: str, *args: Any) -> tuple[str, bool, str]:
        """For a multicall; encoded by web3 once: the same questions are asked at every block."""
        key = f"{contract.address}{function}{args}"
        if key not in self._encoded:
            self._encoded[key] = contract.encode_abi(function, list(args))
        return contract.address, False, self._encoded[key]

    async def prepare(self) -> None:
        """Make the payer able to pay for everything."""
        for pool in self.world.pools.values():
            for market in pool.markets.values():
                await fund(market.token, PAYER, RICH, market.vtoken.address)

    async def line(self, pool: VenusPool, who: str, block: int) -> tuple[int, int, int]:
        """Liquidity and shortfall by the liquidation thresholds, and what may still be borrowed."""
        views = self.plain(pool.comptroller).functions
        _, liquidity, shortfall = await views.getAccountLiquidity(who).call(block_identifier=block)
        _, power, _ = await views.getBorrowingPower(who).call(block_identifier=block)
        return liquidity, shortfall, power

    async def accrued(self, pool: VenusPool, who: str, symbols: tuple[str, ...], block: int) -> tuple[int, int, int]:
        """The same after these vTokens accrued at this block's time, inside one simulated transaction."""
        comptroller = self.plain(pool.comptroller)
        touched = [self.plain(pool.markets[symbol].vtoken) for symbol in symbols]
        calls = [self._call(one, "accrueInterest") for one in touched]
        views = ("getAccountLiquidity", "getBorrowingPower")
        calls += [self._call(comptroller, name, who) for name in views]
        rows = await self.multicall.functions.aggregate3(calls).call(block_identifier=block)
        (_, liquidity, shortfall), (_, power, _) = (decode(["uint256"] * 3, row[1]) for row in rows[-2:])
        return liquidity, shortfall, power

    async def figures(self, pool: VenusPool, who: str, block: int) -> Figures:
        """From balances, exchange rates and prices after everything has accrued; what is weighted, from the comptroller's liquidity."""
        comptroller, oracle = self.plain(pool.comptroller), self.plain(self.world.oracle)
        entered = await comptroller.functions.getAssetsIn(who).call(block_identifier=block)
        every = [self.plain(market.vtoken) for market in pool.markets.values()]
        views = [one for one in every if one.address in entered]
        calls = [self._call(one, "accrueInterest") for one in every]
        calls += [self._call(one, "getAccountSnapshot", who) for one in views]
        calls += [self._call(oracle, "getUnderlyingPrice", one.address) for one in views]
        for name in ("getAccountLiquidity", "getBorrowingPower"):
            calls.append(self._call(comptroller, name, who))
        rows = [row[1] for row in await self.multicall.functions.aggregate3(calls).call(block_identifier=block)]
        rows = rows[len(every) :]
        held = [decode(["uint256"] * 4, row) for row in rows[: len(views)]]
        prices = [decode(["uint256"], row)[0] for row in rows[len(views) : -2]]
        debt = sum(price * owed // WAD for price, (_, _, owed, _) in zip(prices, held, strict=True))
        collateral = sum(rate * p // WAD * tokens // WAD for p, (_, tokens, _, rate) in zip(prices, held, strict=True))
        (_, liquidity, shortfall), (_, room, _) = (decode(["uint256"] * 3, row) for row in rows[-2:])
        health = (debt + liquidity - shortfall) * WAD // debt if debt else None
        return Figures(health, collateral, debt, room)

    async def everybody(self, pool: VenusPool, owners: Sequence[str], block: int) -> dict[str, Figures]:
        return {owner: await self.figures(pool, owner, block) for owner in owners}

    async def owed(self, pool: VenusPool, who: str, symbol: str, block: int) -> int:
        """`borrowBalanceCurrent`, simulated."""
        views = self.plain(pool.markets[symbol].vtoken).functions
        return int(await views.borrowBalanceCurrent(who).call(block_identifier=block))

    async def held(self, pool: VenusPool, who: str, symbol: str, block: int) -> int:
        """`balanceOfUnderlying`, simulated."""
        views = self.plain(pool.markets[symbol].vtoken).functions
        return int(await views.balanceOfUnderlying(who).call(block_identifier=block))

    async def pair(self, pool: VenusPool, who: str, debt: str, collateral: str, amount: int, block: int) -> Verdict:
        """`liquidateBorrow` by the payer."""
        vtoken = self.plain(pool.markets[debt].vtoken)
        args = [who, amount, pool.markets[collateral].vtoken.address]
        return await self._tried(vtoken.address, vtoken.encode_abi("liquidateBorrow", args), block)

    async def heal(self, pool: VenusPool, who: str, block: int) -> Verdict:
        comptroller = self.plain(pool.comptroller)
        return await self._tried(comptroller.address, comptroller.encode_abi("healAccount", [who]), block)

    async def account(self, pool: VenusPool, who: str, orders: Sequence[tuple[str, str, int]], block: int) -> Verdict:
        """`liquidateAccount`; orders are collateral, debt (vTokens) and amount."""
        comptroller = self.plain(pool.comptroller)
        return await self._tried(comptroller.address, comptroller.encode_abi("liquidateAccount", [who, orders]), block)

    async def _tried(self, to: str, data: str, block: int) -> Verdict:
        answer: Any = await self.w3.provider.make_request(
            RPCEndpoint("eth_call"), [{"from": PAYER, "to": to, "data": data, "gas": hex(30_000_000)}, hex(block)]
        )
        if "result" in answer:
            return Verdict(True, "")
        return Verdict(False, _reason(str(answer["error"].get("data") or "0x")))


@cache
def _errors() -> dict[str, str]:
    """The names of the package's own errors by selector."""
    found = {}
    for name in ("Comptroller", "VToken"):
        for entry in artifact(name).abi:
            if entry["type"] == "error":
                found[keccak(text=abi_to_signature(entry))[:4].hex()] = str(entry["name"])  # type: ignore[arg-type]
    return found


def _reason(data: str) -> str:
    if data.startswith("0x08c379a0"):
        return str(decode(["string"], bytes.fromhex(data[10:]))[0])
    return _errors().get(data[2:10], data)
