"""Everything of other projects goes to one folder that the user may choose, and appears there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from watcher.localchain.cache import cache_folder, scratch


def test_the_environment_chooses_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert cache_folder().is_dir()


def test_a_failure_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"), scratch(tmp_path) as place:
        (place / "half").write_text("of a package")
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []
