"""A local EVM node as a child process: found on its own port by its own chain id before anything is written to it, ended by its own pid."""

from __future__ import annotations

import asyncio
import platform
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from watcher.errors import ConfigError, EndpointError
from watcher.localchain import packages
from watcher.localchain.cache import Say, quiet
from watcher.localchain.wire import Request, Wire

PLATFORM_PACKAGE = "@foundry-rs/anvil-linux-amd64"
HOST = "127.0.0.1"
GAS_LIMIT = 60_000_000  # per block
START = 15.0  # seconds until the first answer; measured 0.05 to 0.15
ATTEMPTS = 5  # ports
FLAGS = (
    "--silent",
    "--no-request-size-limit",
    "--auto-impersonate",
    "--block-base-fee-per-gas",
    "0",
    "--accounts",
    "1",
    "--max-persisted-states",  # a long session makes thousands of blocks, and old ones are still asked for
    "1000000",
)


def packaged() -> bool:
    """Whether the lock has anvil for this machine; elsewhere it must be on PATH."""
    return platform.system() == "Linux" and platform.machine() in ("x86_64", "AMD64")


def binary(say: Say = quiet) -> Path:
    """anvil of the locked package on Linux x86-64; elsewhere the one on PATH, else `ConfigError`."""
    if packaged():
        return packages.path(PLATFORM_PACKAGE, say=say) / "bin" / "anvil"
    found = shutil.which("anvil")
    if found:
        return Path(found)
    raise ConfigError("the local chain needs anvil, which is not on PATH: install Foundry (foundryup) and run again")


def free_port() -> int:
    """A port that nobody listens on now. Somebody may by the time it is used: who answers there is checked."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Anvil:
    """``async with Anvil() as chain``: base fee 0, every account may send, one block per transaction, 60 M gas a block.

    `rpc` and everything below it may be awaited from any event loop. Errors of the node are `Refused`. `any_size` allows contracts that
    no public chain would take: some packages carry code that was compiled for tests only.
    """

    def __init__(
        self,
        *,
        timestamp: int | None = None,
        ports: Callable[[], int] = free_port,
        say: Say = quiet,
        any_size: bool = False,
    ) -> None:
        self.chain_id = 1_000_000_000 + secrets.randbelow(1_000_000_000)  # no public chain is in this range
        self.port = 0
        self._timestamp = timestamp  # of the genesis block, in seconds; the present when None
        self._ports = ports
        self._any_size = any_size
        self._say = say
        self._child: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        self._states = tempfile.TemporaryDirectory(prefix="watcher-anvil-", ignore_cleanup_errors=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        if self._child is None:
            raise ConfigError("the local node is not running: use `async with Anvil()`")
        return self._child.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the child on a port where nobody else answers; a stranger's port is left alone and another one taken."""
        program = binary(self._say)
        for _ in range(ATTEMPTS):
            self._launch(program, self._ports())
            if await self._ours():
                return
            self._end_child()
        self._states.cleanup()
        raise ConfigError(f"anvil did not start on any of {ATTEMPTS} ports: run `{program} --version` to see why")

    async def stop(self) -> None:
        """End the child (by its own pid) and remove what it left on disk. Safe to call twice."""
        self._end_child()
        self._states.cleanup()

    async def rpc(self, method: str, *params: Any) -> Any:
        return await self._connected().ask(method, params)

    async def batch(self, requests: Sequence[Request]) -> list[Any]:
        """Many requests in one HTTP body; results in order, the first error raises."""
        return await self._connected().ask_all(requests)

    async def snapshot(self) -> str:
        return str(await self.rpc("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Back to the snapshot, which is used up. Blocks made since are orphans and their state is gone.

        A transaction is answered as mined a moment before anvil takes it out of its pool; after a revert it would be mined again.
        """
        if await self.rpc("evm_revert", snapshot) is not True:
            raise ConfigError(f"the local node does not know snapshot {snapshot}")
        await self.rpc("anvil_dropAllTransactions")

    async def block_number(self) -> int:
        return int(await self.rpc("eth_blockNumber"), 16)

    async def timestamp(self) -> int:
        """Of the newest block, in seconds."""
        return int((await self.rpc("eth_getBlockByNumber", "latest", False))["timestamp"], 16)

    async def mine(self, blocks: int = 1) -> None:
        await self.rpc("anvil_mine", hex(blocks))

    async def next_timestamp(self, seconds: int) -> None:
        """The next block, and only it, is exactly at `seconds` since 1970."""
        await self.rpc("evm_setNextBlockTimestamp", hex(seconds))

    async def advance(self, seconds: int) -> None:
        """Mine one block that is `seconds` later than the newest one."""
        await self.next_timestamp(await self.timestamp() + seconds)
        await self.mine()

    @asynccontextmanager
    async def one_block(self) -> AsyncIterator[None]:
        """What is posted inside lands in a single block, in order, when the context ends without an error."""
        await self.rpc("evm_setAutomine", False)
        try:
            yield
            await self.mine()
        finally:
            await self.rpc("evm_setAutomine", True)

    def _launch(self, program: Path, port: int) -> None:
        self.port = port
        words = [str(program), *self._arguments()]
        nowhere = subprocess.DEVNULL
        self._child = subprocess.Popen(words, stdin=nowhere, stdout=nowhere, stderr=nowhere)
        self._wire = Wire(HOST, port)

    def _arguments(self) -> list[str]:
        words = [*FLAGS, "--host", HOST, "--port", str(self.port), "--chain-id", str(self.chain_id)]
        words += ["--gas-limit", str(GAS_LIMIT), "--cache-path", self._states.name]
        words += ["--disable-code-size-limit"] if self._any_size else []
        return words if self._timestamp is None else [*words, "--timestamp", str(self._timestamp)]

    async def _ours(self) -> bool:
        """True once our child lives and its port answers with our chain id; False when the child ended or a stranger answers."""
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self._child is not None and self._child.poll() is None:
            try:
                answer = await self.rpc("eth_chainId")
            except EndpointError:
                await asyncio.sleep(0.02)
                continue
            return bool(answer == hex(self.chain_id)) and self._child.poll() is None
        return False

    def _end_child(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        if self._child is not None:
            child, self._child = self._child, None
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _connected(self) -> Wire:
        if self._wire is None:
            raise ConfigError("the local node is not running: use `async with Anvil()`")
        return self._wire
