"""Plain JSON-RPC to the child node over one loopback connection.

Not the product's client: it trusts its own child, sets no limits and belongs to no event loop, so that one node can serve
a whole test session in which every test runs its own loop.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import threading
from collections.abc import Sequence
from typing import Any, TypeAlias

from watcher.errors import Refused, Transient

Request: TypeAlias = tuple[str, Sequence[Any]]  # method and parameters
NAME = "local node"
PATIENCE = 120  # seconds; a deployment with a million storage writes takes a few


class Wire:
    """`ask` and `ask_all` may be awaited from any event loop; requests go out one after another."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        self._turn = threading.Lock()
        self._ids = itertools.count(1)

    async def ask(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result; `Refused` with the node's own code and data when it answers with an error."""
        return _result(await asyncio.to_thread(self._post, self._message(method, params)))

    async def ask_all(self, requests: Sequence[Request]) -> list[Any]:
        """One JSON-RPC batch; results in the order of the requests. The first error among them raises."""
        if not requests:
            return []
        messages = [self._message(method, params) for method, params in requests]
        answers = await asyncio.to_thread(self._post, messages)
        by_id = {answer["id"]: answer for answer in answers}
        return [_result(by_id[message["id"]]) for message in messages]

    def close(self) -> None:
        self._connection.close()

    def _message(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _post(self, message: object) -> Any:
        body = json.dumps(message)
        with self._turn:
            try:
                self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
                return json.loads(self._connection.getresponse().read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._connection.close()  # the next request opens it again
                raise Transient(NAME, f"did not answer ({type(error).__name__}): it may have ended") from error


def _result(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        error = answer["error"]
        raise Refused(NAME, str(error.get("message", "")), int(error.get("code", 0)), error.get("data"))
    return answer["result"]
