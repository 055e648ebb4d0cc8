"""The markets of the protocol families besides Aave V3 and Morpho Blue, and Chainlink's feeds: what the registries and our table say.

Like `registry_sources` this only reads text, and a form that is not understood ends the run.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from eth_utils.address import to_checksum_address
from registry_sources import Package, Pool, found

COMPOUND = "@compound-finance/compound-js"
MOONWELL = "@moonwell-fi/moonwell-sdk"
VENUS = "@venusprotocol/venus-protocol"
ISOLATED = "@venusprotocol/isolated-pools"
SEQUENCER = "L2_Sequencer_Uptime_Status_Feed"


@dataclass(frozen=True)
class Row:
    """One market as chains.toml carries it. `start` is its first block or an earlier one, None where no source tells it."""

    chain: int
    family: str
    name: str
    label: str
    address: str
    start: int | None
    source: str


@dataclass(frozen=True)
class Feeds:
    """Chainlink's feeds of a chain by the names they have in the address book."""

    named: Mapping[str, str]

    @property
    def sequencer(self) -> str | None:
        return self.named.get(SEQUENCER)


def started(label: str, entry: Mapping[str, Any]) -> tuple[int | None, str]:
    """The start of an entry of our table, and the source of the whole row."""
    if "start" not in entry:
        return None, f"{label}; start unknown"
    return entry["start"], f"{label}; start: {entry['start_source']}"


def aave_v2(book: Package, pools: Mapping[str, Pool], table: Mapping[str, Any]) -> Iterator[Row]:
    """The pools of the address book, each of which our table names."""
    unnamed = pools.keys() ^ table.keys()
    if unnamed:
        sys.exit(f"registry_markets.toml and {book.label} do not name the same Aave V2 markets: {sorted(unnamed)}")
    for name, pool in pools.items():
        start, source = started(book.label, table[name])
        yield Row(pool.chain, "aave_v2", table[name]["name"], f"AaveV2{name}", pool.address, start, source)


def compound(js: Package, entry: Mapping[str, Any]) -> Row:
    """Compound's own comptroller on Ethereum."""
    text = js.text("dist/nodejs/constants.js")
    address = found(r'"mainnet": \{.*?"Comptroller": "(0x[0-9a-fA-F]{40})"', text, "constants.js")[1]
    start, source = started(js.label, entry)
    return Row(1, "compound_v2", "compound", "Compound V2", to_checksum_address(address), start, source)


def moonwell(sdk: Package, table: Mapping[str, Any], chains: Mapping[str, int]) -> Iterator[Row]:
    """One comptroller for each chain that the SDK defines, by our names of chains."""
    pattern = r"_esm/environments/definitions/(\w+)/contracts\.js"
    defined = {match[1]: text for path, text in sdk.files.items() if (match := re.fullmatch(pattern, path))}
    if defined.keys() != table.keys():
        sys.exit(f"registry_markets.toml and {sdk.label} do not name the same chains: {sorted(defined.keys() ^ table)}")
    for chain, text in sorted(defined.items()):
        address = to_checksum_address(found(r'comptroller: "(0x[0-9a-fA-F]{40})"', text, f"{chain}/contracts.js")[1])
        start, source = started(sdk.label, table[chain])
        yield Row(chains[chain], "compound_v2", "moonwell", "Moonwell", address, start, source)


def deployed(package: Package, left_out: Container[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Chain id, contract name and deployment of every contract that was read, but for the networks left out."""
    for path, text in sorted(package.files.items()):
        match = re.fullmatch(r"deployments/(\w+)/(.+)\.json", path)
        if match and match[1] not in left_out:
            yield int(package.text(f"deployments/{match[1]}/.chainId")), match[2], json.loads(text)


def venus(package: Package, left_out: Container[str], entry: Mapping[str, Any]) -> Iterator[Row]:
    """The core pool: the comptroller's proxy is called Unitroller. Its deployment keeps no block."""
    for chain, name, deployment in deployed(package, left_out):
        if name == "Unitroller":
            start, source = started(package.label, entry)
            yield Row(chain, "venus", "core", "Venus Core", to_checksum_address(deployment["address"]), start, source)


def venus_isolated(package: Package, left_out: Container[str], names: Mapping[str, str]) -> Iterator[Row]:
    """Every pool's comptroller, with the block that it was deployed in; `names` are ours where lower case will not do."""
    for chain, name, deployment in deployed(package, left_out):
        if name.startswith("Comptroller_"):
            pool = name.removeprefix("Comptroller_")
            yield isolated(package, chain, names.get(pool, pool.lower()), f"Venus {pool}", deployment)


def venus_registries(package: Package, left_out: Container[str]) -> Iterator[Row]:
    """The contract of each chain that lists all pools."""
    for chain, name, deployment in deployed(package, left_out):
        if name == "PoolRegistry":
            yield isolated(package, chain, "", "", deployment)


def isolated(package: Package, chain: int, name: str, label: str, deployment: Mapping[str, Any]) -> Row:
    address, start = to_checksum_address(deployment["address"]), deployment["receipt"]["blockNumber"]
    return Row(chain, "venus_isolated", name, label, address, start, f"{package.label} deployments")


def listed(table: Mapping[str, Any], chains: Mapping[str, int]) -> Iterator[Row]:
    """The markets that no package names: our own rows, each with the source it was taken from."""
    for family, rows in table["rows"].items():
        for row in rows:
            origin = row.get("source") or table["sources"][family]
            start, source = started(f"scripts/registry_markets.toml from {origin}", row)
            address = to_checksum_address(row["address"])
            yield Row(chains[row["chain"]], family, row["name"], row["label"], address, start, source)


def chainlink(book: Package) -> dict[int, Feeds]:
    """The feeds of the address book by chain id."""
    feeds = {}
    for path, text in sorted(book.files.items()):
        if path.startswith("dist/Chainlink"):
            chain = int(Decimal(found(r"var CHAIN_ID = (\d+(?:e\d+)?);", text, path)[1]))
            named = re.findall(r'\nvar (\w+) = "(0x[0-9a-fA-F]{40})";', text)
            feeds[chain] = Feeds({name: to_checksum_address(address) for name, address in named})
    return feeds


def dollar_feeds(assets: Mapping[str, str], feeds: Feeds, alias: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(symbol, token, feed name) of every asset of a chain for which there is a feed in US dollars.

    The feed is the one of the asset's own key, or of what our table says that it is one to one with.
    """
    seen: set[str] = set()
    for key, token in assets.items():
        name = f"{alias.get(key, key)}__USD"
        if name in feeds.named and token not in seen:
            seen.add(token)
            yield key, token, name
