"""Morpho, its oracles, rate models and tokens, and Multicall3, as bytes in and bytes out: what stands at a block answers there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from eth_abi import abi as eth
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.simulation.loan import COIN, LLTV, Loan
from watcher.chain.abi import function

MORPHO: Final = to_checksum_address("0x" + "b2" * 20)
OWNER: Final = to_checksum_address("0x" + "a1" * 20)
COINED: Final = to_checksum_address("0x" + "c3" * 20)  # what is lent in every market
MULTICALL: Final = to_checksum_address("0xcA11bde05977b3631167028862bE2a173976CA11")
MODEXP: Final = "00" * 19 + "05"
IDLE: Final = 1_000_000 * COIN  # supplied and not lent
ERROR: Final = keccak(text="Error(string)")[:4]


class Reverted(Exception):
    """A call fails with this data."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data


def said(text: str) -> bytes:
    return ERROR + eth.encode(["string"], [text])


HEALTHY, PAST = said("position is healthy"), said("transfer reverted")


def _selectors(contract: str, *names: str) -> dict[bytes, str]:
    return {function(f"{contract}.{name}").selector: name for name in names}


CALLS: Final = {
    **_selectors("morpho_blue/morpho", "feeRecipient", "idToMarketParams", "market", "position"),
    **_selectors("morpho_blue/morpho", "accrueInterest", "liquidate"),
    **_selectors("morpho_blue/oracle", "price"),
    **_selectors("morpho_blue/irm", "borrowRateView"),
    **_selectors("erc20/token", "decimals", "symbol"),
    **_selectors("multicall3/multicall3", "aggregate3", "getCurrentBlockTimestamp"),
}


def words(*values: int) -> bytes:
    return b"".join([value.to_bytes(32) for value in values])


@dataclass(frozen=True)
class Pool:
    """One market of Morpho by its name, with an oracle, a collateral and a rate model of its own."""

    name: str

    def address(self, part: str) -> ChecksumAddress:
        return to_checksum_address(keccak(text=f"{self.name} {part}")[-20:])

    @cached_property
    def params(self) -> bytes:
        parts = (COINED, self.address("collateral"), self.address("oracle"), self.address("model"), LLTV)
        return eth.encode(["address"] * 4 + ["uint256"], parts)

    @cached_property
    def id(self) -> bytes:
        return keccak(self.params)


class Contracts:
    """``contracts.call(to, data, loans, timestamp)``: the answer as hex, or `Reverted`."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        self.ids = {pool.id: place for place, pool in enumerate(pools)}
        self.params = {pool.params: place for place, pool in enumerate(pools)}
        self.pools = pools
        self.tokens = {_bare(COINED), *(_bare(pool.address("collateral")) for pool in pools)}
        self.oracles = {_bare(pool.address("oracle")): place for place, pool in enumerate(pools)}
        self.models = {_bare(pool.address("model")): place for place, pool in enumerate(pools)}

    def call(self, to: str, data: str, loans: Sequence[Loan], timestamp: int) -> str:
        return "0x" + _Transaction(self, list(loans), timestamp).run(_bare(to), bytes.fromhex(data[2:])).hex()


@dataclass
class _Transaction:
    """One `eth_call`: what its calls change, those after them see."""

    world: Contracts
    loans: list[Loan]
    timestamp: int

    def run(self, target: str, data: bytes) -> bytes:
        name = CALLS.get(data[:4])
        if target == _bare(MULTICALL):
            return words(self.timestamp) if name == "getCurrentBlockTimestamp" else self._all(data)
        if target == MODEXP:
            return bytes(1024)
        if target == _bare(MORPHO):
            return self._morpho(name, data[4:])
        if target in self.world.oracles and name == "price":
            price = self.loans[self.world.oracles[target]].price
            if price is not None:
                return words(price)
        if target in self.world.models and name == "borrowRateView":
            return words(self.loans[self.world.models[target]].rate)
        if target in self.world.tokens:
            return TOKEN[name]() if name in TOKEN else self._no()
        raise Reverted

    def _no(self) -> bytes:
        raise Reverted

    def _all(self, data: bytes) -> bytes:
        answers = []
        for target, calldata in _calls(data[4:]):
            try:
                answers.append((True, self.run(target, calldata)))
            except Reverted as revert:
                answers.append((False, revert.data))
        return _results(answers)

    def _morpho(self, name: str | None, args: bytes) -> bytes:
        if name == "feeRecipient":
            return words(0)
        if name in ("accrueInterest", "liquidate"):
            place = self.world.params[args[:160]]
        elif args[:32] in self.world.ids:
            place = self.world.ids[args[:32]]
        else:
            raise Reverted
        loan = self.loans[place]
        if not loan.readable:
            raise Reverted
        match name:
            case "idToMarketParams":
                return self.world.pools[place].params
            case "market":
                supplied = IDLE + loan.borrowed
                return words(supplied, supplied, loan.borrowed, loan.shares, loan.since, 0)
            case "position":
                mine = args[44:64].hex() == _bare(OWNER)
                return words(0, loan.shares, loan.collateral) if mine else words(0, 0, 0)
            case "accrueInterest":
                self.loans[place] = loan.accrued()
                return b""
            case "liquidate" if loan.price is not None:
                raise Reverted(PAST if loan.bound < loan.debt else HEALTHY)
        raise Reverted


TOKEN: Final[dict[Any, Callable[[], bytes]]] = {
    "decimals": lambda: words(18),
    "symbol": lambda: eth.encode(["string"], ["COIN"]),
}


def _bare(address: str) -> str:
    return address[2:].lower()


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 32])


def _calls(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Call3[]: (address target, bool allowFailure, bytes callData), each behind an offset from the first of them."""
    for place in range(_number(data, 32)):
        at = 64 + _number(data, 64 + 32 * place)
        start = at + _number(data, at + 64) + 32
        yield data[at + 12 : at + 32].hex(), data[start : start + _number(data, start - 32)]


def _results(answers: Sequence[tuple[bool, bytes]]) -> bytes:
    """Result[]: (bool success, bytes returnData), packed as Solidity does."""
    parts = [words(success, 64, len(data)) + data + bytes(-len(data) % 32) for success, data in answers]
    offsets, at = [], 32 * len(parts)
    for part in parts:
        offsets.append(at)
        at += len(part)
    return words(32, len(parts), *offsets) + b"".join(parts)
