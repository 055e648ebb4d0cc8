"""What Venus itself answers, asked by a plain AsyncWeb3 with the package's own ABI: not by our reader, codec or adapter.

Its views see stored books. What a liquidator meets is asked of the entry points themselves, simulated from somebody who can pay, and of
`liquidateBorrowAllowed` after the pair has accrued, in one simulated transaction: that names the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from watcher.localchain import venus_actions as do
from watcher.localchain.contract import Contract
from watcher.localchain.multicall import MULTICALL3
from watcher.localchain.scenario import account
from watcher.localchain.venus_pool import VenusPool
from watcher.units import WAD

AGGREGATE3 = keccak(text="aggregate3((address,bool,bytes)[])")[:4]
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


@dataclass(frozen=True, slots=True)
class Figures:
    """Wads, of accounts brought up to date; `health` is None without a debt."""

    health: int | None
    collateral: int
    debt: int


async def prepared(pool: VenusPool) -> VenusPool:
    """Two who can pay for everything."""
    for who in (PAYER, STRANGER):
        for symbol in (*pool.markets, "VAI"):
            await do.prepare_payer(pool, who, symbol)
    return pool


_encoders: dict[str, Any] = {}  # web3 takes its time over ABIs of this size: each is looked at once


def encoded(contract: Contract, function: str, args: tuple[Any, ...]) -> str:
    """Calldata by web3 and the package's ABI."""
    if contract.address not in _encoders:
        _encoders[contract.address] = AsyncWeb3().eth.contract(abi=contract.abi)
    return str(_encoders[contract.address].encode_abi(function, list(args)))


class Truth:
    def __init__(self, pool: VenusPool) -> None:
        self.pool = pool
        self.w3 = AsyncWeb3(AsyncHTTPProvider(pool.chain.url))
        self._plain: dict[str, Any] = {}

    async def close(self) -> None:
        await self.w3.provider.disconnect()

    def plain(self, contract: Contract) -> Any:
        if contract.address not in self._plain:
            self._plain[contract.address] = self.w3.eth.contract(contract.address, abi=contract.abi)
        return self._plain[contract.address]

    def ask(self, contract: Contract, function: str, *args: Any) -> tuple[str, bool, str]:
        """One call for multicall, which must not fail."""
        return contract.address, False, encoded(contract, function, args)

    async def together(
        self, calls: Sequence[tuple[str, bool, str]], block: int, words: Mapping[str, Mapping[str, str]] | None = None
    ) -> list[tuple[bool, bytes]]:
        """All of them one after another in one simulated transaction; `words` replaces storage of contracts for it."""
        rows = [(target, may_fail, bytes.fromhex(data[2:])) for target, may_fail, data in calls]
        data = AGGREGATE3 + encode(["(address,bool,bytes)[]"], [rows])
        message: Any = {"to": MULTICALL3, "data": "0x" + data.hex(), "gas": 100_000_000}
        as_if: Any = {target: {"stateDiff": dict(some)} for target, some in (words or {}).items()}
        answer = await self.w3.eth.call(message, block, as_if)
        return list(decode(["(bool,bytes)[]"], answer)[0])

    def accruing(self, symbol: str) -> tuple[str, bool, str]:
        """The call that brings one market, or VAI, up to date."""
        if symbol == "VAI":
            return self.ask(self.pool.controller, "accrueVAIInterest")
        return self.ask(self.pool.markets[symbol].v, "accrueInterest")

    async def line(
        self, who: str, block: int, touched: Sequence[str] = (), prices: Mapping[str, int] | None = None
    ) -> tuple[int, int, int]:
        """Liquidity and shortfall by thresholds, and borrowing power left, once these have accrued; as if the oracle answered so."""
        calls = [self.accruing(symbol) for symbol in touched]
        views = ("getAccountLiquidity", "getBorrowingPower")
        calls += [self.ask(self.pool.comptroller, name, who) for name in views]
        words = {self._place(symbol): f"0x{answer:064x}" for symbol, answer in (prices or {}).items()}
        rows = await self.together(calls, block, {self.pool.oracle.address: words} if words else None)
        found = [decode(["uint256"] * 3, row[1]) for row in rows[-2:]]
        assert [error for error, *_ in found] == [0, 0]
        return found[0][1], found[0][2], found[1][1]

    def _place(self, symbol: str) -> str:
        """Where the mock oracle keeps a price: its first word is the mapping."""
        token = self.pool.markets[symbol].token
        assert token is not None
        return "0x" + keccak(encode(["address", "uint256"], [token.address, 0])).hex()

    async def owed(self, who: str, symbol: str, block: int) -> int:
        """`borrowBalanceCurrent`, or of VAI `getVAIRepayAmount` after its interest has accrued."""
        if symbol != "VAI":
            views = self.plain(self.pool.markets[symbol].v).functions
            return int(await views.borrowBalanceCurrent(who).call(block_identifier=block))
        amount = self.ask(self.pool.controller, "getVAIRepayAmount", who)
        rows = await self.together([self.accruing("VAI"), amount], block)
        return int(decode(["uint256"], rows[1][1])[0])

    async def held(self, who: str, symbol: str, block: int) -> int:
        """`balanceOfUnderlying`, simulated."""
        views = self.plain(self.pool.markets[symbol].v).functions
        return int(await views.balanceOfUnderlying(who).call(block_identifier=block))

    async def figures(self, who: str, block: int) -> Figures:
        """From balances, exchange rates and prices after everything has accrued; what is weighted, from the comptroller's liquidity."""
        ((_, assets),) = await self.together([self.ask(self.pool.comptroller, "getAssetsIn", who)], block)
        entered = decode(["address[]"], assets)[0]
        views = [market.v for market in self.pool.markets.values() if market.v.address.lower() in entered]
        calls = [self.accruing(symbol) for symbol in (*self.pool.markets, "VAI")]
        calls += [self.ask(one, "getAccountSnapshot", who) for one in views]
        calls += [self.ask(self.pool.oracle, "getUnderlyingPrice", one.address) for one in views]
        calls.append(self.ask(self.pool.controller, "getVAIRepayAmount", who))
        calls.append(self.ask(self.pool.comptroller, "getAccountLiquidity", who))
        rows = [row[1] for row in await self.together(calls, block)]
        first = len(self.pool.markets) + 1
        held = [decode(["uint256"] * 4, row) for row in rows[first : first + len(views)]]
        prices = [decode(["uint256"], row)[0] for row in rows[first + len(views) : -2]]
        debt = decode(["uint256"], rows[-2])[0]
        debt += sum(price * owed // WAD for price, (_, _, owed, _) in zip(prices, held, strict=True))
        collateral = sum(
            p * (tokens * rate // WAD) // WAD for p, (_, tokens, _, rate) in zip(prices, held, strict=True)
        )
        error, liquidity, shortfall = decode(["uint256"] * 3, rows[-1])
        assert error == 0
        return Figures((debt + liquidity - shortfall) * WAD // debt if debt else None, collateral, debt)

    async def everybody(self, owners: Sequence[str], block: int) -> dict[str, Figures]:
        return {owner: await self.figures(owner, block) for owner in owners}

    async def liquidated(
        self, who: str, debt: str, collateral: str, amount: int, block: int, payer: str = PAYER
    ) -> Verdict:
        """The entry point of this pair, and why the comptroller would refuse it."""
        contract, function, args, value = do.liquidation(self.pool, who, debt, collateral, amount)
        _, _, data = self.ask(contract, function, *args)
        message = {"from": payer, "to": contract.address, "data": data, "value": hex(value), "gas": hex(30_000_000)}
        answer: Any = await self.w3.provider.make_request(RPCEndpoint("eth_call"), [message, hex(block)])
        done = "result" in answer and not any(bytes.fromhex(answer["result"][2:])[:32])
        return Verdict(done, await self._reason(who, debt, collateral, amount, block, payer))

    async def _reason(self, who: str, debt: str, collateral: str, amount: int, block: int, payer: str) -> str:
        owed = self.pool.controller if debt == "VAI" else self.pool.markets[debt].v
        args = [owed.address, self.pool.markets[collateral].v.address, payer, who, amount]
        target, _, data = self.ask(self.pool.comptroller, "liquidateBorrowAllowed", *args)
        ask = (target, True, data)
        calls = [*(self.accruing(symbol) for symbol in dict.fromkeys((debt, collateral))), ask]
        rows = await self.together(calls, block)
        worked, answer = rows[-1]
        if not worked:
            return str(decode(["string"], answer[4:])[0])
        return REASONS[decode(["uint256"], answer)[0]]
