"""chains.toml and the environment as one frozen `Config`; watcher.toml is read by `read_watch`. Nothing is read until asked for."""

from __future__ import annotations

from watcher.config.chain import Chain, Config, Endpoint, Group, Heartbeat, Note, Origin, Proxies, UsdFeed
from watcher.config.endpoints import with_rpc
from watcher.config.read import load
from watcher.config.write import dump

__all__ = [
    "Chain",
    "Config",
    "Endpoint",
    "Group",
    "Heartbeat",
    "Note",
    "Origin",
    "Proxies",
    "UsdFeed",
    "dump",
    "load",
    "with_rpc",
]
