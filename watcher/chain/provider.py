"""The same client as a web3 provider: ``AsyncWeb3(Provider(rpc))``. The one place of the package that imports web3.

Off-chain lookups (CCIP-read) are off: a contract must not make us fetch an address of its choosing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

_limit = sys.getrecursionlimit()

from web3 import AsyncWeb3  # noqa: E402
from web3._utils.encoding import Web3JsonEncoder  # noqa: E402
from web3.providers.async_base import AsyncJSONBaseProvider  # noqa: E402
from web3.types import RPCEndpoint, RPCResponse  # noqa: E402

from watcher.chain.classify import UnknownBlock  # noqa: E402
from watcher.chain.rpc import Rpc  # noqa: E402
from watcher.errors import ChainError, EndpointError, Refused  # noqa: E402

sys.setrecursionlimit(_limit)  # py_ecc, imported by web3, sets 100,000: at that depth a nested reply ends the process


class Provider(AsyncJSONBaseProvider):
    """What the chain refuses (a revert, an unknown method) is an answer with an "error" member, as web3 expects.

    Faults of endpoints are raised as our `EndpointError`s.
    """

    global_ccip_read_enabled = False

    def __init__(self, rpc: Rpc) -> None:
        super().__init__()
        self.rpc = rpc

    def __str__(self) -> str:
        return f"Provider({', '.join(self.rpc.endpoints)})"

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        result: Any
        try:
            result = await self.rpc.call(method, plain(params))
        except EndpointError as error:
            result = error
        return response(method, result)

    async def make_batch_request(self, requests: Sequence[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        results = await self.rpc.batch([(method, plain(params)) for method, params in requests])
        return [
            response(method, result, number)
            for number, ((method, _), result) in enumerate(zip(requests, results, strict=True))
        ]

    async def is_connected(self, show_traceback: bool = False) -> bool:
        try:
            await self.rpc.verify()
        except ChainError:
            if show_traceback:
                raise
            return False
        return True

    async def disconnect(self) -> None:
        await self.rpc.close()


def web3_over(rpc: Rpc) -> AsyncWeb3[Provider]:
    """An `AsyncWeb3` over our client, without the middleware that asks for the chain id before every call: we check it already."""
    w3 = AsyncWeb3(Provider(rpc))
    w3.middleware_onion.remove("validation")
    return w3


def plain(params: Any) -> list[Any]:
    """web3's parameters (HexBytes, AttributeDict) as JSON values."""
    return list(json.loads(json.dumps(params, cls=Web3JsonEncoder)))


def response(method: str, result: Any, number: int = 0) -> RPCResponse:
    """A JSON-RPC response as web3 reads it; raises what is an endpoint's fault."""
    if isinstance(result, UnknownBlock) and result.code == 0:
        return {"jsonrpc": "2.0", "id": number, "result": None}  # web3 says BlockNotFound
    if isinstance(result, Refused):
        error: dict[str, Any] = {"code": result.code, "message": result.reason.removeprefix(f"{method}: ")}
        if result.data is not None:
            error["data"] = result.data
        return {"jsonrpc": "2.0", "id": number, "error": error}  # type: ignore[typeddict-item]  # data may be absent
    if isinstance(result, EndpointError):
        raise result
    return {"jsonrpc": "2.0", "id": number, "result": result}
