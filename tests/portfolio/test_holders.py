"""Proxies under their owner: what registries say, what a proxy says of itself, and who stands under whom."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from tests.adapters.paper import Paper
from watcher.errors import CallReverted
from watcher.oracle.feed import NOBODY
from watcher.portfolio.holders import MOST, Holder, Holders, holders

ANN, BOB, PROXY, SAFE, DS, INSTA = (to_checksum_address(n.to_bytes(20, "big")) for n in range(1, 7))


def dsa(number: int) -> Any:
    return to_checksum_address((1000 + number).to_bytes(20, "big"))


def chain(*, keeper: str | None = ANN, accounts: int = 0, members: tuple[Any, ...] = (), needed: int = 2) -> Paper:
    """A DSProxy of Ann's that `keeper` owns, `accounts` of hers at Instadapp, and a Safe of `members`."""
    return Paper(
        {
            "proxy/ds_registry.proxies": lambda _, args: (PROXY if args == (ANN,) else NOBODY,),
            "proxy/ds_proxy.owner": lambda target, _: None if keeper is None else (keeper,),
            "proxy/insta_list.userLink": lambda _, args: (1, accounts, accounts) if args == (ANN,) else (0, 0, 0),
            "proxy/insta_list.userList": lambda _, args: (args[1] - 1, args[1] + 1 if args[1] < accounts else 0),
            "proxy/insta_list.accountAddr": lambda _, args: (dsa(args[0]),),
            "proxy/safe.getOwners": lambda target, _: (members,) if target == SAFE else None,
            "proxy/safe.getThreshold": lambda target, _: (needed,) if target == SAFE else None,
        }
    )


def test_where_there_is_no_registry_everybody_stands_for_himself() -> None:
    paper = chain()
    assert paper.run(holders([ANN, BOB], None, None)) == Holders((Holder(ANN), Holder(BOB)))
    assert paper.rounds == 1


def test_a_dsproxy_stands_behind_its_owner() -> None:
    paper = chain()
    found = paper.run(holders([BOB, ANN], DS, None))
    assert found.all == (Holder(BOB), Holder(ANN), Holder(PROXY, ANN, "DSProxy"))
    assert found.addresses == (BOB, ANN, PROXY)
    assert paper.rounds == 2


@pytest.mark.parametrize("keeper", [BOB, None], ids=["given away", "without an owner"])
def test_a_dsproxy_that_is_no_longer_hers_is_left_out(keeper: str | None) -> None:
    assert chain(keeper=keeper).run(holders([ANN], DS, None)).all == (Holder(ANN),)


def test_every_instadapp_account_is_found_along_its_list() -> None:
    paper = chain(accounts=3)
    owner, *proxies = paper.run(holders([ANN], DS, INSTA)).all
    assert owner == Holder(ANN)
    assert {*proxies} == {
        Holder(PROXY, ANN, "DSProxy"),
        *(Holder(dsa(number), ANN, f"Instadapp account {number}") for number in (1, 2, 3)),
    }
    assert paper.rounds == 4


def test_a_long_list_is_cut_and_says_so() -> None:
    found = chain(accounts=MOST + 5).run(holders([ANN], None, INSTA))
    assert len(found.all) == 1 + MOST
    assert found.cut == (f"{ANN} has {MOST + 5} Instadapp accounts, and the first {MOST} are read",)


def test_a_safe_stands_under_that_one_of_its_owners_who_was_asked_for_too() -> None:
    paper = chain(members=(BOB, ANN))
    assert paper.run(holders([SAFE, ANN], None, None)).all == (Holder(ANN), Holder(SAFE, ANN, "Safe, 2 of 2"))
    assert paper.run(holders([SAFE], None, None)).all == (Holder(SAFE, None, "Safe, 2 of 2"),)


@pytest.mark.parametrize("needed", [0, 3])
def test_what_cannot_be_a_safe_is_not_called_one(needed: int) -> None:
    assert chain(members=(ANN, BOB), needed=needed).run(holders([SAFE], None, None)).all == (Holder(SAFE),)


def test_a_proxy_that_was_asked_for_too_is_shown_once() -> None:
    assert chain().run(holders([PROXY, ANN], DS, None)).all == (Holder(ANN), Holder(PROXY, ANN, "DSProxy"))


def test_a_registry_that_does_not_answer_is_an_error_and_not_nobody() -> None:
    with pytest.raises(CallReverted):
        Paper({}).run(holders([ANN], DS, None))
