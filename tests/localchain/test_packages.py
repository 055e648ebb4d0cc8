"""Other people's packages are taken exactly as locked, or not at all."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from watcher.errors import ConfigError
from watcher.localchain import aave_v36, anvil, morpho, node, packages
from watcher.localchain.cache import quiet
from watcher.localchain.packages import STAMP, Package, fetch, locked, package, unpack
from watcher.localchain.prepare import prepare

FAKE_NPM = """
import shutil, sys
from pathlib import Path
arguments = sys.argv[1:]
assert arguments[0] == "pack" and "--ignore-scripts" in arguments, arguments
folder = arguments[arguments.index("--pack-destination") + 1]
with (Path(__file__).parent / "runs").open("a") as runs:
    runs.write(arguments[-1] + "\\n")
shutil.copy(Path(__file__).parent / "served.tgz", Path(folder) / "some-package-1.0.0.tgz")
"""


def tarball(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    """A gzipped tar at `path` with plain files, or with any other member as it is."""
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                header = tarfile.TarInfo(member[0])
                header.size = len(member[1])
                archive.addfile(header, io.BytesIO(member[1]))
    return path


def digest(path: Path) -> str:
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own and an npm that serves `served.tgz` from the folder returned and notes every run."""
    monkeypatch.setenv("WATCHER_CACHE", str(tmp_path / "cache"))
    script = tmp_path / "npm.py"
    script.write_text(FAKE_NPM)
    monkeypatch.setattr(node, "command", lambda program: [sys.executable, str(script)])
    return tmp_path


def runs(shop: Path) -> list[str]:
    noted = shop / "runs"
    return noted.read_text().split() if noted.exists() else []


def test_the_lock_names_every_package_once() -> None:
    assert len({p.spec for p in locked()}) == len(locked())
    assert all(len(base64.b64decode(p.sha512)) == 64 for p in locked())


def test_a_name_that_is_locked_twice_needs_its_version() -> None:
    assert package("solc", "0.8.27").spec == "solc@0.8.27"
    with pytest.raises(ConfigError, match="2 entries for solc"):
        package("solc")
    with pytest.raises(ConfigError, match="0 entries for left-pad"):
        package("left-pad")


def test_a_package_is_unpacked_once_and_then_only_looked_at(shop: Path) -> None:
    served = tarball(shop / "served.tgz", ("package/a.txt", b"alpha"), ("package/deep/b.txt", b"beta"))
    wanted = Package("@some/package", "1.0.0", digest(served))
    said: list[str] = []
    fetch([wanted], said.append)
    fetch([wanted], said.append)
    assert (wanted.folder / "package" / "deep" / "b.txt").read_bytes() == b"beta"
    assert runs(shop) == ["@some/package@1.0.0"]
    assert said == ["taking from npm: @some/package@1.0.0"]


def test_f69_a_tarball_with_another_digest_is_refused_and_leaves_nothing(shop: Path) -> None:
    tarball(shop / "served.tgz", ("package/evil.js", b"not what was locked"))
    wanted = Package("some-package", "1.0.0", base64.b64encode(bytes(64)).decode())
    with pytest.raises(ConfigError, match="not the locked package"):
        fetch([wanted])
    assert not wanted.present()
    assert list((shop / "cache" / "packages").iterdir()) == []


def test_a_copy_with_another_stamp_is_replaced(shop: Path) -> None:
    served = tarball(shop / "served.tgz", ("package/a.txt", b"new"))
    wanted = Package("some-package", "1.0.0", digest(served))
    old = wanted.folder / "package"
    old.mkdir(parents=True)
    (old / "a.txt").write_text("half of an interrupted run")
    (wanted.folder / STAMP).write_text("of an older lock")
    fetch([wanted])
    assert (old / "a.txt").read_text() == "new"


def test_npm_that_fails_is_one_line_that_says_what_to_do(shop: Path) -> None:
    (shop / "npm.py").write_text("import sys; sys.exit('registry unreachable')")
    with pytest.raises(ConfigError, match=r"could not bring a@1.*registry unreachable.*run again"):
        fetch([Package("a", "1", "x")])


def test_of_a_package_with_a_choice_only_those_files_are_kept(shop: Path) -> None:
    members = [("package/artifacts/A.json", b"{}"), ("package/artifactsmore", b"no"), ("package/dist/big.json", b"no")]
    served = tarball(shop / "served.tgz", *members)
    wanted = Package("@some/package", "1.0.0", digest(served), large=True, only=("package/artifacts/",))
    fetch([wanted])
    assert [p.name for p in wanted.folder.rglob("*") if p.is_file() and p.name != STAMP] == ["A.json"]
    assert wanted.present()
    assert not Package("@some/package", "1.0.0", digest(served)).present()  # whoever wants all of it takes it again


def test_a_member_that_is_not_kept_still_may_not_leave_the_folder(tmp_path: Path) -> None:
    archive = tarball(tmp_path / "evil.tgz", ("package/kept/a", b"fine"), ("../outside", b"bad"))
    with pytest.raises(ConfigError, match="would leave its folder"):
        unpack(archive, tmp_path / "place", ("package/kept/",))


@pytest.mark.parametrize("asked", [False, True])
def test_large_packages_are_taken_only_when_asked_for(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Package] = []
    monkeypatch.setattr(packages, "fetch", lambda wanted, say: taken.extend(wanted))
    monkeypatch.setattr(anvil, "binary", lambda say: None)
    monkeypatch.setattr(aave_v36, "build", lambda say: None)
    monkeypatch.setattr(morpho, "build", lambda say: None)
    prepare(quiet, all=asked)
    large = {f"@venusprotocol/{name}" for name in ("venus-protocol", "isolated-pools", "oracle")}
    assert {p.name for p in taken if p.large} == (large if asked else set())
    assert "@aave/core-v3" in {p.name for p in taken}


@pytest.mark.parametrize("name", ["../outside", "package/../../outside", "/etc/outside", "c:/outside", "a\\..\\b"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = tarball(tmp_path / "evil.tgz", ("package/good", b"fine"), (name, b"bad"))
    with pytest.raises(ConfigError, match="would leave its folder"):
        unpack(archive, tmp_path / "place")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("package/link")
    member.type, member.linkname = kind, "../../outside"
    with pytest.raises(ConfigError, match="refused"):
        unpack(tarball(tmp_path / "evil.tgz", member), tmp_path / "place")


def test_a_tarball_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "LARGEST", 1_000)
    archive = tarball(tmp_path / "big.tgz", ("package/zeros", bytes(1_001)))
    with pytest.raises(ConfigError, match="more than 1000 bytes"):
        unpack(archive, tmp_path / "place")


def test_programs_stay_executable_and_nothing_else(tmp_path: Path) -> None:
    program = tarfile.TarInfo("package/bin/run")
    program.mode = 0o755
    unpack(tarball(tmp_path / "a.tgz", program, ("package/text", b"")), tmp_path / "place")
    modes = [(tmp_path / "place" / "package" / name).stat().st_mode & 0o111 for name in ("bin/run", "text")]
    assert modes == [0o111, 0]
