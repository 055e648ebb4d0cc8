"""The real Multicall3 at its canonical address: its creation code is taken from the viem package when it is needed."""

from __future__ import annotations

import re

from eth_utils.address import to_checksum_address as checksum

from watcher.errors import ConfigError
from watcher.localchain import packages
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, message, transact

MULTICALL3 = checksum("0xca11bde05977b3631167028862be2a173976ca11")
# For a plain web3 contract: this is the one piece that tests take for truth, so it shares nothing with abis/.
AGGREGATE = [
    {
        "type": "function",
        "name": "aggregate3",
        "stateMutability": "payable",
        "inputs": [
            {
                "name": "calls",
                "type": "tuple[]",
                "components": [
                    {"name": "target", "type": "address"},
                    {"name": "allowFailure", "type": "bool"},
                    {"name": "callData", "type": "bytes"},
                ],
            }
        ],
        "outputs": [
            {
                "name": "returnData",
                "type": "tuple[]",
                "components": [{"name": "success", "type": "bool"}, {"name": "returnData", "type": "bytes"}],
            }
        ],
    }
]
CONSTANT = re.compile(r"multicall3Bytecode = '0x([0-9a-f]+)'")


async def place_multicall(chain: Anvil) -> None:
    """Deploy it somewhere and copy its runtime code to the address where every public chain has it."""
    text = (packages.path("viem") / "_cjs" / "constants" / "contracts.js").read_text()
    found = CONSTANT.search(text)
    if found is None:
        raise ConfigError("the viem package does not hold Multicall3's creation code")
    made = await transact(chain, message(DEPLOYER, None, bytes.fromhex(found[1])), "Multicall3")
    await chain.rpc("anvil_setCode", MULTICALL3, await chain.rpc("eth_getCode", made.created, "latest"))
