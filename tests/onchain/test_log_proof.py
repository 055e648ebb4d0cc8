"""The filters of real headers: those of the node are made by its logs, block after block, and prove which logs are missing."""

from __future__ import annotations

import asyncio

from watcher.chain.bloom import bloom, filled, may_hold
from watcher.chain.endpoint import Endpoint
from watcher.chain.log_proof import headers, received
from watcher.chain.rpc import Rpc
from watcher.localchain.morpho import MorphoChain


def test_the_filter_of_every_header_is_the_one_that_the_logs_of_its_block_make(morpho: MorphoChain) -> None:
    async def run() -> tuple[int, int]:
        blocks = logs = 0
        async with Rpc([Endpoint("anvil", morpho.chain.url)], morpho.chain.chain_id) as rpc:
            head = int((await rpc.ask("eth_blockNumber")).value, 16)
            for header in await headers(rpc, range(max(0, head - 90), head + 1)):
                found = received(await rpc.ask("eth_getLogs", [{"blockHash": header["hash"]}]))
                marks = bloom(header)
                assert marks == filled(found)
                assert all(may_hold(marks, {"address": [one.address], "topics": [[one.topics[0]]]}) for one in found)
                blocks += bool(found)
                logs += len(found)
        return blocks, logs

    blocks, logs = asyncio.run(run())
    assert blocks >= 10
    assert logs >= blocks
