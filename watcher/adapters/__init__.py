"""The folder is the registry: every module here is one protocol family and defines `ADAPTER`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from watcher.adapter import Adapter
from watcher.errors import ConfigError


def names() -> tuple[str, ...]:
    """Every protocol family that this program can read, in alphabetical order."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def adapter(name: str) -> Adapter[Any, Any, Any]:
    """The adapter called `name`; `ConfigError` names the ones there are."""
    if name not in names():
        raise ConfigError(f"no adapter called {name!r}: use one of {', '.join(names())}")
    found: Adapter[Any, Any, Any] = import_module(f"{__name__}.{name}").ADAPTER
    return found
