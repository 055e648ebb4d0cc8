"""Secrets live outside of files that are shown and shared: `env:NAME` or `file:PATH`. No message of this module holds one."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 4096  # bytes of a secret file
WORD: Final = re.compile(r"[a-z]{1,24}(-[a-z]{1,24}){0,3}|[A-Za-z0-9.-]{1,5}")  # "eth-mainnet", "v3": nobody's key
KEYLIKE: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9-]{16,}")  # one label of a host's name that may be a key
WANTED: Final = 'write "env:NAME" or "file:PATH" here, and the secret itself in that variable or file'


def is_reference(text: str) -> bool:
    """Whether `text` says where a secret is, and is not the secret."""
    return text.startswith(("env:", "file:"))


def revealed(reference: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The secret that `env:NAME` or `file:PATH` stands for; a relative path starts at `folder`.

    Raises `ValueError` with what is wrong and what to do. A file that any user of the machine may read or replace is refused.
    """
    kind, colon, rest = reference.partition(":")
    if not colon or kind not in ("env", "file") or not rest.strip():
        raise ValueError(f"a secret does not belong into this file: {WANTED}")
    if kind == "env":
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest):
            raise ValueError('expected "env:" and the name of a variable')
        secret = environ.get(rest, "").strip()
        if not secret:
            raise ValueError(f"the variable {rest} is not set; export it before starting")
    else:
        secret = content(folder / Path(rest).expanduser())
    if not secret.isprintable() or " " in secret:
        raise ValueError(f"{reference} holds more than one line or word; a secret is one of each")
    return secret


def content(path: Path) -> str:
    """The text of a secret file. `ValueError` where it is missing, empty, large, no plain file, or open to every user."""
    try:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IROTH | stat.S_IWOTH):
                raise ValueError(f"{path} is open to every user of this machine; chmod 600 {path}")
            raw = file.read(LONGEST + 1)
        text = raw.decode().strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    if not text or len(raw) > LONGEST:
        raise ValueError(f"{path} is {'too large for a secret' if text else 'empty'}")
    return text


def put_away(secret: str, folder: Path, name: str) -> str:
    """Write a secret into a file below `folder` that only its owner can read, and say by what reference it is known there.

    A file that is there is left as it is: the same secret is found again, another gets a number. `ValueError` where it cannot be written.
    """
    place = folder / "secrets"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, 100):
            path = place / (name if number == 1 else f"{name}-{number}")
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                if path.is_file() and path.read_bytes() == secret.encode() + b"\n":
                    return f"file:secrets/{path.name}"
                continue
            with os.fdopen(descriptor, "wb") as file:
                file.write(secret.encode() + b"\n")
            return f"file:secrets/{path.name}"
    except OSError as error:
        raise ValueError(f"{place} cannot be written: {error.strerror}") from None
    raise ValueError(f"{place} is full of files called {name}; remove those that nobody names")


def may_hold_key(url: str) -> bool:
    """Whether any part of a URL could be a secret: userinfo, query, fragment, a part of its path or host that is not a word.

    Rather too often than too seldom: a refused address can always be given by reference.
    """
    try:
        parts = urlsplit(url.strip())
        labels = (parts.hostname or "").split(".")
    except ValueError:
        return True
    if parts.username or parts.password or parts.query or parts.fragment:
        return True
    return any(KEYLIKE.fullmatch(label) for label in labels) or any(
        part and not WORD.fullmatch(part) for part in parts.path.split("/")
    )
