"""The options of every verb: which block is meant, whose account, which chains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from watcher.cli.options import At, AtAge, AtNumber, AtTime, Options, parse_block
from watcher.errors import UsageError
from watcher.library import address


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("19000000", AtNumber(19_000_000)),
        ("19_000_000", AtNumber(19_000_000)),
        ("0x121eac0", AtNumber(19_000_000)),
        ("2h", AtAge(timedelta(hours=2))),
        ("90s", AtAge(timedelta(seconds=90))),
        ("1w", AtAge(timedelta(days=7))),
        ("2026-11-22", AtTime(datetime(2026, 11, 22, tzinfo=UTC))),
        ("2026-11-22T10:00", AtTime(datetime(2026, 11, 22, 10, tzinfo=UTC))),
        ("2026-11-22T10:00+02:00", AtTime(datetime(2026, 11, 22, 8, tzinfo=UTC))),
    ],
)
def test_a_block_is_a_number_a_date_or_an_age(text: str, meant: At) -> None:
    assert parse_block(text) == meant


@given(st.text(max_size=12))
def test_anything_else_is_refused_and_nothing_else_is_raised(text: str) -> None:
    try:
        assert isinstance(parse_block(text), At)
    except typer.BadParameter as error:
        assert "is no block number" in str(error)


def test_f59_an_address_with_a_bad_checksum_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="wrong EIP-55 checksum"):
        address("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4e2")


@pytest.mark.parametrize(
    "text", ["0x", "vitalik", "0x" + "0" * 40, "0x" + "g" * 40, "87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"]
)
def test_f59_what_is_no_account_is_never_the_zero_address(text: str) -> None:
    with pytest.raises(UsageError):
        address(text)


@pytest.mark.parametrize(
    "text",
    ["0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2", "0x87870BCA3F3FD6335C3F4CE8392D69350B4FA4E2"],
    ids=["lower", "upper"],
)
def test_an_address_in_one_case_is_taken_and_checksummed(text: str) -> None:
    assert address(text) == "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"


def test_quiet_options_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Options(quiet=True).note("x")
    Options().note("y")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "y\n")


def test_f53_a_bad_rpc_url_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError) as caught:
        Options(chain="base").config(["http://u:CANARY@node.example/CANARY"])
    assert str(caught.value) == "--rpc: plain http is only for this machine, and node.example is another; use https"
