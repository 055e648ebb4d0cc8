"""web3 over our client: the same answers as over web3's own provider, without its habits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BlockNotFound, ContractLogicError, OffchainLookup, Web3RPCError

from tests.chain.faults import status, wrong_id
from tests.chain.server import FakeClock, Oops, Scripted, serve
from watcher.chain.provider import Provider, web3_over
from watcher.chain.rpc import Rpc
from watcher.errors import Lying, Transient

ROOT = Path(__file__).parents[2]
TOKEN = "0x" + "11" * 20
ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "balanceOf",
        "stateMutability": "view",
        "inputs": [{"name": "account", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    }
]


def refusing(message: str, data: str | None = None, code: int = 3) -> Scripted:
    def call(transaction: dict[str, Any], block: Any) -> str:
        raise Oops(code, message, data)

    return Scripted(call=call)


def test_contracts_blocks_logs_and_batches_answer_as_over_web3s_own_provider() -> None:
    chain = Scripted(call=lambda transaction, block: "0x" + encode(["uint256"], [2**256 - 1]).hex())
    chain.answers["web3_clientVersion"] = "scripted"
    chain.log(7, 0, TOKEN, ["0x" + "22" * 32], "0x1234")

    async def read(w3: AsyncWeb3[Any]) -> list[Any]:
        token = w3.eth.contract(address=w3.to_checksum_address(TOKEN), abi=ABI)
        async with w3.batch_requests() as batch:
            batch.add(w3.eth.get_block(3))
            batch.add(token.functions.balanceOf(token.address))
            batched = await batch.async_execute()
        return [
            await w3.eth.chain_id,
            await w3.eth.block_number,
            await w3.eth.get_block(7),
            await w3.eth.get_logs({"blockHash": (await w3.eth.get_block(7))["hash"]}),
            await token.functions.balanceOf(token.address).call(),
            await w3.eth.call({"to": token.address, "data": b"\x01"}, {"blockHash": chain.hash(7)}),  # type: ignore[arg-type]
            list(batched),
            await w3.is_connected(),
        ]

    async def story() -> None:
        async with serve(chain) as server, Rpc([server.endpoint], 1) as rpc:
            theirs = AsyncWeb3(AsyncHTTPProvider(server.url))
            expected = await read(theirs)
            await theirs.provider.disconnect()
            assert await read(web3_over(rpc)) == expected
            assert expected[4] == 2**256 - 1 and len(expected[3]) == 1

    asyncio.run(story())


def test_a_revert_reaches_web3_with_its_reason_and_its_data() -> None:
    reason = "0x08c379a0" + encode(["string"], ["not today"]).hex()

    async def story() -> None:
        async with serve(refusing("execution reverted: not today", reason)) as server, Rpc([server.endpoint], 1) as rpc:
            with pytest.raises(ContractLogicError, match="not today") as caught:
                await web3_over(rpc).eth.call({"to": TOKEN, "data": "0x"})  # type: ignore[typeddict-item]
            assert caught.value.data == reason

    asyncio.run(story())


def test_an_unknown_method_and_an_unknown_block_are_what_web3_calls_them() -> None:
    async def story() -> None:
        async with serve() as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            w3 = web3_over(rpc)
            with pytest.raises(Web3RPCError, match="does not exist"):
                await w3.eth.get_transaction_count(w3.to_checksum_address(TOKEN))
            for block in (101, "0x" + "00" * 32):
                with pytest.raises(BlockNotFound):
                    await w3.eth.get_block(block)  # type: ignore[arg-type]

    asyncio.run(story())


def test_faults_of_endpoints_are_raised_as_ours_and_never_turned_into_answers() -> None:
    async def story() -> None:
        for fault, kind in ((status(502), Transient), (wrong_id, Lying)):
            async with serve(always=fault) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
                w3 = web3_over(rpc)
                with pytest.raises(kind):
                    await w3.eth.block_number
                assert not await w3.is_connected() or kind is Transient
                async with w3.batch_requests() as batch:
                    batch.add(w3.eth.get_block(3))
                    with pytest.raises(kind):
                        await batch.async_execute()

    asyncio.run(story())


def test_the_providers_name_holds_no_url() -> None:
    async def story() -> None:
        async with serve() as server, Rpc([server.endpoint], 1) as rpc:
            assert str(Provider(rpc)) == "Provider(local)"

    asyncio.run(story())


def test_f64_an_off_chain_lookup_makes_no_outbound_request() -> None:
    lookup = keccak(text="OffchainLookup(address,string[],bytes,bytes4,bytes)")[:4]

    async def story() -> None:
        async with serve(name="gateway") as gateway:
            urls = [gateway.url, gateway.url + "{sender}/{data}.json"]
            data = lookup + encode(
                ["address", "string[]", "bytes", "bytes4", "bytes"], [TOKEN, urls, b"\1", b"\2" * 4, b"\3"]
            )
            node = refusing("execution reverted", "0x" + data.hex())
            async with serve(node) as server, Rpc([server.endpoint], 1) as rpc:
                w3 = web3_over(rpc)
                token = w3.eth.contract(address=w3.to_checksum_address(TOKEN), abi=ABI)
                with pytest.raises(OffchainLookup):
                    await w3.eth.call({"to": TOKEN, "data": "0x"})  # type: ignore[typeddict-item]
                with pytest.raises(OffchainLookup):
                    await token.functions.balanceOf(token.address).call()
                assert server.seen.count("eth_call") == 2
            assert gateway.hits == 0

    asyncio.run(story())


def test_f08_web3_raises_the_recursion_limit_and_importing_it_through_us_puts_it_back() -> None:
    program = """
import sys
before, seen, put = sys.getrecursionlimit(), [], sys.setrecursionlimit
sys.setrecursionlimit = lambda limit: (seen.append(limit), put(limit))
import watcher.chain.provider
assert max(seen) == 100_000 and sys.getrecursionlimit() == before, (seen, before)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
