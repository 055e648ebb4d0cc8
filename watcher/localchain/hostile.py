"""Tokens as strangers may deploy them: names that attack a terminal, a page or a spreadsheet, and answers of the wrong shape."""

from __future__ import annotations

from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Contract, deploy
from watcher.localchain.own import own

SYMBOLS = {
    "escape": "\x1b[2J\x1b[31mUSDC",
    "bidi": "\u202eCDSU",
    "script": "<script>alert(1)</script>",
    "formula": "=HYPERLINK(0)",
    "newline": "USDC\nWETH",
    "long": "A" * 5_000,
    "empty": "",
}
REVERTS = 1  # the modes of Misbehaving.sol
EMPTY_ANSWER = 2


async def hostile_tokens(chain: Anvil) -> dict[str, Contract]:
    """One token per entry of `SYMBOLS`, and two that answer in their own way: "bytes32" and "reverting"."""
    tokens = {kind: await deploy(chain, own("Token"), symbol, symbol, 18) for kind, symbol in SYMBOLS.items()}
    tokens["bytes32"] = await deploy(chain, own("Bytes32Token"), b"Maker".ljust(32, b"\0"), b"MKR".ljust(32, b"\0"))
    tokens["reverting"] = await deploy(chain, own("Token"), "Odd", "ODD", 18)
    await tokens["reverting"].send("setMode", REVERTS)
    return tokens
