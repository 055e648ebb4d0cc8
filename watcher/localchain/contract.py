"""Deploying, calling and sending on the local chain, with eth_abi and the contract's own ABI. A failed transaction raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError
from eth_typing import ABIFunction, ChecksumAddress, HexStr
from eth_utils.abi import (
    abi_to_signature,
    function_signature_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)
from eth_utils.address import to_checksum_address as checksum

from watcher.errors import AnswerError, CallReverted, ConfigError, Refused
from watcher.localchain.anvil import Anvil

Abi: TypeAlias = Sequence[Mapping[str, Any]]
Links: TypeAlias = Mapping[str, Mapping[str, Sequence[Mapping[str, int]]]]

DEPLOYER = checksum("0x00000000000000000000000000000000000a11ce")  # holds no key and no ether: gas costs nothing here
TX_GAS = 30_000_000
REVERTED = 3  # the node's code of an answer that carries revert data
HALTED = "EVM error"  # out of gas, invalid opcode: no data
ZERO = checksum("0x" + "00" * 20)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract. `code` is creation code in hex without prefix; `links` are (library name, offset in bytes)."""

    name: str
    abi: Abi
    code: str
    links: tuple[tuple[str, int], ...] = ()

    @classmethod
    def build(cls, name: str, abi: Abi, code: str, references: Links) -> Artifact:
        """From a compiler's output: `references` is its ``linkReferences``."""
        links = tuple(
            (library, place["start"])
            for libraries in references.values()
            for library, places in libraries.items()
            for place in places
        )
        return cls(name, abi, code.removeprefix("0x"), links)

    def linked(self, libraries: Mapping[str, ChecksumAddress]) -> bytes:
        """Creation code with every library's address in its places; `ConfigError` names one that is missing."""
        code = self.code
        for library, start in self.links:
            if library not in libraries:
                raise ConfigError(f"{self.name} must be linked with {library}")
            code = code[: 2 * start] + libraries[library][2:].lower() + code[2 * start + 40 :]
        return bytes.fromhex(code)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that succeeded."""

    hash: HexStr
    block: int
    gas: int
    logs: tuple[Mapping[str, Any], ...]
    created: ChecksumAddress | None


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract: `call` simulates at the newest block, `send` is a mined transaction that did not revert.

    `function` is a name, or the whole signature where names are overloaded.
    """

    chain: Anvil
    address: ChecksumAddress
    abi: Abi

    def data(self, function: str, *args: Any) -> bytes:
        """Calldata: selector and encoded arguments."""
        entry = self._function(function)
        return _selector(abi_to_signature(entry)) + abi_encode(get_abi_input_types(entry), args)

    def decode(self, function: str, answer: bytes) -> Any:
        """A single output by itself, several as a tuple; `AnswerError` when the answer is not what the ABI says."""
        try:
            row = abi_decode(get_abi_output_types(self._function(function)), answer)
        except DecodingError as error:
            raise AnswerError(f"{function} answered {len(answer)} bytes that its ABI does not describe") from error
        return row[0] if len(row) == 1 else row

    async def call(
        self, function: str, *args: Any, sender: str = DEPLOYER, block: str | dict[str, Any] = "latest"
    ) -> Any:
        """`CallReverted` when the contract reverts."""
        message = {"from": sender, "to": self.address, "data": "0x" + self.data(function, *args).hex()}
        return self.decode(function, await simulate(self.chain, message, function, block))

    async def send(self, function: str, *args: Any, sender: str = DEPLOYER, gas: int = TX_GAS) -> Receipt:
        """One mined transaction; `CallReverted` with the contract's own data when it failed."""
        return await transact(self.chain, self.transaction(function, *args, sender=sender, gas=gas), function)

    def transaction(self, function: str, *args: Any, sender: str = DEPLOYER, gas: int = TX_GAS) -> dict[str, str]:
        """What `eth_sendTransaction` takes, for `post` and for batches."""
        return message(sender, self.address, self.data(function, *args), gas)

    def at(self, address: str) -> Contract:
        """The same ABI at another address."""
        return Contract(self.chain, checksum(address), self.abi)

    def _function(self, name: str) -> ABIFunction:
        found: list[ABIFunction] = [
            entry  # type: ignore[misc]  # the type field says that it is a function
            for entry in self.abi
            if entry["type"] == "function" and name in (entry["name"], abi_to_signature(entry))  # type: ignore[arg-type]
        ]
        if len(found) != 1:
            raise ConfigError(f"{name} names {len(found)} functions of this contract: give the signature")
        return found[0]


def message(sender: str, to: str | None, data: bytes, gas: int = TX_GAS) -> dict[str, str]:
    """A transaction without a price: the local chain's base fee is zero."""
    fields = {"from": sender, "data": "0x" + data.hex(), "gas": hex(gas), "gasPrice": "0x0"}
    return fields if to is None else {**fields, "to": to}


async def deploy(
    chain: Anvil,
    artifact: Artifact,
    *args: Any,
    libraries: Mapping[str, ChecksumAddress] | None = None,
    sender: str = DEPLOYER,
) -> Contract:
    """A new contract with its libraries linked and its constructor's arguments encoded."""
    types = next((get_abi_input_types(e) for e in artifact.abi if e["type"] == "constructor"), [])  # type: ignore[arg-type]
    code = artifact.linked(libraries or {}) + abi_encode(types, args)
    receipt = await transact(chain, message(sender, None, code), f"constructor of {artifact.name}")
    if receipt.created is None:
        raise ConfigError(f"the node reports no address for {artifact.name}")
    return Contract(chain, receipt.created, artifact.abi)


async def transact(chain: Anvil, fields: Mapping[str, str], call: str = "transaction") -> Receipt:
    """Send one message and wait until it is mined; `CallReverted` with the revert data when it failed."""
    return await _succeeded(chain, await chain.rpc("eth_sendTransactionSync", dict(fields)), call)


async def post(chain: Anvil, fields: Mapping[str, str]) -> HexStr:
    """Hand a message to the node without waiting; its transaction hash. For use inside `Anvil.one_block`."""
    return HexStr(await chain.rpc("eth_sendTransaction", dict(fields)))


async def receipt(chain: Anvil, transaction: HexStr, call: str = "transaction") -> Receipt:
    """The receipt of a mined transaction; `CallReverted` with the revert data when it failed."""
    found = await chain.rpc("eth_getTransactionReceipt", transaction)
    if found is None:
        raise ConfigError(f"{call} {transaction} is not mined")
    return await _succeeded(chain, found, call)


async def _succeeded(chain: Anvil, found: Mapping[str, Any], call: str) -> Receipt:
    if found["status"] != "0x1":
        sent = await chain.rpc("eth_getTransactionByHash", found["transactionHash"])
        fields = {"from": sent["from"], "to": sent["to"], "data": sent["input"], "gas": sent["gas"]}
        await simulate(chain, fields, call, hex(int(found["blockNumber"], 16) - 1))
        raise CallReverted(call)  # only in its block, after what came before it there
    created = found["contractAddress"]
    return Receipt(
        hash=HexStr(found["transactionHash"]),
        block=int(found["blockNumber"], 16),
        gas=int(found["gasUsed"], 16),
        logs=tuple(found["logs"]),
        created=None if created is None else checksum(created),
    )


async def simulate(chain: Anvil, fields: Mapping[str, Any], call: str, block: str | dict[str, Any] = "latest") -> bytes:
    """`eth_call`; `CallReverted` carries the revert data."""
    try:
        answer = await chain.rpc("eth_call", dict(fields), block)
    except Refused as refused:
        if refused.code != REVERTED and not refused.reason.startswith(HALTED):
            raise
        data = refused.data if isinstance(refused.data, str) else "0x"
        raise CallReverted(call, bytes.fromhex(data.removeprefix("0x"))) from refused
    return bytes.fromhex(answer.removeprefix("0x"))


@lru_cache(maxsize=4096)
def _selector(signature: str) -> bytes:
    return function_signature_to_4byte_selector(signature)
