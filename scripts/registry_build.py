"""Puts chains.toml together from the registries and our table, and shows what would change. Only --write touches the file."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import registry_families as families
import registry_sources as sources
from registry_families import Feeds, Row
from registry_sources import MorphoMarket, Package, Pool, Singleton, ViemChain

from watcher.config.chain import Origin
from watcher.config.families import FAMILIES
from watcher.config.read import parse

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "scripts" / "registry_table.toml"
MARKETS = ROOT / "scripts" / "registry_markets.toml"
HEARTBEATS = ROOT / "scripts" / "registry_heartbeats.toml"
COIN = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"
TARGET = ROOT / "chains.toml"
OTHERS = (families.COMPOUND, families.MOONWELL, families.VENUS, families.ISOLATED)


@dataclass(frozen=True)
class Registries:
    """Everything that was fetched, and our table."""

    table: dict[str, Any]
    packages: dict[str, Package]
    chains: dict[str, ViemChain]
    pools: dict[str, Pool]
    singletons: dict[int, Singleton]
    markets: list[MorphoMarket]
    rows: list[Row]
    registries: list[Row]
    feeds: dict[int, Feeds]
    heartbeats: dict[str, dict[str, list[str]]]

    def label(self, name: str) -> str:
        return self.packages[name].label

    def assets(self, chain: int) -> dict[str, str]:
        """Every asset that Aave lists on a chain, by the address book's key."""
        found: dict[str, str] = {}
        for pool in self.pools.values():
            if pool.chain == chain:
                found |= pool.assets
        return found


def gather(folder: Path) -> Registries:
    """Fetch and read the registries, and refuse a table that does not cover them."""
    table = read(TABLE)
    names = (sources.AAVE, sources.MORPHO, sources.MORPHO_SDK, sources.MORPHO_TEST, sources.VIEM, *OTHERS)
    packages = {name: sources.fetch(name, folder) for name in names}
    viem, morpho = packages[sources.VIEM], packages[sources.MORPHO]
    pools = sources.aave_pools(packages[sources.AAVE], "AaveV3", table["aave_v3_left_out"])
    chains = {
        name: sources.viem_chain(viem, row["viem"]) if "viem" in row else ViemChain(row["id"], None, (), None)
        for name, row in table["chains"].items()
    }
    singletons = sources.morpho_singletons(morpho)
    shipped = {name: pools[name] for name in table["aave_v3"]}
    unnamed = pools.keys() - shipped.keys() - table["aave_v3_left_out"].keys()
    homeless = ({pool.chain for pool in shipped.values()} | singletons.keys()) - {chain.id for chain in chains.values()}
    if unnamed or homeless:
        sys.exit(
            f"{TABLE.name} does not name these markets: {sorted(unnamed)}, and these chain ids: {sorted(homeless)}"
        )
    markets = sources.morpho_markets(packages[sources.MORPHO_TEST], morpho)
    rows, registries = known_markets(packages, {name: chain.id for name, chain in chains.items()})
    feeds = families.chainlink(packages[sources.AAVE])
    return Registries(table, packages, chains, pools, singletons, markets, rows, registries, feeds, read(HEARTBEATS))


def known_markets(packages: dict[str, Package], chains: dict[str, int]) -> tuple[list[Row], list[Row]]:
    """The markets of all other families and the contracts that list some; a row on a chain that the table lacks ends the run."""
    table, book, isolated = read(MARKETS), packages[sources.AAVE], packages[families.ISOLATED]
    old = sources.aave_pools(book, "AaveV2", table["aave_v2_left_out"])
    left_out = table["venus_left_out"]
    rows = [
        *families.aave_v2(book, old, table["aave_v2"]),
        families.compound(packages[families.COMPOUND], table["compound"]["mainnet"]),
        *families.moonwell(packages[families.MOONWELL], table["moonwell"], chains),
        *families.venus(packages[families.VENUS], left_out, table["venus"]["core"]),
        *families.venus_isolated(isolated, left_out, table["venus_isolated"]),
        *families.listed(table, chains),
    ]
    registries = list(families.venus_registries(isolated, left_out))
    homeless = {row.chain for row in (*rows, *registries)} - set(chains.values())
    if homeless:
        sys.exit(f"{TABLE.name} does not name these chain ids: {sorted(homeless)}")
    return rows, registries


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def lines(known: Registries) -> Iterator[str]:
    """The text of chains.toml."""
    yield "# Chains and markets. Made by scripts/registry from scripts/registry_table.toml and the published registries below: change the"
    yield "# table, not this file, and run scripts/registry --write. Every row names its source."
    for package in known.packages.values():
        yield f"#   {package.label}"
    yield "#"
    yield "# No call lists the markets of Morpho Blue. Its `markets` are those whose parameters a registry publishes, so they are few:"
    yield f"# {len(known.markets)} in all, their ids computed from the parameters. All others are found from logs, or named with --market."
    for name, chain in known.chains.items():
        yield ""
        yield from chain_lines(name, chain, known)


def chain_lines(name: str, chain: ViemChain, known: Registries) -> Iterator[str]:
    """One chain, its groups and its markets."""
    row = known.table["chains"][name]
    time = row.get("block_time", chain.block_time)
    if time is None:
        sys.exit(f"{name}: neither viem nor the table names a block time")
    yield f"[chains.{name}]"
    yield f"id = {chain.id}"
    yield f"block_time = {Decimal(time):f} # seconds"
    yield f"finality = {row['finality']} # blocks"
    yield f"stale_head = {row['stale_head']} # seconds"
    if chain.multicall3:
        yield f"multicall3 = {quoted(chain.multicall3)}"
    feeds = known.feeds.get(chain.id)
    if feeds is not None and feeds.sequencer:
        yield f"sequencer = {quoted(feeds.sequencer)} # {known.label(sources.AAVE)}"
    if "proxies" in row:
        yield f"proxies = {{ {', '.join(f'{key} = {quoted(address)}' for key, address in row['proxies'].items())} }}"
    viem = f"{known.label(sources.VIEM)} {row['viem']}; " if "viem" in row else ""
    note = f"; {row['note']}" if "note" in row else ""
    yield f"source = {quoted(f'{viem}scripts/registry_table.toml{note}')}"
    yield "rpc = ["
    for url in (*(chain.rpc if row.get("viem_rpc", True) else ()), *row.get("rpc", ())):
        yield f"  {{ url = {quoted(url.rstrip('/'))} }},"
    yield "]"
    if feeds is not None:
        yield from feed_lines(name, chain.id, feeds, known)
    yield from group_lines(name, chain.id, known)
    yield from aave_lines(name, chain.id, known)
    yield from family_lines(name, chain.id, known)
    yield from morpho_lines(name, chain.id, known)


def group_lines(name: str, chain: int, known: Registries) -> Iterator[str]:
    """The correlated groups among the assets that Aave lists on a chain."""
    assets = known.assets(chain)
    for group, keys in known.table["groups"].items():
        tokens = {key: assets[key] for key in keys if key in assets}
        if len(set(tokens.values())) > 1:
            yield ""
            yield f"[[chains.{name}.groups]] # {known.label(sources.AAVE)}; grouped by scripts/registry_table.toml"
            yield f"name = {quoted(group)}"
            yield "tokens = { " + ", ".join(f"{key} = {quoted(address)}" for key, address in tokens.items()) + " }"


def aave_lines(name: str, chain: int, known: Registries) -> Iterator[str]:
    """The Aave V3 markets of a chain."""
    for book_name, pool in known.pools.items():
        if pool.chain != chain:
            continue
        row = known.table["aave_v3"][book_name]
        yield ""
        yield f"[[chains.{name}.aave_v3]]"
        yield f"name = {quoted(row['name'])}"
        yield f"label = {quoted(f'AaveV3{book_name}')}"
        yield f"pool = {quoted(pool.address)}"
        start = f"; start: {row['start_source']}" if "start" in row else "; start unknown"
        if "start" in row:
            yield f"start = {row['start']}"
        yield f"source = {quoted(known.label(sources.AAVE) + start)}"


def feed_lines(name: str, chain: int, feeds: Feeds, known: Registries) -> Iterator[str]:
    """The US dollar feeds of the assets that Aave lists, and the heartbeats that are known."""
    coin = known.table["coins"].get(name)
    assets = known.assets(chain) | ({coin: COIN} if coin else {})
    dollars = list(families.dollar_feeds(assets, feeds, known.table["dollars"]))
    if dollars:
        yield f"usd = [ # {known.label(sources.AAVE)}; matched by scripts/registry_table.toml"
        for key, token, feed in dollars:
            yield f'  {{ token = "{token}", symbol = "{key}", feed = "{feeds.named[feed]}" }},'
        yield "]"
    beats = [(every, feed) for every, group in known.heartbeats.get(name, {}).items() for feed in group]
    unknown = [feed for _, feed in beats if feed not in feeds.named]
    if unknown:
        sys.exit(f"{HEARTBEATS.name} names feeds of {name} that the address book does not have: {unknown}")
    if beats:
        yield "heartbeats = [ # scripts/registry_heartbeats.toml"
        for every, feed in beats:
            yield f'  {{ feed = "{feeds.named[feed]}", name = "{feed}", every = "{every}" }},'
        yield "]"


def family_lines(name: str, chain: int, known: Registries) -> Iterator[str]:
    """The markets of all families from other registries and from our table, and the contracts that list some."""
    for family, facts in FAMILIES.items():
        for row in known.rows:
            if (row.chain, row.family) == (chain, family):
                yield ""
                yield f"[[chains.{name}.{family}]]"
                yield f"name = {quoted(row.name)}"
                yield f"label = {quoted(row.label)}"
                yield from row_lines(row, facts.key)
    for row in known.registries:
        if row.chain == chain:
            yield ""
            yield f"[chains.{name}.{row.family}_registry]"
            yield from row_lines(row, "address")


def row_lines(row: Row, key: str) -> Iterator[str]:
    yield f"{key} = {quoted(row.address)}"
    if row.start is not None:
        yield f"start = {row.start}"
    yield f"source = {quoted(row.source)}"


def morpho_lines(name: str, chain: int, known: Registries) -> Iterator[str]:
    """The Morpho Blue contract of a chain and the markets in it that a registry names."""
    single = known.singletons.get(chain)
    if single is None:
        return
    yield ""
    yield f"[chains.{name}.morpho_blue]"
    yield f"address = {quoted(single.address)}"
    yield f"start = {single.start}"
    if single.factory is not None:
        yield f"pre_liquidation_factory = {quoted(single.factory)}"
        yield f"pre_liquidation_start = {single.made_from}"
    origin = f"{known.label(sources.MORPHO)}, the registry of {known.label(sources.MORPHO_SDK)}"
    yield f"source = {quoted(origin)}"
    markets = [market for market in known.markets if market.chain == chain]
    if markets:
        yield f"markets = [ # {known.label(sources.MORPHO_TEST)}, on {known.table['markets_as_of']}"
        for market in markets:
            source = f"{known.label(sources.MORPHO_TEST)} as of {known.table['markets_as_of']}"
            yield f'  {{ id = "{market.id}", label = {quoted(market.label)}, source = {quoted(source)} }},'
        yield "]"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/registry", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write chains.toml instead of only showing the difference")
    parser.add_argument(
        "--check", action="store_true", help="show the difference (the default); exit 1 if there is one"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(lines(gather(Path(folder)))) + "\n"
    parse(text, "the rebuilt chains.toml", Origin.SHIPPED)
    before = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    change = difflib.unified_diff(before.splitlines(True), text.splitlines(True), "chains.toml", "rebuilt")
    sys.stdout.writelines(change)
    if options.write:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return 1 if text != before else 0


if __name__ == "__main__":
    sys.exit(main())
