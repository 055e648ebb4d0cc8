"""What a chain's followed markets and its wallets say of one block is one thing."""

from __future__ import annotations

from eth_typing import HexStr

from watcher.errors import AnswerError, Transient, WatcherError
from watcher.following.follower import agreeing
from watcher.following.stride import Stride
from watcher.model import BlockRef

HEAD = BlockRef(7, 84, 1, HexStr("0x07"))


def test_a_step_under_another_quote_than_the_wallets_have_is_not_taken() -> None:
    late = Transient("node", "no answer")
    steps: dict[str, Stride | WatcherError] = {
        "same": Stride(HEAD, "terms", "quote", {}),
        "other": Stride(HEAD, "terms", "quote", {}),
        "alone": Stride(HEAD, "terms", "quote", {}),
        "failed": late,
    }
    wallets = {"same": ("terms", "quote"), "other": ("terms", "another"), "failed": ("terms", "quote")}
    found = agreeing(steps, wallets)
    assert found["same"] is steps["same"] and found["alone"] is steps["alone"] and found["failed"] is late
    assert isinstance(found["other"], AnswerError)
    assert "read twice at block 7" in str(found["other"])
