"""What Compound itself answers, asked by a plain AsyncWeb3 with the package's own ABI: not by our reader, codec or adapter.

Its view sees the books as they are stored. What a liquidator meets is asked of `liquidateBorrow` itself, simulated from somebody who can
pay; what all markets accrued come to, inside one simulated transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2
from watcher.localchain.contract import Contract
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.scenario import account
from watcher.units import WAD

PAYER = account("payer")  # rich and approved
ALLOWED = "allowed"
# `liquidateBorrow` answers COMPTROLLER_REJECTION and logs the comptroller's own code; an ether market reverts with the first as text.
REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Figures:
    """Health as a wad, None where nothing is owed; full collateral and debt in wads of the native token."""

    health: int | None
    collateral: int
    debt: int


class Truth:
    def __init__(self, world: CompoundV2) -> None:
        self.world = world
        self.w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self.multicall = self.w3.eth.contract(MULTICALL3, abi=AGGREGATE)

    async def close(self) -> None:
        await self.w3.provider.disconnect()

    def plain(self, contract: Contract) -> Any:
        return self.w3.eth.contract(contract.address, abi=contract.abi)

    async def prepare(self) -> None:
        """Make the payer able to pay for everything."""
        for one in self.world.markets.values():
            await do.pay(self.world, one, PAYER)

    async def line(self, who: str, block: int) -> tuple[int, int, int]:
        """`getAccountLiquidity`: error, liquidity, shortfall."""
        views = self.plain(self.world.comptroller).functions
        return tuple(await views.getAccountLiquidity(who).call(block_identifier=block))

    async def accrued(
        self, who: str, wanted: Sequence[Sequence[str]], block: int, answers: Mapping[str, int] | None = None
    ) -> list[tuple[int, int, int]]:
        """The same after some markets accrued at this block, inside one simulated transaction each; all asked in one request.

        `answers` are put into the oracle first, which lets anybody.
        """
        oracle = self.world.oracle
        set_ = [
            (oracle.address, False, oracle.data("setUnderlyingPrice", self.world.markets[symbol].ctoken.address, one))
            for symbol, one in (answers or {}).items()
        ]
        comptroller = self.plain(self.world.comptroller)
        view = (comptroller.address, False, comptroller.encode_abi("getAccountLiquidity", [who]))
        asked = []
        for symbols in wanted:
            touched = [self.world.markets[symbol].ctoken for symbol in symbols]
            calls = [(one.address, False, one.data("accrueInterest")) for one in touched]
            data = self.multicall.encode_abi("aggregate3", [[*set_, *calls, view]])
            asked.append((RPCEndpoint("eth_call"), [{"to": self.multicall.address, "data": data}, hex(block)]))
        replies: Any = await self.w3.provider.make_batch_request(asked)
        found = []
        for answer in replies:
            (rows,) = decode(["(bool,bytes)[]"], bytes.fromhex(answer["result"][2:]))
            found.append(tuple(decode(["uint256"] * 3, rows[-1][1])))
        return found

    async def everybody(self, owners: Sequence[str], block: int) -> dict[str, Figures]:
        """Of each account when all markets have accrued at this block, in one simulated transaction each: snapshots, prices, liquidity."""
        comptroller = self.world.comptroller
        markets = [one.ctoken for one in self.world.markets.values()]
        oracle = self.world.oracle
        prices = [await self.plain(oracle).functions.getUnderlyingPrice(one.address).call() for one in markets]
        accrue = [(one.address, False, one.data("accrueInterest")) for one in markets]
        asked = []
        for who in owners:
            calls = [
                *accrue,
                (comptroller.address, False, comptroller.data("getAssetsIn", who)),
                (comptroller.address, False, comptroller.data("getAccountLiquidity", who)),
                *((one.address, False, one.data("getAccountSnapshot", who)) for one in markets),
            ]
            data = self.multicall.encode_abi("aggregate3", [calls])
            asked.append((RPCEndpoint("eth_call"), [{"to": self.multicall.address, "data": data}, hex(block)]))
        answers: Any = await self.w3.provider.make_batch_request(asked)
        found = {}
        for who, answer in zip(owners, answers, strict=True):
            (rows,) = decode(["(bool,bytes)[]"], bytes.fromhex(answer["result"][2:]))
            (entered,) = decode(["address[]"], rows[len(markets)][1])
            _, liquidity, shortfall = decode(["uint256"] * 3, rows[len(markets) + 1][1])
            shots = [decode(["uint256"] * 4, row[1]) for row in rows[len(markets) + 2 :]]
            inside = [
                (price, *shot)
                for one, price, shot in zip(markets, prices, shots, strict=True)
                if one.address.lower() in entered
            ]
            debt = sum(price * owed // WAD for price, _, _, owed, _ in inside)
            collateral = sum(price * (rate * tokens // WAD) // WAD for price, _, tokens, _, rate in inside)
            weighted = debt + liquidity - shortfall
            found[who] = Figures(weighted * WAD // debt if debt else None, collateral, debt)
        return found

    async def owed(self, who: str, symbol: str, block: int) -> int:
        """`borrowBalanceCurrent`, simulated."""
        views = self.plain(self.world.markets[symbol].ctoken).functions
        return int(await views.borrowBalanceCurrent(who).call(block_identifier=block))

    async def held(self, who: str, symbol: str, block: int) -> int:
        """`balanceOfUnderlying`, simulated."""
        views = self.plain(self.world.markets[symbol].ctoken).functions
        return int(await views.balanceOfUnderlying(who).call(block_identifier=block))

    async def liquidations(self, who: str, pairs: Sequence[tuple[str, str]], amount: int, block: int) -> list[str]:
        """`liquidateBorrow` of each pair (debt, collateral) by the payer: *allowed*, *rejected* by the comptroller, or any other text."""
        asked = []
        for debt, collateral in pairs:
            market = self.world.markets[debt]
            function, *args = do.liquidation(self.world, who, debt, collateral, amount)
            data = "0x" + market.ctoken.data(function, *args).hex()
            value = hex(0 if market.token else amount)
            call = {"from": PAYER, "to": market.ctoken.address, "data": data, "value": value}
            asked.append((RPCEndpoint("eth_call"), [call, hex(block)]))
        answers: Any = await self.w3.provider.make_batch_request(asked)
        return [_verdict(answer) for answer in answers]


def _verdict(answer: Any) -> str:
    """An ether market answers nothing, and reverts with the error code as text."""
    if "error" in answer:
        data = str(answer["error"].get("data") or "0x")
        text = str(decode(["string"], bytes.fromhex(data[10:]))[0]) if data.startswith("0x08c379a0") else data
        return REJECTED if text == "liquidateBorrow failed (03)" else text
    code = int(answer["result"], 16) if answer["result"] != "0x" else 0
    return {0: ALLOWED, 3: REJECTED}.get(code, f"error {code}")
