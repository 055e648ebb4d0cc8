"""An EVM made of Python functions, true to the one thing that batching depends on: who gets how much gas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_abi import abi as eth

from tests.chain.server import Oops
from watcher.chain.multicall import AGGREGATE3, CANONICAL, TIMESTAMP

MODEXP = "0x" + "00" * 19 + "05"
PLAIN = 10_000  # gas of an ordinary call


class Reverted(Exception):
    """Raised by a contract: reverts with this data."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data


class Burned(Exception):
    """Raised by a contract: takes all the gas it was given."""


@dataclass
class Evm:
    """`contracts` answer calldata by lower-case address; `costs` is the gas of a call where it is not ordinary.

    Use as ``Scripted(call=Evm({...}))``. `sizes` records how many calls each aggregate carried and `blocks` what was asked for.
    """

    contracts: dict[str, Callable[[bytes], bytes]]
    cap: int = 50_000_000
    costs: dict[str, int] = field(default_factory=dict)
    multicall: bool = True
    timestamp: int = 1_700_001_200  # of block 100 of `Scripted`
    modexp: bool = True
    sizes: list[int] = field(default_factory=list)
    lone: list[str] = field(default_factory=list)
    blocks: list[Any] = field(default_factory=list)

    def __call__(self, transaction: dict[str, Any], block: Any) -> str:
        self.blocks.append(block)
        target, data = transaction["to"].lower(), bytes.fromhex(transaction["data"][2:])
        if target != CANONICAL.lower():
            self.lone.append(target)
        success, answer, left = self._run(target, data, self.cap)
        if not success:
            raise Oops(-32000, "out of gas") if left == 0 else Oops(3, "execution reverted", "0x" + answer.hex())
        return "0x" + answer.hex()

    def _run(self, target: str, data: bytes, gas: int) -> tuple[bool, bytes, int]:
        """(success, answer, gas left)"""
        if target == MODEXP and self.modexp:
            return (True, bytes(1024), gas - 1_000_000) if gas >= 1_000_000 else (False, b"", 0)
        if target == CANONICAL.lower() and self.multicall:
            if data == TIMESTAMP.selector:
                return True, self.timestamp.to_bytes(32), gas - 200
            return self._aggregate(data, gas)
        if target not in self.contracts:
            return True, b"", gas - 2_600
        left = gas - self.costs.get(target, PLAIN)
        if left < 0:
            return False, b"", 0
        try:
            return True, self.contracts[target](data), left
        except Reverted as revert:
            return False, revert.data, left
        except Burned:
            return False, b"", 0

    def _aggregate(self, data: bytes, gas: int) -> tuple[bool, bytes, int]:
        (calls,) = eth.decode(AGGREGATE3.inputs, data[4:])
        self.sizes.append(len(calls))
        results, memory = [], 0
        for target, _, calldata in calls:
            given = gas * 63 // 64
            success, answer, left = self._run(target, calldata, given)
            words = (memory + len(answer)) // 32
            gas -= given - left + 3_000 + words * words // 512 - (memory // 32) ** 2 // 512
            memory += len(answer)
            if gas < 0:
                return False, b"", 0
            results.append((success, answer))
        return True, eth.encode(AGGREGATE3.outputs, [results]), gas
