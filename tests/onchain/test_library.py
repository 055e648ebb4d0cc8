"""The README's own lines, run as they stand against the local chain."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from pathlib import Path

from tests.onchain.test_wallet import WHO, borrowed, configured
from watcher.config import dump
from watcher.localchain.aave_market import AaveMarket

README = Path(__file__).parents[2] / "README.md"


def python_of(text: str) -> str:
    """The first block of Python."""
    found = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_lines_of_the_readme_print_the_position_of_an_account(v36: AaveMarket, tmp_path: Path) -> None:
    asyncio.run(borrowed(v36))
    file = tmp_path / "chains.toml"
    file.write_text(dump(configured(v36.chain, v36.market())))
    code = python_of(README.read_text(encoding="utf-8"))
    url, address = 'rpc="http://127.0.0.1:8545"', '"0x…"'
    assert code.count(url) == code.count(address) == 1
    here = f'rpc="{v36.chain.url}", chains={str(file)!r}'
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(
            compile(code.replace(url, here).replace(address, f'"{WHO}"'), "README.md", "exec"), {"__name__": "__main__"}
        )
    told = asyncio.run(v36.pool.call("getUserAccountData", WHO))
    (line,) = said.getvalue().splitlines()
    assert line == f"{v36.market().name} owing {told[5]}"  # the pool's own health factor
