"""What can fail beside the watcher: a journal whose process is killed at any of its calls, and a channel that is out of reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from watcher.alerts.message import Message
from watcher.errors import DeliveryError
from watcher.watching.journal import Journal

T = TypeVar("T")


class Killed(BaseException):
    """The machine goes: nothing after this point happens."""


class Mortal(Journal):
    """A journal whose run can end before or after any of its calls."""

    fuse: int | None = None

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        self._burn()
        result = await super().call(function, *args)
        self._burn()
        return result

    def _burn(self) -> None:
        if self.fuse is None:
            return
        self.fuse -= 1
        if self.fuse < 0:
            raise Killed


@dataclass
class Phone:
    """A channel that is out of reach now and then."""

    name: str = "phone"
    away: bool = False
    said: list[Message] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        if self.away:
            raise DeliveryError(self.name, "no answer", permanent=False)
        self.said.append(message)
