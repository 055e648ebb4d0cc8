"""`watcher run` as the demo starts it: a process of its own with files of its own, that can be killed at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from eth_typing import ChecksumAddress

import watcher
from watcher.config import Chain, dump
from watcher.errors import WatcherError
from watcher.localchain.stage.guard import guarded

ENDS: Final = 10.0  # seconds that it has after SIGTERM
TAIL: Final = 5  # lines of its log that an error repeats


class Ended(WatcherError):
    """The watched program is not running any more, or does not do what it is there for."""


@dataclass(frozen=True, slots=True)
class Files:
    """Everything that a run reads and writes, in one folder."""

    folder: Path

    @property
    def chains(self) -> Path:
        return self.folder / "chains.toml"

    @property
    def config(self) -> Path:
        return self.folder / "watcher.toml"

    @property
    def store(self) -> Path:
        return self.folder / "watcher.db"

    @property
    def alerts(self) -> Path:
        return self.folder / "alerts.txt"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def write(self, chain: Chain, owners: Mapping[ChecksumAddress, str]) -> None:
        """A chains file, and a watcher.toml over it that asks for every block of these wallets and of everybody in the chain's markets."""
        self.chains.write_text(dump(chain), encoding="utf-8")
        lines = ['chains_file = "chains.toml"', 'db = "watcher.db"', f'[chains.{chain.name}]\nevery = "1s"']
        lines += [f'[[follow]]\nmarket = "{market.name}"' for market in chain.markets]
        lines += [f'[[wallets]]\naddress = "{owner}"\nlabel = "{name}"' for owner, name in owners.items()]
        self.config.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


@dataclass(slots=True)
class Program:
    """``async with Program(files) as program: await program.start()``. It never outlives the context."""

    files: Files
    kills: int = 0
    _child: asyncio.subprocess.Process | None = field(default=None, init=False)
    _guard: ExitStack = field(default_factory=ExitStack, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            if self._child is not None and self._child.returncode is None:
                self._child.kill()
                await self._child.wait()

    async def start(self) -> None:
        """In a session of its own, so that Ctrl-C reaches it through us alone; with the code that runs here and no setting from outside."""
        files = self.files
        words = ["-m", "watcher", "run", "--config", files.config, "--chains", files.chains, "--db", files.store]
        home = str(Path(watcher.__file__).parents[1])
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("WATCHER_", "ETH_RPC"))}
        with files.alerts.open("ab") as out, files.log.open("ab") as err:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, *map(str, words)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=files.folder,
                env={**kept, "PYTHONPATH": home},
                start_new_session=True,
            )
        self._guard.enter_context(guarded(self._child.pid))

    @property
    def log(self) -> str:
        return self.files.log.read_text(encoding="utf-8", errors="replace")

    def alive(self) -> None:
        """Raises `Ended` unless it is."""
        if self._child is None or self._child.returncode is not None:
            code = "was not started" if self._child is None else f"ended with {self._child.returncode}"
            raise Ended(f"watcher run {code}{self.tail()}")

    def tail(self) -> str:
        """The end of its log, for an error."""
        return "".join(f" | {line}" for line in self.log.splitlines()[-TAIL:]) if self.files.log.exists() else ""

    async def kill(self) -> None:
        """SIGKILL, and nothing that it could do about it."""
        self.alive()
        assert self._child is not None
        self._child.kill()
        if await self._child.wait() == -signal.SIGKILL:
            self.kills += 1
        self._guard.close()

    async def end(self) -> None:
        """SIGTERM, which it must heed in time and without an error. Raises `Ended` where it does not."""
        self.alive()
        assert self._child is not None
        self._child.terminate()
        try:
            code = await asyncio.wait_for(self._child.wait(), ENDS)
        except TimeoutError:
            raise Ended(f"watcher run does not end within {ENDS:g} s of SIGTERM{self.tail()}") from None
        if code:
            raise Ended(f"watcher run ended with {code} after SIGTERM{self.tail()}")
