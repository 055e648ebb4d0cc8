"""A Morpho Blue on the scripted EVM: one oracle, market and borrower per name, without interest. Change its fields while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from eth_abi import abi as eth
from eth_typing import ChecksumAddress, HexAddress, HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.chain.evm import Evm, Reverted
from tests.chain.server import Scripted, Server
from watcher.adapters.morpho_blue.sources import GETTERS
from watcher.chain.abi import function
from watcher.config import Chain, Endpoint
from watcher.model import Market
from watcher.units import WAD

OWNER = to_checksum_address("0x" + "a1" * 20)
UPTIME = to_checksum_address("0x" + "d5" * 20)
MORPHO = to_checksum_address("0x" + "b2" * 20)
LOAN, COLLATERAL = to_checksum_address("0x" + "c3" * 20), to_checksum_address("0x" + "c4" * 20)
NOBODY = ChecksumAddress(HexAddress(HexStr("0x" + "00" * 20)))
PAR = 10**36  # price of one raw unit in the other
SHARES = 10**6  # virtual shares per unit


@dataclass
class Pool:
    """One market: 100 units of collateral, `debt` units owed, both by `OWNER`; `price` is the oracle's answer, None reverts.

    With `updated` (seconds; 0: its round is not complete) the oracle names one feed, whose answer is of that time. With `aggregator`
    too it says by what it multiplies, and the feed is a proxy before that contract.
    """

    oracle: ChecksumAddress
    price: int | None = PAR
    debt: int = 50 * 10**18
    collateral: int = 100 * 10**18
    updated: int | None = None
    aggregator: ChecksumAddress | None = None

    @property
    def feed(self) -> ChecksumAddress:
        return to_checksum_address(keccak(text=f"feed of {self.oracle}")[-20:])

    @property
    def params(self) -> tuple[Any, ...]:
        return (LOAN, COLLATERAL, self.oracle, NOBODY, WAD * 8 // 10)

    @property
    def id(self) -> bytes:
        return keccak(eth.encode(["address"] * 4 + ["uint256"], self.params))


@dataclass
class Lending:
    """``lending.node()`` answers like an honest node of the chain; a second `Lending` with other values is a liar at the same block."""

    pools: dict[str, Pool] = field(default_factory=dict)
    sequencer: tuple[int, int, int, int, int] | None = None  # the round of the uptime feed

    def pool(self, name: str, **values: Any) -> Pool:
        self.pools[name] = Pool(to_checksum_address(keccak(text=name)[-20:]), **values)
        return self.pools[name]

    def market(self, name: str, chain: str = "testnet", number: int = 1) -> Market:
        return Market(number, "morpho_blue", f"{chain}/morpho-blue/{name}", MORPHO, self.pools[name].id)

    def node(self, **values: Any) -> Scripted:
        contracts: dict[str, Callable[[bytes], bytes]] = {
            UPTIME.lower(): self.uptime,
            MORPHO.lower(): self.morpho,
            LOAN.lower(): coin,
            COLLATERAL.lower(): coin,
        }
        for pool in self.pools.values():
            contracts[pool.oracle.lower()] = oracle(pool)
            contracts[pool.feed.lower()] = feed(pool)
        return Scripted(call=Evm(contracts), answers={"eth_getCode": "0x60"}, **values)

    def uptime(self, data: bytes) -> bytes:
        if self.sequencer is None:
            raise Reverted()
        return answer("chainlink/feed.latestRoundData", *self.sequencer)

    def morpho(self, data: bytes) -> bytes:
        name, args = called("morpho_blue/morpho", data)
        by_id = {pool.id: pool for pool in self.pools.values()}
        match name:
            case "feeRecipient":
                return answer("morpho_blue/morpho.feeRecipient", NOBODY)
            case "idToMarketParams":
                empty = (NOBODY,) * 4 + (0,)
                return answer(
                    "morpho_blue/morpho.idToMarketParams", *(by_id[args[0]].params if args[0] in by_id else empty)
                )
            case "market":
                debt = by_id[args[0]].debt
                total = 1_000 * 10**18
                return answer("morpho_blue/morpho.market", total, total * SHARES, debt, debt * SHARES, 1_700_000_000, 0)
            case "position":
                pool = by_id[args[0]]
                mine = args[1].lower() == OWNER.lower()
                held = (0, pool.debt * SHARES, pool.collateral) if mine else (0, 0, 0)
                return answer("morpho_blue/morpho.position", *held)
            case "accrueInterest":
                return b""
        raise Reverted()


NAMES = ("feeRecipient", "idToMarketParams", "market", "position", "accrueInterest", "liquidate")


def called(contract: str, data: bytes) -> tuple[str, tuple[Any, ...]]:
    for name in NAMES:
        shape = function(f"{contract}.{name}")
        if data[:4] == shape.selector:
            return name, eth.decode(shape.inputs, data[4:])
    raise Reverted()


def answer(name: str, *values: Any) -> bytes:
    return eth.encode(function(name).outputs, values)


def coin(data: bytes) -> bytes:
    if data[:4] == function("erc20/token.decimals").selector:
        return (18).to_bytes(32)
    if data[:4] == function("erc20/token.symbol").selector:
        return eth.encode(["string"], ["COIN"])
    raise Reverted()


def oracle(pool: Pool) -> Callable[[bytes], bytes]:
    parts = {
        function(f"morpho_blue/oracle.{name}").selector: pool.feed if name == "BASE_FEED_1" else NOBODY
        for name, _ in GETTERS
    }

    def price(data: bytes) -> bytes:
        if data[:4] in parts and pool.updated is not None:
            return eth.encode(["address"], [parts[data[:4]]])
        if data[:4] == function("morpho_blue/oracle.SCALE_FACTOR").selector and pool.aggregator is not None:
            return (10**28).to_bytes(32)
        if data[:4] != function("morpho_blue/oracle.price").selector or pool.price is None:
            raise Reverted()
        return pool.price.to_bytes(32)

    return price


def feed(pool: Pool) -> Callable[[bytes], bytes]:
    def round_(data: bytes) -> bytes:
        if data[:4] == function("chainlink/feed.description").selector:
            return eth.encode(["string"], ["COIN / COIN"])
        if data[:4] == function("chainlink/feed.aggregator").selector and pool.aggregator is not None:
            return eth.encode(["address"], [pool.aggregator])
        if data[:4] != function("chainlink/feed.latestRoundData").selector or pool.updated is None:
            raise Reverted()
        return answer("chainlink/feed.latestRoundData", 7, 10**8, pool.updated, pool.updated, 7)

    return round_


def chain_at(
    *servers: Server, markets: tuple[Market, ...] = (), stale_head: int = 10**9, number: int = 1, **values: Any
) -> Chain:
    """A configured chain that is asked at `servers`, in this order."""
    endpoints = tuple(Endpoint(server.name, server.url) for server in servers)
    multicall = to_checksum_address("0xcA11bde05977b3631167028862bE2a173976CA11")
    return Chain("testnet", number, endpoints, Decimal(12), 64, stale_head, multicall, markets=markets, **values)
