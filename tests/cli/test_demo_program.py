"""`watcher run` as the demo's child: what it says of one that does not run, and that nothing outlives whoever guards it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from watcher.cli.demo.program import Ended, Files, Program
from watcher.localchain.stage.guard import guarded


def test_one_that_was_never_started_is_not_alive(tmp_path: Path) -> None:
    with pytest.raises(Ended, match="watcher run was not started"):
        Program(Files(tmp_path)).alive()


@pytest.mark.slow
def test_one_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.config.write_text("wallet = 3\n")
    files.chains.write_text("")

    async def ends() -> None:
        async with Program(files) as program:
            await program.start()
            while True:
                program.alive()
                await asyncio.sleep(0.05)

    with pytest.raises(Ended, match=r"watcher run ended with 3 \| watcher: .*watcher\.toml"):
        asyncio.run(ends())


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


def test_a_guard_that_is_not_needed_leaves_the_process_alone() -> None:
    with sleeper() as child:
        with guarded(child.pid):
            pass
        assert child.poll() is None
        child.kill()


DIES = """
import os, signal, subprocess, sys
from watcher.localchain.stage.guard import guarded
with guarded(int(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_process_dies_with_one_that_could_clean_nothing_up() -> None:
    home = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with sleeper() as child:
        assert subprocess.run([sys.executable, "-c", DIES, str(child.pid)], env=home).returncode == -9
        assert child.wait(30) == -9
