"""Our own Solidity (feeds, oracles, tokens, a crowd of borrowers): source and compiled JSON side by side; a test compiles again."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from watcher.localchain.contract import Artifact
from watcher.localchain.solidity import Project, compile

SOURCES = Path(__file__).with_name("contracts")
COMPILED = SOURCES / "compiled.json"
COMPILER = "0.8.27"
CONTRACTS = (
    "Bytes32Token",
    "CappedPeg",
    "CappedRate",
    "CometAssets",
    "CometProxy",
    "CometTwin",
    "Crowd",
    "CurveModel",
    "DiscountedFeed",
    "Feed",
    "FeedOracle",
    "FeedProxy",
    "FixedModel",
    "FlatModel",
    "Kept",
    "PreLiquidation",
    "PreLiquidationFactory",
    "ProxyLists",
    "ScaledOracle",
    "Token",
    "UptimeFeed",
    "Vault",
)
SETTINGS = {"optimizer": {"enabled": True, "runs": 200}, "evmVersion": "paris", "metadata": {"bytecodeHash": "none"}}


@lru_cache(maxsize=1)
def _compiled() -> dict[str, Artifact]:
    contracts = json.loads(COMPILED.read_text())["contracts"]
    return {name: Artifact(name, entry["abi"], entry["code"]) for name, entry in contracts.items()}


def own(name: str) -> Artifact:
    """The committed artifact of one of `CONTRACTS`."""
    return _compiled()[name]


def recompiled() -> str:
    """What `compiled.json` must hold: the named compiler's output of the sources, as text."""
    entries = [f"own/{name}.sol" for name in CONTRACTS]
    built = compile(Project(COMPILER, {"own/": SOURCES}, entries, SETTINGS))
    contracts = {name: {"abi": built[name].abi, "code": built[name].code} for name in CONTRACTS}
    found = {"compiler": f"solc {COMPILER}", "settings": SETTINGS, "contracts": contracts}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"
