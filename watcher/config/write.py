"""Writes a chain as the TOML that `load` reads: for a held demo node and for whoever keeps a chains file of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator

from watcher.config.chain import Chain
from watcher.errors import ConfigError
from watcher.model import Market


def dump(chain: Chain) -> str:
    """`chain` in the format of chains.toml, ready for --chains. It holds the endpoints' URLs: they are what the file is for.

    Raises `ConfigError` for a market that the format has no place for: one of a protocol it does not know, or one that shares a
    contract which is not among the chain's singletons.
    """
    homes = {(single.protocol, single.address) for single in chain.singletons}
    for market in chain.markets:
        if market.protocol != "aave_v3" and (market.protocol, market.address) not in homes:
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
    for market in chain.markets:
        if market.protocol == "aave_v3":
            yield ""
            yield f"[[chains.{chain.name}.aave_v3]]"
            yield f"name = {text(market.name.rpartition('/')[2])}"
            yield from facts(chain, market, "pool")
    for single in chain.singletons:
        yield ""
        yield f"[chains.{chain.name}.morpho_blue]"
        yield from facts(chain, single, "address")
        yield "markets = ["
        for market in chain.markets:
            if market.protocol == single.protocol and market.address == single.address:
                label = chain.note(market.name).label
                start = "" if market.start in (None, single.start) else f", start = {market.start}"
                yield f'  {{ id = "0x{market.id.hex()}"{start}{f", label = {text(label)}" if label else ""} }},'
        yield "]"


def facts(chain: Chain, market: Market, key: str) -> Iterator[str]:
    """Address, first block and source of one market; `key` is what its protocol calls the address."""
    note = chain.note(market.name)
    yield f"{key} = {text(market.address)}"
    if market.start is not None:
        yield f"start = {market.start}"
    if note.label and not market.id and market not in chain.singletons:
        yield f"label = {text(note.label)}"
    if note.source:
        yield f"source = {text(note.source)}"


def text(value: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)
