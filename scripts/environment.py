"""The one environment behind every script: made on first use from the locked versions, reused at once afterwards.

Standard library only, so that it runs on a bare Python. Nothing is installed outside `.venv`; nothing unlocked is ever taken.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
LOCK = ROOT / "scripts" / "requirements.lock"
NODE_LOCK = ROOT / "scripts" / "node.lock"
STAMP = HOME / "watcher.stamp"
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def needs_node() -> bool:
    """Whether npm and node must come from the Python index, because the machine has none."""
    return shutil.which("npm") is None or shutil.which("node") is None


def wanted() -> str:
    """What the environment must have been made from: both locks, the project's own metadata, this Python, and whether node is in it."""
    sources = LOCK.read_bytes() + NODE_LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return f"{hashlib.sha256(sources).hexdigest()} {sys.version_info[:2]} node={needs_node()}"


def install(*arguments: str) -> None:
    uv = shutil.which("uv")
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), *arguments]
    else:
        command = [
            str(PYTHON),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            *arguments,
        ]
    subprocess.run(command, check=True, cwd=ROOT)


def make() -> None:
    """Bring `.venv` to what the locks say. A stamp is written last, so a run that was cut off is done again."""
    if STAMP.is_file() and STAMP.read_text() == wanted():
        return
    say("making the environment in .venv from scripts/requirements.lock (once, about a minute)")
    uv = shutil.which("uv")
    if Path(sys.prefix).resolve() == HOME:
        say("running inside .venv: bringing it up to date as it is")
    elif uv is not None:
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(HOME)], check=True)
    else:
        venv.create(HOME, with_pip=True, clear=True)  # what a run that was cut off has left is not built upon
    install("--require-hashes", "-r", str(LOCK))
    if needs_node():
        say("no npm on PATH: taking it from the Python index (once, about 200 MB)")
        install("--require-hashes", "-r", str(NODE_LOCK))
    install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(wanted())


def run(*command: str) -> int:
    """Run a Python module or file inside the environment and return its exit code.

    Byte code is kept, whatever the machine says: it is compiled on first use, and hundreds of processes start from it.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([str(PYTHON), *command], cwd=ROOT, env=kept).returncode


def main(steps: Sequence[Sequence[str]]) -> None:
    """Make the environment, then run the steps in order; the first that fails gives the exit code."""
    if sys.version_info < (3, 11):
        sys.exit("watcher needs Python 3.11 or newer: run this script with one, for example `python3.12 scripts/demo`")
    try:
        make()
        for step in steps:
            code = run(*step)
            if code != 0:
                sys.exit(code)
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"could not make the environment (exit code {error.returncode}): see the lines above, then run this again"
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main([])
