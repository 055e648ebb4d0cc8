"""Names to layouts: "folder/contract.function" below `abis/` becomes a selector or topic with its types. A missing name is a `KeyError`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from watcher.data import root


@dataclass(frozen=True, slots=True)
class Function:
    """`selector` is 4 bytes; types are canonical ABI types, structs written as "(uint256,address)"."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventLayout:
    """`topic` is the 32-byte topic 0; `types` are in the ABI's order and `indexed` says which of them travel as topics."""

    name: str
    topic: bytes
    types: tuple[str, ...]
    indexed: tuple[bool, ...]


def function(name: str) -> Function:
    """The layout of "aave_v3/pool.getUserEMode". An overloaded function is named with its types: "f(uint256,bool)"."""
    return _functions(*_split(name))[name]


def event(name: str) -> EventLayout:
    """The layout of "aave_v3/pool.Borrow"; an overloaded event is named with its types."""
    return _events(*_split(name))[name]


def _split(name: str) -> tuple[str, str]:
    path, dot, _ = name.partition(".")
    folder, slash, contract = path.partition("/")
    if not (dot and slash) or ".." in folder or "/" in contract:
        raise KeyError(name)
    return folder, contract


@cache
def _functions(folder: str, contract: str) -> dict[str, Function]:
    found = {}
    for key, signature, item in _items(folder, contract, "function"):
        selector = keccak(text=signature)[:4]
        found[key] = Function(key, selector, _types(item["inputs"]), _types(item["outputs"]))
    return found


@cache
def _events(folder: str, contract: str) -> dict[str, EventLayout]:
    found = {}
    for key, signature, item in _items(folder, contract, "event"):
        indexed = tuple(bool(part["indexed"]) for part in item["inputs"])
        found[key] = EventLayout(key, keccak(text=signature), _types(item["inputs"]), indexed)
    return found


def _items(folder: str, contract: str, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(key, signature, item) of every function or event; the key carries the types only where the bare name is not unique."""
    path = root() / "abis" / folder / f"{contract}.json"
    if not path.is_file():
        raise KeyError(f"{folder}/{contract}")
    items = [item for item in json.loads(path.read_text("utf-8")) if item["type"] == kind]
    names = [item["name"] for item in items]
    rows = []
    for item in items:
        signature = f"{item['name']}({','.join(_types(item['inputs']))})"
        unique = names.count(item["name"]) == 1
        rows.append((f"{folder}/{contract}.{item['name'] if unique else signature}", signature, item))
    return rows


def _types(parts: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(collapse_if_tuple(part) for part in parts)
