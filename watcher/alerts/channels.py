"""The ways out: lines on the console, and any allowed apprise URL. A channel delivers one message, or raises `DeliveryError`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from watcher.alerts.message import Message
from watcher.alerts.schemes import scheme
from watcher.errors import DeliveryError

PATIENCE: Final = 30.0  # seconds for one delivery
LONGEST: Final = 64_000  # bytes of an outcome


class Channel(Protocol):
    """`name` is unique among the channels; it is shown, unlike what is behind it."""

    @property
    def name(self) -> str: ...

    async def deliver(self, message: Message) -> None: ...


@dataclass(frozen=True, slots=True)
class Console:
    """Each message as lines of a text stream."""

    stream: TextIO
    name: str = "console"

    async def deliver(self, message: Message) -> None:
        try:
            self.stream.write(f"{message.text}\n\n")
            self.stream.flush()
        except OSError as error:
            raise DeliveryError(self.name, error.strerror or "cannot be written", permanent=False) from error


@dataclass(frozen=True, slots=True)
class Apprise:
    """A service behind an apprise URL, which is a secret. Reached in a process of its own, see `alerts.send`.

    Unless `allow_private`, only public addresses are connected to, and no proxy is used: it would hide where the message goes.
    """

    name: str
    url: str = field(repr=False)
    allow_private: bool = False
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        scheme(self.url)

    async def deliver(self, message: Message) -> None:
        order = {
            "url": self.url,
            "title": message.title,
            "body": message.body,
            "allow_private": self.allow_private,
        }
        outcome = await self._run(json.dumps(order).encode())
        if not outcome["delivered"]:
            raise DeliveryError(self.name, str(outcome["reason"]), permanent=bool(outcome["permanent"]))

    async def _run(self, order: bytes) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "watcher.alerts.send"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(self.allow_private),
        )
        try:
            async with asyncio.timeout(self.patience):
                answer, _ = await process.communicate(order)
        except TimeoutError:
            raise DeliveryError(self.name, f"no answer in {self.patience:g} s", permanent=False) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            outcome: dict[str, Any] = json.loads(answer[:LONGEST].splitlines()[-1])
        except (ValueError, IndexError):
            reason = f"the sending process ended with {process.returncode} and no outcome"
            raise DeliveryError(self.name, reason, permanent=False) from None
        return outcome


def _environment(proxies: bool) -> dict[str, str]:
    """This process's variables, the proxies only where asked for; our own package comes first in the path of the other process."""
    kept = {name: text for name, text in os.environ.items() if proxies or not name.lower().endswith("_proxy")}
    root = str(Path(__file__).parent.parent.parent)
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH"))))}
