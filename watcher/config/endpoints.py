"""Turns URLs into endpoints and puts them in order. Refuses plain http and ws to any machine but this one; no URL enters a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from watcher.config.chain import Config, Endpoint, Origin
from watcher.errors import ConfigError, UsageError

CHAIN_VARIABLE = "WATCHER_RPC_"  # followed by the chain id; several URLs are separated by commas
FOUNDRY_VARIABLE = "ETH_RPC_URL"


def endpoint(url: str, origin: Origin, name: str | None = None, *, heads: bool = False) -> Endpoint:
    """An endpoint named by its alias or host; with `heads` it may also be a WebSocket, where a chain is known for it.

    Raises `ValueError` whose text says what is wrong without showing the URL.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not a URL; write https://HOST/…") from None
    if parts.scheme in ("ws", "wss") and not heads:
        raise ValueError(
            "a WebSocket only announces new heads; give it in watcher.toml, a chains file or WATCHER_RPC_<chain id>"
        )
    if parts.scheme not in ("http", "https", "ws", "wss") or not host:
        raise ValueError("not an http address; write https://HOST/…")
    if any(c.isspace() or not c.isprintable() for c in url.strip()):
        raise ValueError("a URL has no spaces or control characters in it")
    if parts.scheme in ("http", "ws") and not is_loopback(host):
        secure = {"http": "https", "ws": "wss"}[parts.scheme]
        raise ValueError(f"plain {parts.scheme} is only for this machine, and {host} is another; use {secure}")
    return Endpoint(name or (f"{host}:{port}" if port else host), url.strip(), origin)


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine. No name is resolved."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def from_environment(config: Config, environ: Mapping[str, str]) -> Config:
    """`config` with the endpoints that the environment names. A variable for a chain that is not configured is an error."""
    for variable, value in sorted(environ.items()):
        if not variable.startswith(CHAIN_VARIABLE) or not value.strip():
            continue
        chain = variable.removeprefix(CHAIN_VARIABLE)
        if chain not in {str(known.id) for known in config.chains}:
            ids = ", ".join(str(known.id) for known in config.chains[:8])
            raise ConfigError(f"{variable}: no chain with id {chain!r} is configured; known ids: {ids} …")
        for found in listed(variable, value.split(","), Origin.CHAIN_VARIABLE):
            config = config.place(found, int(chain))
    urls = [environ[FOUNDRY_VARIABLE]] if environ.get(FOUNDRY_VARIABLE, "").strip() else []
    return replace(config, unplaced=listed(FOUNDRY_VARIABLE, urls, Origin.FOUNDRY_VARIABLE))


def listed(variable: str, urls: Iterable[str], origin: Origin) -> tuple[Endpoint, ...]:
    """The endpoints of one environment variable; `ConfigError` naming the variable."""
    try:
        chosen = origin is Origin.CHAIN_VARIABLE
        return tuple(endpoint(url, origin, heads=chosen) for url in urls if url.strip())
    except ValueError as error:
        raise ConfigError(f"{variable}: {error}") from None


def with_rpc(config: Config, urls: Sequence[str]) -> Config:
    """`config` with the URLs of --rpc, asked before all others. They take the place of ETH_RPC_URL.

    Where one chain is configured (after --chain, or in a small file) they belong to it, and its id is verified on first use; else
    they are `unplaced` until asked for their chain. Raises `UsageError`, without the URL.
    """
    if not urls:
        return config
    try:
        flags = tuple(endpoint(url, Origin.FLAG) for url in urls)
    except ValueError as error:
        raise UsageError(f"--rpc: {error}") from None
    if len(config.chains) > 1:
        return replace(config, unplaced=flags)
    config = replace(config, unplaced=())
    for flag in flags:
        config = config.place(flag, config.chains[0].id)
    return config
