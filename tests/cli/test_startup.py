"""What it costs to ask for help: little time, and none of the heavy packages."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

HEAVY = ("web3", "sqlalchemy", "numpy", "aiohttp", "typer", "rich", "eth_abi", "eth_utils", "msgspec")


def seconds(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    code = f"import sys; from watcher.__main__ import main; assert main([{argument!r}]) == 0; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(run.stdout.splitlines()[-1].split()) & set(HEAVY) == set()


def test_the_help_of_a_verb_imports_neither_web3_nor_numpy() -> None:
    code = "import sys; from watcher.__main__ import main; assert main(['markets', '--help']) == 0; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(run.stdout.splitlines()[-1].split()) & {"web3", "numpy", "aiohttp"} == set()


def test_help_costs_at_most_ten_times_a_bare_python() -> None:
    """Both are measured in one run, turn by turn, and the best of nine counts: other work on the machine slows both."""
    bare, ours = zip(*((seconds("-c", "pass"), seconds("-m", "watcher", "--help")) for _ in range(9)), strict=True)
    assert min(ours) <= 10 * min(bare)


def test_importing_the_configuration_reads_no_environment() -> None:
    code = (
        "import os\n"
        "class Deaf(dict):\n"
        "    def __getitem__(self, key): raise AssertionError(key)\n"
        "    get = __contains__ = __iter__ = items = keys = __getitem__\n"
        "import eth_utils, eth_typing\n"
        "os.environ = Deaf()\n"
        "import watcher.config\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
