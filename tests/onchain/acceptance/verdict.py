"""What the pool's own liquidation entry point does, simulated by plain web3 from somebody who can pay: done, or its own error by name."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from tests.onchain.aave_scene import CODES, CODES_V2, STRING
from tests.onchain.acceptance.crowd import LIQUIDATOR
from watcher.localchain.aave_market import AaveMarket
from watcher.model import Blocked, Valuation
from watcher.units import MAX

DONE = "done"
HEALTHY = "HealthFactorNotBelowThreshold"  # "45" in 3.0
BLOCKED = {
    Blocked.PAUSED: "ReservePaused",
    Blocked.GRACE: "LiquidationGraceSentinelCheckFailed",
    Blocked.SENTINEL: "PriceOracleSentinelCheckFailed",
}


def foretold(ours: Valuation) -> str:
    """What the pool must say if our valuation is right."""
    if ours.blocked is not None:
        return BLOCKED[ours.blocked]
    return DONE if ours.liquidatable else HEALTHY


class Verdict:
    """``verdict = Verdict(local)`` … ``await verdict.of(who, "WETH", "USDC")`` … ``await verdict.close()``"""

    def __init__(self, local: AaveMarket) -> None:
        self._local = local
        self._w3 = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
        asked = [entry for entry in local.pool.abi if entry.get("name") == "liquidationCall"]
        self._pool = self._w3.eth.contract(local.pool.address, abi=asked)
        self._names = {
            function_signature_to_4byte_selector(abi_to_signature(entry)): str(entry["name"])  # type: ignore[arg-type]
            for entry in local.errors
            if entry["type"] == "error"
        }

    async def of(self, who: str, collateral: str, debt: str, amount: int = MAX) -> str:
        """A liquidation of that pair at the newest block."""
        tokens = [self._local.reserves[symbol].token.address for symbol in (collateral, debt)]
        data = self._pool.encode_abi("liquidationCall", [*tokens, who, amount, False])
        message = {"from": LIQUIDATOR, "to": self._pool.address, "data": data}
        answer: Any = await self._w3.provider.make_request(RPCEndpoint("eth_call"), [message, "latest"])
        return self._named(bytes.fromhex(answer["error"]["data"][2:])) if "error" in answer else DONE

    def _named(self, revert: bytes) -> str:
        if revert[:4] == STRING:
            (code,) = decode(["string"], revert[4:])
            return (CODES_V2 if self._local.protocol == "aave_v2" else CODES)[code]
        return self._names[revert[:4]]

    async def close(self) -> None:
        await self._w3.provider.disconnect()
