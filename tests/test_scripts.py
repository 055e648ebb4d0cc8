"""What scripts/test asks of pytest: tests that are not wanted are deselected by their markers, never skipped."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from watcher.data import root


def steps(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[Sequence[str]]:
    """The commands that scripts/test would run with these arguments."""
    ran: list[Sequence[str]] = []
    environment = ModuleType("environment")
    monkeypatch.setattr(environment, "main", ran.extend, raising=False)
    monkeypatch.setitem(sys.modules, "environment", environment)
    monkeypatch.setattr(sys, "argv", ["test", *arguments])
    runpy.run_path(str(root() / "scripts" / "test"), run_name="__main__")
    return ran


@pytest.mark.parametrize(
    ("arguments", "markers"),
    [
        ((), "not long and not large"),
        (("--long",), "not large"),
        (("--all",), "not long"),
        (("--all", "-m", "(onchain or slow) and not long"), "((onchain or slow) and not long) and not long"),
        (("-m", "onchain or slow"), "(onchain or slow) and not long and not large"),
    ],
)
def test_what_takes_long_or_needs_large_packages_is_left_out_unless_asked_for(
    arguments: tuple[str, ...], markers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, tested = steps(monkeypatch, *arguments, "--durations=3")
    assert prepared == ["-m", "watcher.localchain", *(["--all"] if "--all" in arguments else [])]
    assert tested == ["-m", "pytest", "-n", "auto", "--dist", "worksteal", "-m", markers, "--durations=3"]


def test_with_everything_asked_for_nothing_is_deselected(monkeypatch: pytest.MonkeyPatch) -> None:
    _, tested = steps(monkeypatch, "--all", "--long", "tests/onchain")
    assert tested == ["-m", "pytest", "-n", "auto", "--dist", "worksteal", "tests/onchain"]
