"""Compiles Solidity with the compiler package's own soljson.js, driven by a few lines of node. Results are cached by content."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watcher.errors import ConfigError
from watcher.localchain import node, packages
from watcher.localchain.cache import Say, cache_folder, quiet, scratch
from watcher.localchain.contract import Artifact

DRIVER = Path(__file__).with_name("compile.cjs")
OUTPUTS = ["abi", "evm.bytecode.object", "evm.bytecode.linkReferences"]
IMPORT = re.compile(r"""^\s*import\s+(?:[^"';]*?\bfrom\s+)?["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """What to compile and how.

    `roots` maps the first words of a source unit's name to the folder that holds it; `remappings` are (prefix, replacement) as solc
    knows them; `entries` are the source units whose contracts are wanted, everything they import is found from there.
    """

    compiler: str  # version of the solc package
    roots: Mapping[str, Path]
    entries: Sequence[str]
    settings: Mapping[str, Any]
    remappings: Sequence[tuple[str, str]] = field(default_factory=tuple)


def compile(project: Project, say: Say = quiet, notice: str = "") -> dict[str, Artifact]:
    """Artifacts by "source unit:Contract", and by bare contract name where that is unique.

    From the cache when the compiler, every source and the settings are the same; otherwise `notice` is said before compiling.
    A compiler error raises `ConfigError` with the compiler's first message.
    """
    question = standard_input(project)
    compiler = packages.package("solc", project.compiler)
    key = hashlib.sha256(f"{compiler.sha512}\n{question}".encode()).hexdigest()
    kept = cache_folder() / "compiled" / f"{key}.json"
    if not kept.is_file():
        if notice:
            say(notice)
        soljson = packages.path("solc", project.compiler, say) / "soljson.js"
        _keep(kept, run(soljson, question))
    return _artifacts(json.loads(kept.read_text())["contracts"])


def standard_input(project: Project) -> str:
    """solc's standard JSON with every needed source inlined, in a stable order."""
    settings = {
        **project.settings,
        "remappings": [f"{prefix}={target}" for prefix, target in project.remappings],
        "outputSelection": {"*": {"*": OUTPUTS}},
    }
    sources = {unit: {"content": text} for unit, text in sorted(_closure(project).items())}
    return json.dumps({"language": "Solidity", "sources": sources, "settings": settings}, sort_keys=True)


def run(soljson: Path, question: str) -> dict[str, Any]:
    """The compiler's whole answer; `ConfigError` with its first error."""
    words = [*node.command("node"), str(DRIVER), str(soljson)]
    done = subprocess.run(words, input=question.encode(), capture_output=True, check=False)
    if done.returncode:
        raise ConfigError(f"the Solidity compiler did not run: {done.stderr.decode(errors='replace')[-200:].strip()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    for message in answer.get("errors", ()):
        if message["severity"] == "error":
            raise ConfigError(f"Solidity: {message['formattedMessage'].strip()}")
    return answer


def _closure(project: Project) -> dict[str, str]:
    """Every entry and, from there, everything imported, by source unit name."""
    found: dict[str, str] = {}
    wanted = list(project.entries)
    while wanted:
        unit = wanted.pop()
        if unit in found:
            continue
        found[unit] = _locate(project, unit).read_text()
        wanted += [_resolve(project, unit, target) for target in IMPORT.findall(found[unit])]
    return found


def _resolve(project: Project, unit: str, target: str) -> str:
    if target.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(unit), target))
    matching = [(prefix, to) for prefix, to in project.remappings if target.startswith(prefix)]
    if not matching:
        return target
    prefix, to = max(matching, key=lambda pair: len(pair[0]))
    return to + target.removeprefix(prefix)


def _locate(project: Project, unit: str) -> Path:
    for prefix, folder in project.roots.items():
        if unit.startswith(prefix):
            return folder / unit.removeprefix(prefix)
    raise ConfigError(f"no folder is known for the Solidity source {unit!r}")


def _keep(kept: Path, answer: Mapping[str, Any]) -> None:
    with scratch(kept.parent) as place:
        fresh = place / kept.name
        fresh.write_text(json.dumps({"contracts": answer["contracts"]}, sort_keys=True))
        fresh.replace(kept)


def _artifacts(contracts: Mapping[str, Mapping[str, Any]]) -> dict[str, Artifact]:
    found: dict[str, Artifact] = {}
    bare: dict[str, list[str]] = {}
    for unit, inside in contracts.items():
        for name, output in inside.items():
            code = output["evm"]["bytecode"]
            found[f"{unit}:{name}"] = Artifact.build(name, output["abi"], code["object"], code["linkReferences"])
            bare.setdefault(name, []).append(f"{unit}:{name}")
    return found | {name: found[full[0]] for name, full in bare.items() if len(full) == 1}
