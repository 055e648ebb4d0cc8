"""Answers of the local node find their requests, and its errors are raised with what it said."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from watcher.errors import Refused, Transient
from watcher.localchain.wire import Wire


@contextmanager
def served(answer: Callable[[Any], Any]) -> Iterator[Wire]:
    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answer(request)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        wire = Wire("127.0.0.1", server.server_address[1])
        yield wire
        wire.close()
        server.shutdown()
        thread.join()


def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": request["method"]}


def test_a_batch_comes_back_in_the_order_of_its_requests() -> None:
    with served(lambda batch: [echo(request) for request in reversed(batch)]) as wire:
        assert asyncio.run(wire.ask_all([("a", []), ("b", []), ("c", [])])) == ["a", "b", "c"]


def test_one_connection_serves_many_event_loops() -> None:
    with served(echo) as wire:
        assert [asyncio.run(wire.ask(method)) for method in ("first", "second")] == ["first", "second"]


def test_an_error_carries_the_nodes_own_code_and_data() -> None:
    error = {"code": 3, "message": "execution reverted: 45", "data": "0x08c379a0"}
    with served(lambda request: {"id": request["id"], "error": error}) as wire:
        with pytest.raises(Refused) as caught:
            asyncio.run(wire.ask("eth_call"))
        assert (caught.value.code, caught.value.data) == (3, "0x08c379a0")


def test_a_node_that_ended_is_a_transient_failure() -> None:
    with served(echo) as wire:
        pass
    with pytest.raises(Transient, match="may have ended"):
        asyncio.run(wire.ask("eth_chainId"))
