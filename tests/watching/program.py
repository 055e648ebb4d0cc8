"""`watcher run` as a process of its own, so that it can be killed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chain.server import Server, serve
from tests.lending import MORPHO, OWNER, Lending
from tests.watching.scene import Forking, forking

PATIENCE = 60.0  # seconds until a process that should have ended is taken for one that hangs


@dataclass
class Program:
    """A watched chain of one market at a scripted node, and the files that the program is given."""

    folder: Path
    node: Forking
    server: Server
    kept: int = 0  # blocks in the store when somebody last looked

    @property
    def db(self) -> Path:
        return self.folder / "watcher.db"

    async def start(
        self, *arguments: str, listen: bool = False, env: Mapping[str, str] = {}
    ) -> asyncio.subprocess.Process:
        """With `listen` what it logs is read from the process and goes into no file. `env` joins its environment."""
        words = ("-m", "watcher", "run", "--config", str(self.folder / "watcher.toml"), *arguments)
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("WATCHER_", "ETH_RPC"))}
        kept |= env
        out, err = (self.folder / name for name in ("out", "err"))
        with out.open("ab") as stdout, err.open("ab") as stderr:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, *words), stdout=stdout, stderr=asyncio.subprocess.PIPE if listen else stderr, env=kept
            )

    async def run(self, *arguments: str, env: Mapping[str, str] = {}) -> int:
        process = await self.start(*arguments, env=env)
        async with asyncio.timeout(PATIENCE):
            return await process.wait()

    def said(self, stream: str) -> str:
        return (self.folder / stream).read_text(encoding="utf-8")


@asynccontextmanager
async def program(folder: Path, lending: Lending) -> AsyncIterator[Program]:
    """`lending` needs a market called eth."""
    node = forking(lending)
    async with serve(node, name="node") as server:
        market = lending.pools["eth"].id.hex()
        (folder / "chains.toml").write_text(
            f"""
[chains.testnet]
id = 1
block_time = 1
finality = 64
stale_head = 1000000000
multicall3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
rpc = [{{ name = "node", url = "{server.url}" }}]

[chains.testnet.morpho_blue]
address = "{MORPHO}"
start = 100
source = "a test"
markets = [{{ id = "0x{market}", label = "eth" }}]
""",
            encoding="utf-8",
        )
        (folder / "watcher.toml").write_text(
            f"""
chains_file = "chains.toml"
db = "watcher.db"

[[wallets]]
address = "{OWNER}"
label = "savings"
""",
            encoding="utf-8",
        )
        yield Program(folder, node, server)
