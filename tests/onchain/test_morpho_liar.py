"""A node that lies in every answer Morpho itself gives about health: our figures stay, and the audit reports every position."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.morpho_scene import Scene
from watcher.chain.reader import Reader
from watcher.health.audit import compare
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.scenario import account

LIQUIDATE = keccak(text="liquidate((address,address,address,address,uint256),address,uint256,uint256,bytes)")[:4].hex()
RESULTS = ["(bool,bytes)[]"]


def error(text: str) -> bytes:
    return bytes.fromhex("08c379a0") + encode(["string"], [text])


SWAPPED = {
    error("position is healthy"): error("transferFrom reverted"),
    error("transferFrom reverted"): error("position is healthy"),
}


def falsified(answer: str) -> str:
    """A simulated transaction's answer with a tenth more borrowed and every verdict turned round."""
    (rows,) = decode(RESULTS, bytes.fromhex(answer[2:]))
    lies = []
    for success, data in rows:
        if success and len(data) == 6 * 32:  # market(id)
            words = list(decode(["uint128"] * 6, data))
            words[2] = words[2] * 11 // 10 + 1
            lies.append((success, encode(["uint128"] * 6, words)))
        else:
            lies.append((success, SWAPPED.get(data, data)))
    return "0x" + encode(RESULTS, [lies]).hex()


@contextmanager
def liar(url: str) -> Iterator[tuple[str, list[int]]]:
    """A node before the real one, and how many simulated transactions it has lied about."""
    lies = [0]

    class Between(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as reply:
                answers = json.loads(reply.read())
            asked = json.loads(body)
            pairs = zip(asked, answers, strict=True) if isinstance(asked, list) else [(asked, answers)]
            for question, answer in pairs:
                if LIQUIDATE in json.dumps(question) and "result" in answer:
                    answer["result"] = falsified(answer["result"])
                    lies[0] += 1
            said = json.dumps(answers).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", lies
        finally:
            server.shutdown()
            thread.join()


def test_a_node_that_lies_about_health_changes_nothing_and_is_reported_everywhere(morpho: MorphoChain) -> None:
    async def story(scene: Scene) -> None:
        market = morpho.markets["WETH/USDC"]
        owners = [account(f"owner {n}") for n in range(8)]
        for n, who in enumerate(owners):
            await scene.open_position(market, who, 10**18, (n + 10) * 100 * 10**6)
        await scene.set_answer(market, 1_500 * 10**8)
        honest = await scene.view("WETH/USDC", owners)
        assert all(
            not compare(honest.value(w), r)
            for w, r in zip(owners, (await scene.reported(honest)).values(), strict=True)
        )
        with liar(morpho.chain.url) as (url, lies):
            crooked = AsyncWeb3(AsyncHTTPProvider(url))
            scene.reader = Reader(crooked)
            view = await scene.view("WETH/USDC", owners)
            reports = await scene.reported(view)
            await crooked.provider.disconnect()
        values = [view.value(who) for who in owners]
        assert values == [honest.value(who) for who in owners]
        assert {worth.liquidatable for worth in values} == {True, False}
        found = [{wrong.field for wrong in compare(worth, reports[worth.key])} for worth in values]
        assert found == [{"debt", "liquidatable"}] * len(owners)
        assert lies == [1]

    async def told() -> None:
        scene = await Scene.open(morpho)
        try:
            await story(scene)
        finally:
            await scene.close()

    asyncio.run(told())
