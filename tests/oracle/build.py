"""Price paths on paper: sources that answer as Chainlink's proxies and Aave's adapters do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from tests.adapters.paper import Paper
from watcher.oracle.kinds import GETTERS
from watcher.oracle.path import Step

NOW = 1_800_000_000
ETH, USDT, RATES, WSTETH, PEG, TOKEN, PT, INNER, LATER, ORACLE, VAULT = (
    to_checksum_address(n.to_bytes(20, "big")) for n in range(1, 12)
)
NAMES = {name.rpartition(".")[2]: name for name in GETTERS} | {"convertToAssets": "vault/vault.convertToAssets"}


def feed(name: str, answer: int, updated: int = NOW - 30, inner: ChecksumAddress = INNER) -> dict[str, Any]:
    """A feed behind a proxy."""
    return {
        "description": (name,),
        "decimals": (8,),
        "latestAnswer": (answer,),
        "latestRoundData": (7, answer, updated, updated, 7),
        "aggregator": (inner,),
    }


def capped_rate(answer: int, *, ratio: int, snapshot: int = 10**18, growth: int = 0) -> dict[str, Any]:
    """An adapter of a staked token over ETH / USD, its line begun a day ago."""
    return {
        "description": ("Capped wstETH",),
        "decimals": (8,),
        "latestAnswer": (answer,),
        "BASE_TO_USD_AGGREGATOR": (ETH,),
        "RATIO_PROVIDER": (RATES,),
        "getRatio": (ratio,),
        "RATIO_DECIMALS": (18,),
        "getSnapshotRatio": (snapshot,),
        "getSnapshotTimestamp": (NOW - 86_400,),
        "getMaxRatioGrowthPerSecondScaled": (growth,),
    }


def capped_peg(answer: int, cap: int) -> dict[str, Any]:
    return {
        "description": ("Capped USDT",),
        "decimals": (8,),
        "latestAnswer": (answer,),
        "ASSET_TO_USD_AGGREGATOR": (USDT,),
        "getPriceCap": (cap,),
    }


def paper(sources: Mapping[ChecksumAddress, Mapping[str, Any]]) -> Paper:
    """A chain on which these sources answer these getters, and revert at all others."""

    def of(name: str) -> Any:
        return lambda target, _: sources.get(target, {}).get(name)

    return Paper({full: of(name) for name, full in NAMES.items()})


def plain(answer: int | None, source: ChecksumAddress = ETH, updated: int | None = NOW - 30) -> Step:
    """A step that is a feed of its own."""
    return Step(source, "ETH / USD", answer, 8, updated, INNER)
