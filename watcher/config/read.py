"""chains.toml to `Config`. Strict: an unknown key, a second chain with one id, a wrong checksum is an error, never a guess."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from watcher.config.chain import Chain, Config, Endpoint, Group, Heartbeat, Note, Origin, Proxies, UsdFeed
from watcher.config.endpoints import endpoint, from_environment
from watcher.config.families import FAMILIES, REGISTRIES
from watcher.config.table import Table, text_of
from watcher.data import root
from watcher.model import Annex, Market


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration of `path`, else of the packaged chains.toml, with the endpoints that the environment names.

    `environ` is the process's own when None. Raises `ConfigError` naming file, line, key and what was expected.
    """
    config = read(path, Origin.FILE) if path else read(root() / "chains.toml", Origin.SHIPPED)
    return from_environment(config, os.environ if environ is None else environ)


def read(path: Path, origin: Origin) -> Config:
    """The chains of one file, no environment considered."""
    return parse(text_of(path, "--chains"), str(path), origin)


@lru_cache(maxsize=2)
def parse(text: str, name: str, origin: Origin) -> Config:
    """The chains written in `text`; `name` stands for the file in messages. The same text is read once in a process."""
    top = Table.top(text, name)
    listed = top.needed("chains", "one table per chain, as in [chains.ethereum]")
    top.close()
    chains: list[Chain] = []
    for key in listed.values:
        table = listed.needed(key, "a table")
        chain = read_chain(key, table, origin)
        twin = next((other for other in chains if other.id == chain.id), None)
        if twin:
            table.fail("id", f"{chain.id} is the id of chains.{twin.name} already; every chain has its own")
        chains.append(chain)
    if not chains:
        top.fail("chains", "expected at least one chain, as in [chains.ethereum]")
    return Config(tuple(chains))


Row: TypeAlias = tuple[Market, Note]


def read_chain(name: str, table: Table, origin: Origin) -> Chain:
    """One chain with its endpoints, groups and markets."""
    slug(table, None, name)
    number = table.positive("id")
    pools = [pool(name, number, family, row) for family in FAMILIES for row in table.tables(family)]
    singletons, known = morpho(name, number, table.table("morpho_blue"))
    registries = [registry(name, number, family, table.table(f"{family}_registry")) for family in REGISTRIES]
    listing = [row for row in registries if row is not None]
    rows = [*pools, *singletons, *known, *listing]
    chain = Chain(
        name=name,
        id=number,
        endpoints=(),
        block_time=table.seconds("block_time"),
        finality=table.positive("finality"),
        stale_head=table.positive("stale_head"),
        multicall3=None if table.get("multicall3") is None else table.address("multicall3"),
        groups=groups(table),
        markets=tuple(market for market, _ in [*pools, *known]),
        singletons=tuple(market for market, _ in singletons),
        notes=tuple(note for _, note in rows),
        registries=tuple(market for market, _ in listing),
        sequencer=None if table.get("sequencer") is None else table.address("sequencer"),
        usd=usd_feeds(table),
        heartbeats=heartbeats(table),
        proxies=proxies(table.table("proxies")),
    )
    table.text("source", "")  # for readers of the file: where the row comes from
    for row in table.tables("rpc"):
        chain = chain.with_endpoint(read_endpoint(row, origin))
    table.close()
    names = [market.name for market, _ in rows]
    twice = next((market for market in names if names.count(market) > 1), None)
    if twice:
        table.fail(None, f"two markets are called {twice}; names are unique")
    return chain


def read_endpoint(table: Table, origin: Origin) -> Endpoint:
    """One endpoint; messages never show its URL."""
    alias = table.text("name", "") or None
    url = table.text("url")
    table.close()
    try:
        return endpoint(url, origin, alias, heads=True)
    except ValueError as error:
        table.fail("url", str(error))


def groups(table: Table) -> tuple[Group, ...]:
    """The correlated groups of a chain; a token belongs to one at most."""
    found: list[Group] = []
    for row in table.tables("groups"):
        name = row.text("name")
        tokens = row.needed("tokens", "{ SYMBOL = address, … }")
        row.close()
        addresses = tuple(tokens.address(symbol) for symbol in tokens.values)
        for other in (*found, Group(name, ())):
            if set(addresses) & set(other.tokens):
                row.fail("tokens", f"a token of it is in group {other.name} already; a token belongs to one group")
        if len(set(addresses)) != len(addresses):
            row.fail("tokens", "one token is listed twice")
        found.append(Group(name, addresses))
    return tuple(found)


def usd_feeds(table: Table) -> tuple[UsdFeed, ...]:
    """The US dollar feeds of a chain by token; one at most for each."""
    found: list[UsdFeed] = []
    for row in table.tables("usd"):
        feed = UsdFeed(row.address("token"), row.address("feed"))
        row.text("symbol", "")  # for readers of the file
        row.close()
        if feed.token in {other.token for other in found}:
            row.fail("token", "this token has a feed already")
        found.append(feed)
    return tuple(found)


def heartbeats(table: Table) -> tuple[Heartbeat, ...]:
    """The heartbeats that are known of the feeds of a chain."""
    found: list[Heartbeat] = []
    for row in table.tables("heartbeats"):
        every = row.duration("every")
        if every is None:
            row.fail(None, 'every is missing: a time, as in "1h"')
        beat = Heartbeat(row.address("feed"), every)
        row.text("name", "")  # for readers of the file
        row.close()
        if beat.feed in {other.feed for other in found}:
            row.fail("feed", "this feed has a heartbeat already")
        found.append(beat)
    return tuple(found)


def proxies(table: Table | None) -> Proxies:
    """The registries of proxies of a chain, as ``proxies = { ds = "0x…", insta = "0x…" }``."""
    if table is None:
        return Proxies()
    found = Proxies(*(None if table.get(key) is None else table.address(key) for key in ("ds", "insta")))
    table.close()
    return found


def pool(chain: str, number: int, family: str, table: Table) -> Row:
    """One market of a family: an Aave pool, a comet, a comptroller."""
    name = f"{chain}/{FAMILIES[family].word}/{slug(table, 'name', table.text('name'))}"
    market = Market(number, family, name, table.address(FAMILIES[family].key), start=table.block("start"))
    note = Note(name, table.text("label", ""), table.text("source", ""))
    table.close()
    return market, note


def registry(chain: str, number: int, family: str, table: Table | None) -> Row | None:
    """The contract of a chain that lists a family's markets; it is called what its markets begin with."""
    if table is None:
        return None
    name = f"{chain}/{FAMILIES[family].word}"
    market = Market(number, family, name, table.address("address"), start=table.block("start"))
    note = Note(name, "all markets, listed by this contract", table.text("source", ""))
    table.close()
    return market, note


def morpho(chain: str, number: int, table: Table | None) -> tuple[list[Row], list[Row]]:
    """The Morpho Blue singleton of a chain, and the markets in it that are known by id."""
    if table is None:
        return [], []
    name = f"{chain}/morpho-blue"
    single = Market(
        number, "morpho_blue", name, table.address("address"), start=table.block("start"), annex=annex(table)
    )
    source = table.text("source", "")
    known = []
    for row in table.tables("markets"):
        identity = row.word("id")
        market = replace(
            single, name=f"{name}/{identity.hex()[:10]}", id=identity, start=row.block("start") or single.start
        )
        known.append((market, Note(market.name, row.text("label", ""), row.text("source", source))))
        row.close()
    table.close()
    return [(single, Note(name, "all markets, found from logs", source))], known


def annex(table: Table) -> Annex | None:
    """The factory of pre-liquidation contracts beside a Morpho, where there is one."""
    key = "pre_liquidation_factory"
    start = table.block("pre_liquidation_start")
    if table.get(key) is None:
        if start is not None:
            table.fail("pre_liquidation_start", f"of which factory? {key} is missing")
        return None
    return Annex(table.address(key), start)


def slug(table: Table, key: str | None, name: str) -> str:
    """A name that can stand in a command and in "chain/protocol/market"."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        table.fail(key, "expected a name of lower-case letters, digits and hyphens")
    return name
