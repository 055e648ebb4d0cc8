"""What is locked names versions and hashes, and no place to take them from."""

from __future__ import annotations

import pytest

from watcher.data import root

LOCKS = ("scripts/requirements.lock", "scripts/node.lock", "watcher/localchain/packages.lock.json")


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_a_download_address(lock: str) -> None:
    text = (root() / lock).read_text()
    assert "://" not in text
    assert "sha256:" in text or "sha512" in text


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_every_python_package_is_locked_by_version_and_hash(lock: str) -> None:
    entries = (root() / lock).read_text().replace("\\\n", "").splitlines()
    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
