"""Writes a chain as the TOML that `load` reads: for a held demo node and for whoever keeps a chains file of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator

from watcher.config.chain import Chain
from watcher.config.families import FAMILIES
from watcher.errors import ConfigError
from watcher.model import Market


def dump(chain: Chain) -> str:
    """`chain` in the format of chains.toml, ready for --chains. It holds the endpoints' URLs: they are what the file is for.

    Raises `ConfigError` for a market that the format has no place for: one of a protocol it does not know, or one that shares a
    contract which is not among the chain's singletons.
    """
    homes = {(single.protocol, single.address) for single in chain.singletons}
    for market in chain.markets:
        if market.protocol not in FAMILIES and (market.protocol, market.address) not in homes:
            raise ConfigError(
                f"{market.name} cannot be written: {market.address} is not a singleton of chains.{chain.name}"
            )
    return "\n".join(lines(chain)) + "\n"


def lines(chain: Chain) -> Iterator[str]:
    """The text of `dump`, line by line."""
    yield f"[chains.{chain.name}]"
    yield f"id = {chain.id}"
    yield f"block_time = {chain.block_time:f} # seconds"
    yield f"finality = {chain.finality} # blocks"
    yield f"stale_head = {chain.stale_head} # seconds"
    if chain.multicall3:
        yield f"multicall3 = {text(chain.multicall3)}"
    if chain.sequencer:
        yield f"sequencer = {text(chain.sequencer)}"
    proxies = {"ds": chain.proxies.ds, "insta": chain.proxies.insta}
    if any(proxies.values()):
        yield f"proxies = {{ {', '.join(f'{key} = {text(value)}' for key, value in proxies.items() if value)} }}"
    yield "rpc = ["
    for endpoint in (*chain.endpoints, *chain.heads):
        yield f"  {{ name = {text(endpoint.name)}, url = {text(endpoint.url)} }},"
    yield "]"
    for group in chain.groups:
        yield ""
        yield f"[[chains.{chain.name}.groups]]"
        yield f"name = {text(group.name)}"
        tokens = ", ".join(f"{token} = {text(token)}" for token in group.tokens)
        yield f"tokens = {{ {tokens} }}"
    yield from prices(chain)
    for name, family in FAMILIES.items():
        for market in chain.markets:
            if market.protocol == name:
                yield ""
                yield f"[[chains.{chain.name}.{name}]]"
                yield f"name = {text(market.name.rpartition('/')[2])}"
                yield from facts(chain, market, family.key)
    for registry in chain.registries:
        yield ""
        yield f"[chains.{chain.name}.{registry.protocol}_registry]"
        yield from facts(chain, registry, "address")
    for single in chain.singletons:
        yield ""
        yield f"[chains.{chain.name}.morpho_blue]"
        yield from facts(chain, single, "address")
        if single.annex is not None:
            yield f"pre_liquidation_factory = {text(single.annex.factory)}"
            if single.annex.start is not None:
                yield f"pre_liquidation_start = {single.annex.start}"
        yield "markets = ["
        for market in chain.markets:
            if market.protocol == single.protocol and market.address == single.address:
                label = chain.note(market.name).label
                start = "" if market.start in (None, single.start) else f", start = {market.start}"
                yield f'  {{ id = "0x{market.id.hex()}"{start}{f", label = {text(label)}" if label else ""} }},'
        yield "]"


def prices(chain: Chain) -> Iterator[str]:
    """The US dollar feeds and the heartbeats, one table each."""
    for known in chain.usd:
        yield ""
        yield f"[[chains.{chain.name}.usd]]"
        yield f"token = {text(known.token)}"
        yield f"feed = {text(known.feed)}"
    for beat in chain.heartbeats:
        yield ""
        yield f"[[chains.{chain.name}.heartbeats]]"
        yield f"feed = {text(beat.feed)}"
        yield f'every = "{beat.seconds}s"'


def facts(chain: Chain, market: Market, key: str) -> Iterator[str]:
    """Address, first block and source of one market; `key` is what its protocol calls the address."""
    note = chain.note(market.name)
    yield f"{key} = {text(market.address)}"
    if market.start is not None:
        yield f"start = {market.start}"
    if note.label and not market.id and market not in (*chain.singletons, *chain.registries):
        yield f"label = {text(note.label)}"
    if note.source:
        yield f"source = {text(note.source)}"


def text(value: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)
