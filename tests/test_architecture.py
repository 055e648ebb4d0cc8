"""The house rules as a test: which way imports point, what pure code may not touch, and that the product holds no key."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

PACKAGE = Path(__file__).parent.parent / "watcher"
FILES = sorted(PACKAGE.rglob("*.py"))

# What each room may import of ours. A room not named here may import anything above it: cli, __main__, localchain.
CORE = {"errors", "units", "model", "query"}
ALLOWED = {
    "errors": set(),
    "units": {"errors"},
    "text": set(),
    "data": set(),
    "figures": {"units"},
    "model": {"errors", "units"},
    "query": {"errors", "units", "model"},
    "adapter": CORE,
    "formula": CORE | {"adapter"},
    "oracle": CORE | {"adapter"},
    "adapters": CORE | {"adapter", "figures", "formula", "oracle"},
    "portfolio": CORE | {"adapter", "cycle", "health", "oracle", "text"},
    "health": CORE | {"adapter"},
    "book": CORE | {"adapter", "health"},
    "risk": CORE | {"adapter", "health"},
    "chain": CORE | {"adapter", "data", "text"},
    "config": CORE | {"chain", "data", "health", "text", "figures"},
    "alerts": CORE | {"adapter", "figures", "text"},
    "cycle": CORE | {"adapter", "adapters", "health", "oracle"},
    "connection": CORE | {"chain", "config"},
    "confirm": CORE | {"cycle", "chain", "connection"},
    "search": CORE | {"adapters", "chain", "connection"},
    "annex": CORE | {"cycle", "confirm", "search"},
    "wallet": CORE | {"adapters", "annex", "cycle", "config", "connection", "confirm", "oracle", "portfolio", "search"},
    "check": CORE | {"adapter", "oracle", "adapters", "health", "cycle", "config", "chain", "connection"},
    "names": CORE | {"chain", "config", "connection"},
    "library": CORE | {"config", "connection", "names", "search", "wallet"},
    "store": CORE | {"adapter"},
    "entries": CORE | {"cycle", "store"},
    "prices": CORE | {"adapter", "adapters", "alerts", "chain", "connection", "oracle", "risk", "store"},
    "plots": CORE | {"text"},
    "export": CORE | {"adapter", "adapters", "health", "store", "text"},
    "watching": CORE
    | {
        "adapter",
        "adapters",
        "alerts",
        "appraisal",
        "chain",
        "config",
        "confirm",
        "connection",
        "cycle",
        "entries",
        "figures",
        "following",
        "health",
        "oracle",
        "prices",
        "risk",
        "search",
        "store",
        "survey",
    },
    "backfill": CORE
    | {
        "adapter",
        "adapters",
        "chain",
        "check",
        "config",
        "connection",
        "cycle",
        "entries",
        "health",
        "search",
        "store",
        "watching",
    },
    "survey": CORE | {"adapter", "adapters", "chain", "connection", "search", "store"},
    "following": CORE | {"adapter", "adapters", "book", "chain", "connection", "health", "search", "store", "survey"},
    "scan": CORE
    | {
        "adapter",
        "adapters",
        "appraisal",
        "book",
        "chain",
        "config",
        "connection",
        "following",
        "health",
        "oracle",
        "prices",
        "risk",
        "search",
        "store",
        "survey",
    },
    "chronicle": CORE | {"adapter", "adapters", "chain", "connection", "health", "oracle", "search"},
    "appraisal": CORE | {"adapter", "config", "cycle", "health", "oracle", "prices", "risk", "store"},
    "causes": CORE | {"adapter", "adapters", "backfill", "chain", "chronicle", "connection", "risk", "search"},
    "scheduler": CORE,
    "exit": {"errors"},
    "localchain": CORE | {"chain", "data", "config"},
}
FLOATS = {"book", "risk"}  # pure, and in floats: where an error interval is proved, and where nothing is decided
PURE = FLOATS | {"units", "model", "query", "adapter", "formula", "oracle", "adapters", "health", "portfolio", "text"}
IMPURE = {"web3", "aiohttp", "sqlmodel", "sqlalchemy", "asyncio", "time", "datetime", "os", "random", "logging"}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module named by an import, at the top or inside a function, except those for type checkers only."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "watcher")
    return frozenset(found)


def rooms(path: Path) -> set[str]:
    return {parts[1] for name in imports(path) if (parts := name.split("."))[0] == "watcher" and len(parts) > 1}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    here = room(path)
    if here in ALLOWED:
        assert rooms(path) - {here} <= ALLOWED[here]


@pytest.mark.parametrize(
    "path", [path for path in FILES if room(path) in PURE], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_pure_code_touches_no_world(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} & IMPURE == set()


@pytest.mark.parametrize(
    "path", [path for path in FILES if room(path) in PURE - FLOATS], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_exact_code_holds_no_float(path: Path) -> None:
    assert [node.lineno for node in ast.walk(ast.parse(path.read_text())) if inexact(node)] == []
    assert "numpy" not in {name.split(".")[0] for name in imports(path)}


def inexact(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    """A float constant, the name `float`, or a division that makes one out of integers."""
    match node:
        case ast.Constant(value=float()) | ast.Name(id="float") | ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return True
        case _:
            return False


@pytest.mark.parametrize("code", ["1.5", "1e18", "a / b", "a /= 2", "float(a)", "x: float", "f(1 / 3)"])
def test_what_is_inexact_is_found(code: str) -> None:
    assert any(inexact(node) for node in ast.walk(ast.parse(code)))


def test_integer_arithmetic_is_exact() -> None:
    assert not any(inexact(node) for node in ast.walk(ast.parse("a // b * 10**18 % 7\na //= 2")))


def test_only_the_local_chain_could_sign() -> None:
    holders = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if any(name.startswith("eth_account") for name in imports(path))
    }
    assert all(name.startswith("localchain/") for name in holders)


def test_only_the_demo_knows_the_local_chain() -> None:
    users = {
        str(path.relative_to(PACKAGE)) for path in FILES if "localchain" in rooms(path) and room(path) != "localchain"
    }
    assert all(user.startswith("cli/demo/") for user in users)


def test_every_room_is_on_the_plan() -> None:
    unplanned = {room(path) for path in FILES} - ALLOWED.keys() - {"__init__", "__main__", "cli"}
    assert unplanned == set()
