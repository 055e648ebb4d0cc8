"""Watches lending positions on EVM chains: health factors exactly as the contracts compute them. Read-only: no key, no transaction.

``async with watcher.open(rpc="https://…") as w: wallets = await w.account("0x…")``
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watcher.library import Watcher, address, open
    from watcher.wallet import Wallet

PUBLIC = {"Wallet": "wallet", "Watcher": "library", "address": "library", "open": "library"}

__all__ = ["Wallet", "Watcher", "address", "open"]


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: `import watcher` costs nothing and sets nothing up."""
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
