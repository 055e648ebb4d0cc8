"""What is published works on its own: the wheel carries its data and runs far from this tree."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from watcher.data import root

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    hatchling = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", hatchling, str(folder)], check=True, cwd=root(), capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment into which pip has put the wheel alone.

    Its dependencies are seen through a path at the end of the search. Our editable install stands in a .pth file of its own, which
    such a path does not follow: the only `watcher` there is the wheel's.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (
        programs / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
    )
    subprocess.run([*pip, wheel], check=True, capture_output=True)
    (site,) = (path for path in folder.rglob("site-packages") if path.is_dir())
    seen = (path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text("\n".join(seen))
    return programs


def test_the_wheel_carries_chains_abis_and_the_mark_of_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith("/METADATA"))
        about = archive.read(metadata).decode()
    assert {"watcher/data/chains.toml", "watcher/py.typed", "watcher/__main__.py"} <= names
    for file in (root() / "abis").rglob("*.json"):
        assert f"watcher/data/abis/{file.relative_to(root() / 'abis').as_posix()}" in names
    assert not any(name.startswith(("tests/", "scripts/", ".venv/")) for name in names)
    assert "Name: lending-watcher" in about


def test_markets_runs_from_the_wheel_in_another_folder(home: Path, tmp_path: Path) -> None:
    where = "import watcher, watcher.data; print(watcher.__file__); print(watcher.data.root())"
    found = subprocess.run([home / "python", "-c", where], check=True, cwd=tmp_path, capture_output=True, text=True)
    assert all(Path(line).is_relative_to(home.parent) for line in found.stdout.splitlines())
    command = [str(home / "watcher"), "markets", "--chain", "gnosis", "--format", "csv"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "gnosis/aave-v3/core,0xb50201558B00496A145fE76f7424749556E326D8" in run.stdout
