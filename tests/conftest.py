"""Unit tests cannot reach the network: a socket may only connect to this very machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: the test processes share the cores already

# A property is tried twenty times, or as often as its test says; three hundred times with --long.
# A loaded machine is no failure: no deadline, and no complaint that drawing was slow.
PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("short", max_examples=20, **PATIENT)
settings.register_profile("long", max_examples=300, **PATIENT)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("short" if "not long" in config.option.markexpr else "long")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: the short ones at the end fill whichever core is free."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("onchain", "slow"))))


LOCAL = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in LOCAL:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
