"""Vault shares as labels: what they convert to by their own word, and what is none."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from tests.adapters.paper import Paper
from watcher.model import Token
from watcher.portfolio.vaults import Deposit, Share, converted, deposits
from watcher.units import Raw

ANN, VAULT, COIN, PLAIN, SELF = (to_checksum_address(n.to_bytes(20, "big")) for n in range(1, 6))
USDC = Token(COIN, "USDC", 6)


def chain(*, silent: bool = False) -> Paper:
    """A vault of USDC whose share of 18 decimals is worth 1.05, a plain token, and one that says that it is made of itself."""
    assets = {VAULT: (COIN,), SELF: (SELF,)}
    return Paper(
        {
            "vault/vault.asset": lambda target, _: None if silent else assets.get(target),
            "vault/vault.convertToAssets": lambda target, args: (
                (args[0] * 105 // 100 // 10**12,) if target in assets else None
            ),
            "erc20/token.balanceOf": lambda target, _: (3 * 10**18,) if target in (VAULT, PLAIN) else None,
            "erc20/token.symbol": lambda target, _: {VAULT: ("mUSDC",), COIN: ("USDC",)}.get(target),
            "erc20/token.decimals": lambda target, _: (6,) if target == COIN else (18,),
        }
    )


def test_shares_are_labelled_with_what_they_convert_to() -> None:
    paper, amount = chain(), Raw(10**18 + 1)
    found = paper.run(converted([(VAULT, amount), (PLAIN, amount), (SELF, amount), (VAULT, amount)]))
    assert found == {(VAULT, amount): Share(VAULT, amount, USDC, Raw(1_050_000))}
    assert paper.rounds == 2


def test_nothing_is_asked_of_nothing() -> None:
    paper = chain()
    assert paper.run(converted([])) == {}
    assert paper.run(deposits([], [ANN])) == ()
    assert paper.rounds == 0


def test_shares_in_an_address_itself_are_a_deposit_without_a_debt() -> None:
    amount = Raw(3 * 10**18)
    share = Share(VAULT, amount, USDC, Raw(3_150_000))
    assert chain().run(deposits([VAULT, SELF], [ANN])) == (Deposit(ANN, Token(VAULT, "mUSDC", 18), amount, share),)


def test_what_does_not_say_what_it_converts_to_is_held_all_the_same() -> None:
    (found,) = chain(silent=True).run(deposits([VAULT], [ANN]))
    assert (found.shares, found.share) == (3 * 10**18, None)
    (plain,) = chain().run(deposits([PLAIN], [ANN]))
    assert (plain.vault.symbol, plain.share) == (PLAIN, None)
