"""What Venus itself answers, asked by a plain AsyncWeb3 with the package's own ABI: not by our reader, codec or adapter.

Its views see stored books. What a liquidator meets is asked of the entry points themselves, simulated from somebody who can pay, and of
`liquidateBorrowAllowed` after the pair has accrued, in one simulated transaction: that names the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from watcher.localchain import venus_actions as do
from watcher.localchain.contract import Contract
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.scenario import account
from watcher.localchain.venus_pool import VenusPool

PAYER = account("payer")  # rich and approved
STRANGER = account("stranger")  # as rich, and not the liquidator where one is named
REASONS = {
    0: "",
    1: "UNAUTHORIZED",
    3: "INSUFFICIENT_SHORTFALL",
    13: "PRICE_ERROR",
    17: "TOO_MUCH_REPAY",
}  # of `ComptrollerErrorReporter.Error`


@dataclass(frozen=True, slots=True)
class Verdict:
    """A simulated liquidation: whether it goes through, and what the comptroller says of it by itself."""

    done: bool
    reason: str


async def prepared(pool: VenusPool) -> VenusPool:
    """Two who can pay for everything."""
    for who in (PAYER, STRANGER):
        for symbol in (*pool.markets, "VAI"):
            await do.prepare_payer(pool, who, symbol)
    return pool


class Truth:
    def __init__(self, pool: VenusPool) -> None:
        self.pool = pool
        self.w3 = AsyncWeb3(AsyncHTTPProvider(pool.chain.url))
        self.comptroller = self.plain(pool.comptroller)
        self.controller = self.plain(pool.controller)
        self.multicall = self.w3.eth.contract(MULTICALL3, abi=AGGREGATE)

    async def close(self) -> None:
        await self.w3.provider.disconnect()

    def plain(self, contract: Contract) -> Any:
        return self.w3.eth.contract(contract.address, abi=contract.abi)

    def accruing(self, symbol: str) -> tuple[str, bool, str]:
        """The call that brings one market, or VAI, up to date."""
        if symbol == "VAI":
            return self.controller.address, False, self.controller.encode_abi("accrueVAIInterest", [])
        v = self.plain(self.pool.markets[symbol].v)
        return v.address, False, v.encode_abi("accrueInterest", [])

    async def line(self, who: str, block: int, touched: Sequence[str] = ()) -> tuple[int, int, int]:
        """Liquidity and shortfall by thresholds, and borrowing power left, once these markets have accrued."""
        calls = [self.accruing(symbol) for symbol in touched]
        views = ("getAccountLiquidity", "getBorrowingPower")
        calls += [(self.comptroller.address, False, self.comptroller.encode_abi(name, [who])) for name in views]
        rows = await self.multicall.functions.aggregate3(calls).call(block_identifier=block)
        found = [decode(["uint256"] * 3, row[1]) for row in rows[-2:]]
        assert [error for error, *_ in found] == [0, 0]
        return found[0][1], found[0][2], found[1][1]

    async def owed(self, who: str, symbol: str, block: int) -> int:
        """`borrowBalanceCurrent`, or of VAI `getVAIRepayAmount` after its interest has accrued."""
        if symbol != "VAI":
            views = self.plain(self.pool.markets[symbol].v).functions
            return int(await views.borrowBalanceCurrent(who).call(block_identifier=block))
        ask = (self.controller.address, False, self.controller.encode_abi("getVAIRepayAmount", [who]))
        rows = await self.multicall.functions.aggregate3([self.accruing("VAI"), ask]).call(block_identifier=block)
        return int(decode(["uint256"], rows[1][1])[0])

    async def held(self, who: str, symbol: str, block: int) -> int:
        """`balanceOfUnderlying`, simulated."""
        views = self.plain(self.pool.markets[symbol].v).functions
        return int(await views.balanceOfUnderlying(who).call(block_identifier=block))

    async def liquidated(
        self, who: str, debt: str, collateral: str, amount: int, block: int, payer: str = PAYER
    ) -> Verdict:
        """The entry point of this pair, and why the comptroller would refuse it."""
        contract, function, args, value = do.liquidation(self.pool, who, debt, collateral, amount)
        data = self.plain(contract).encode_abi(function, list(args))
        message = {"from": payer, "to": contract.address, "data": data, "value": hex(value), "gas": hex(30_000_000)}
        answer: Any = await self.w3.provider.make_request(RPCEndpoint("eth_call"), [message, hex(block)])
        done = "result" in answer and not any(bytes.fromhex(answer["result"][2:])[:32])
        return Verdict(done, await self._reason(who, debt, collateral, amount, block, payer))

    async def _reason(self, who: str, debt: str, collateral: str, amount: int, block: int, payer: str) -> str:
        owed = self.pool.controller if debt == "VAI" else self.pool.markets[debt].v
        args = [owed.address, self.pool.markets[collateral].v.address, payer, who, amount]
        ask = (self.comptroller.address, True, self.comptroller.encode_abi("liquidateBorrowAllowed", args))
        calls = [*(self.accruing(symbol) for symbol in dict.fromkeys((debt, collateral))), ask]
        rows = await self.multicall.functions.aggregate3(calls).call(block_identifier=block)
        worked, answer = rows[-1]
        if not worked:
            return str(decode(["string"], answer[4:])[0])
        return REASONS[decode(["uint256"], answer)[0]]
