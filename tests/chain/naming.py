"""ENS made of a table of names, behind the addresses at which Ethereum has it: for ``Scripted(call=Evm(contracts(names)))``.

Answers and reverts as ensdomains/ens-contracts do (`AbstractUniversalResolver.sol`, `ENSRegistry.sol`, `BaseRegistrarImplementation.sol`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ens.utils import dns_encode_name, normal_name_to_hash  # type: ignore[import-untyped]
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from tests.chain.evm import Reverted

UNIVERSAL, REGISTRY, REGISTRAR = (
    "0xeEeEEEeE14D718C2B47D9923Deab1335E144EeEe",
    "0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e",
    "0x57f1887a8BF19b14fC0dF6Fd9B2acc9Af147eA85",
)
PUBLIC = "0x" + "5e" * 20  # the public resolver
ZERO = "0x" + "00" * 20


def error(signature: str, *values: object) -> bytes:
    types = signature.partition("(")[2][:-1]
    return keccak(text=signature)[:4] + encode(types.split(",") if types else [], values)


@dataclass
class Name:
    """`refusal` is what the universal resolver reverts with; `result` what it answers, else the address."""

    address: str = ZERO
    resolver: str | None = PUBLIC  # of the universal resolver
    listed: str = PUBLIC  # of the registry
    expires: int = 2_000_000_000  # of its second-level name
    refusal: bytes = b""
    result: bytes | None = None


def contracts(names: Mapping[str, Name]) -> dict[str, Callable[[bytes], bytes]]:
    by_wire = {bytes(dns_encode_name(name)): (name, entry) for name, entry in names.items()}
    by_node = {bytes(normal_name_to_hash(name)): entry for name, entry in names.items()}
    by_token = {keccak(text=name.split(".")[-2]): entry for name, entry in names.items()}

    def resolve(data: bytes) -> bytes:
        assert data[:4] == keccak(text="resolve(bytes,bytes)")[:4]
        wire, call = decode(["bytes", "bytes"], data[4:])
        if wire not in by_wire:
            raise Reverted(error("ResolverNotFound(bytes)", wire))
        name, entry = by_wire[wire]
        assert call == keccak(text="addr(bytes32)")[:4] + bytes(normal_name_to_hash(name))
        if entry.refusal:
            raise Reverted(entry.refusal)
        result = encode(["address"], [entry.address]) if entry.result is None else entry.result
        return encode(["bytes", "address"], [result, entry.resolver])

    def resolver(data: bytes) -> bytes:
        assert data[:4] == keccak(text="resolver(bytes32)")[:4]
        entry = by_node.get(data[4:])
        return encode(["address"], [entry.listed if entry else ZERO])

    def expires(data: bytes) -> bytes:
        assert data[:4] == keccak(text="nameExpires(uint256)")[:4]
        entry = by_token.get(data[4:])
        return encode(["uint256"], [entry.expires if entry else 0])

    return {UNIVERSAL.lower(): resolve, REGISTRY.lower(): resolver, REGISTRAR.lower(): expires}
