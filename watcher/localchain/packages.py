"""Contract packages, compilers and anvil as npm tarballs: taken without their dependencies and scripts, checked, unpacked into the cache.

The lock beside this file names every package with its version and sha512. A tarball that differs is refused and nothing of it is kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from watcher.errors import ConfigError
from watcher.localchain import node
from watcher.localchain.cache import Say, cache_folder, quiet, scratch

LOCK = Path(__file__).with_name("packages.lock.json")
STAMP = ".sha512"  # written last: a folder without it, or with another digest, does not count
LARGEST = 500_000_000  # bytes of all members, kept or not; the largest package here has 405 MB
PATIENCE = 900  # seconds for one npm run on a slow line


@dataclass(frozen=True, slots=True)
class Package:
    """One entry of the lock. `sha512` is base64 over the tarball's bytes, as in npm's own locks.

    A `large` one is taken only when it is asked for. `only` are the beginnings of the paths that are kept; none: everything is.
    """

    name: str
    version: str
    sha512: str
    large: bool = False
    only: tuple[str, ...] = ()

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> Path:
        """Where it is, or will be, unpacked."""
        return cache_folder() / "packages" / self.spec.lstrip("@").replace("/", "+")

    @property
    def stamp(self) -> str:
        """What the cache holds when it is all there: another digest or another choice of files is another package."""
        return "\n".join((self.sha512, *self.only))

    def present(self) -> bool:
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text() == self.stamp


def locked(path: Path = LOCK) -> tuple[Package, ...]:
    """Every package of the lock, in its order."""
    entries = json.loads(path.read_text())
    return tuple(Package(**{**entry, "only": tuple(entry.get("only", ()))}) for entry in entries)


def package(name: str, version: str | None = None) -> Package:
    """The locked package of that name; `version` tells apart the names that are there more than once."""
    found = [p for p in locked() if p.name == name and version in (None, p.version)]
    if len(found) != 1:
        raise ConfigError(f"{LOCK.name} has {len(found)} entries for {name} {version or ''}: expected exactly one")
    return found[0]


def fetch(packages: Sequence[Package], say: Say = quiet) -> None:
    """Make every one of `packages` present in the cache. Those already there cost one small read; the others one run of npm."""
    missing = [p for p in packages if not p.present()]
    if not missing:
        return
    with scratch(cache_folder() / "packages") as place:
        say(f"taking from npm: {', '.join(p.spec for p in missing)}")
        failure = _pack(missing, place)
        brought = {_digest(tarball): tarball for tarball in place.glob("*.tgz")}
        for wanted in missing:
            if wanted.sha512 in brought:
                _install(wanted, brought[wanted.sha512], place)
    absent = [p.spec for p in missing if not p.present()]
    if absent and failure:
        raise ConfigError(
            f"npm could not bring {', '.join(absent)} ({failure}): check the network or npm's registry and run again"
        )
    if absent:
        raise ConfigError(
            f"not the locked package: what came for {', '.join(absent)} has another sha512; nothing of it was kept"
        )


def path(name: str, version: str | None = None, say: Say = quiet) -> Path:
    """The folder of one package's files, fetched first when it is missing."""
    wanted = package(name, version)
    fetch([wanted], say)
    return wanted.folder / "package"


def _pack(missing: Sequence[Package], place: Path) -> str | None:
    """Let npm bring the tarballs as they are; it knows registries, proxies and certificates. What went wrong in one line, or None."""
    specs = [p.spec for p in missing]
    words = [*node.command("npm"), "pack", "--ignore-scripts", "--silent", "--pack-destination", str(place), *specs]
    try:
        done = subprocess.run(
            words, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not within {PATIENCE} s"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return None if done.returncode == 0 else (said[-1][:200] if said else f"exit {done.returncode}")


def _digest(tarball: Path) -> str:
    with tarball.open("rb") as stream:
        return base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()


def _install(wanted: Package, tarball: Path, place: Path) -> None:
    """Unpack aside, stamp, and rename into place: another run sees all of it or nothing."""
    fresh = place / f"{tarball.stem}.unpacked"
    unpack(tarball, fresh, wanted.only)
    (fresh / STAMP).write_text(wanted.stamp)
    if wanted.folder.exists() and not wanted.present():
        shutil.rmtree(wanted.folder)
    try:
        fresh.rename(wanted.folder)
    except OSError:
        if not wanted.present():  # another run was faster: its copy has the same digest
            raise


def unpack(tarball: Path, folder: Path, only: tuple[str, ...] = ()) -> None:
    """Files and folders below `folder`: all, or those whose path begins with one of `only`.

    A link, a device, an absolute or climbing path refuses the whole tarball, whether it would be kept or not.
    """
    total = 0
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tarball, "r:gz") as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            climbs = not parts or member.name.startswith("/") or "\\" in member.name or ".." in parts or ":" in parts[0]
            if climbs or not (member.isfile() or member.isdir()):
                raise ConfigError(f"{tarball.name} holds {member.name!r}, which would leave its folder: refused")
            total += member.size
            if total > LARGEST:
                raise ConfigError(f"{tarball.name} unpacks to more than {LARGEST} bytes: refused")
            if only and not member.name.startswith(only):
                continue
            target = folder.joinpath(*parts)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(member)
            assert source is not None  # a regular file
            with source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
            target.chmod(0o755 if member.mode & 0o100 else 0o644)
