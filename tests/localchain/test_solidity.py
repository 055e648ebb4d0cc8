"""What the compiler is asked holds every source that is needed, under the names that it expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watcher.errors import ConfigError
from watcher.localchain.solidity import Project, standard_input

MAIN = """
import "./Near.sol";
import {Far, Other as Else} from '../../shared/Far.sol';
import * as All from "vendor-name/Lib.sol";
// import "./Commented.sol";
contract Main {}
"""


def project(folder: Path) -> Project:
    files = {
        "own/src/main/Main.sol": MAIN,
        "own/src/main/Near.sol": "contract Near {}",
        "own/shared/Far.sol": 'import "vendor-name/deep/More.sol";',
        "vendor/Lib.sol": 'import "./deep/More.sol";',
        "vendor/deep/More.sol": "library More {}",
        "vendor/deep/Unused.sol": "library Unused {}",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    roots = {"mine/": folder / "own", "@vendor/lib/": folder / "vendor"}
    return Project("0.8.27", roots, ["mine/src/main/Main.sol"], {}, [("vendor-name/", "@vendor/lib/")])


def test_imports_are_followed_through_relative_paths_and_remappings(tmp_path: Path) -> None:
    question = json.loads(standard_input(project(tmp_path)))
    assert set(question["sources"]) == {
        "mine/src/main/Main.sol",
        "mine/src/main/Near.sol",
        "mine/shared/Far.sol",
        "@vendor/lib/Lib.sol",
        "@vendor/lib/deep/More.sol",
    }
    assert question["settings"]["remappings"] == ["vendor-name/=@vendor/lib/"]


def test_the_question_is_the_same_in_every_run_and_folder(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    assert standard_input(project(first)) == standard_input(project(second))


def test_a_source_from_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "A.sol").write_text('import "unknown/B.sol";')
    with pytest.raises(ConfigError, match=r"no folder is known for the Solidity source 'unknown/B.sol'"):
        standard_input(Project("0.8.27", {"a/": tmp_path}, ["a/A.sol"], {}))
