"""One run from its file to its end: names stay what they meant, old rows go, and the test message reaches every channel."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from tests.lending import OWNER, Lending
from tests.watching.program import program
from tests.watching.scene import CHAIN, GENESIS, scene
from watcher.__main__ import main
from watcher.chain.ens import Pinned
from watcher.config.read_watch import load_watch
from watcher.config.watch import Watch
from watcher.errors import ChainError, UsageError, WatcherError
from watcher.exit import Exit
from watcher.model import Status
from watcher.store import outbox, upkeep
from watcher.store.open import open_store
from watcher.watching.session import opened
from watcher.watching.wallets import pinned

OTHER = "0x" + "d4" * 20
NAME = "savings.eth"


def watch(folder: Path, wallets: str) -> Watch:
    path = folder / "watcher.toml"
    path.write_text(f'db = "watcher.db"\n{wallets}', encoding="utf-8")
    return load_watch(path, {})


@pytest.fixture
def named(tmp_path: Path) -> Watch:
    return watch(tmp_path, f'[[wallets]]\naddress = "{NAME}"\nlabel = "savings"\ngroup = "own"\n')


def meant(watch: Watch, *present: Pinned | WatcherError) -> list[tuple[ChecksumAddress, list[str]]]:
    """What the name comes to, start after start, and the warnings."""
    found = []
    with open_store(watch.db, write=True, create=True) as store:
        for now in present:
            addresses, moved = pinned(watch, {NAME: now}, store)
            found.append((addresses[NAME], [str(one) for one in moved]))
    return found


def test_a_name_that_is_pointed_elsewhere_does_not_move_the_watch_and_is_a_warning(named: Watch) -> None:
    other = Pinned(NAME, to_checksum_address(OTHER))
    first, again, moved = meant(named, Pinned(NAME, OWNER), Pinned(NAME, OWNER), other)
    assert first == again == (OWNER, [])
    assert moved[0] == OWNER
    assert moved[1] == [f"{NAME} now means {other.address}; {OWNER}, which it meant before, is still what is watched"]


def test_a_name_that_cannot_be_asked_for_today_stays_what_it_was(named: Watch) -> None:
    assert meant(named, Pinned(NAME, OWNER), ChainError("ethereum does not answer"))[1] == (OWNER, [])


def test_a_name_that_means_nothing_any_more_is_a_warning(named: Watch) -> None:
    (_, warnings) = meant(named, Pinned(NAME, OWNER), UsageError("it has expired"))[1]
    assert warnings == [
        f"{NAME} has no address any more (it has expired); {OWNER}, which it meant before, is still what is watched"
    ]


def test_a_name_that_was_never_resolved_ends_the_run(named: Watch) -> None:
    with pytest.raises(UsageError, match="not registered"):
        meant(named, UsageError("it is not registered"))


def test_a_moved_name_is_told_on_the_console(tmp_path: Path) -> None:
    async def story() -> str:
        console = io.StringIO()
        made = Lending()
        made.pool("eth")
        async with program(tmp_path, made) as at:
            file = at.folder / "watcher.toml"
            file.write_text(file.read_text().replace(OWNER, NAME), encoding="utf-8")
            for address in (OWNER, OTHER):
                present: Mapping[str, Pinned] = {NAME: Pinned(NAME, to_checksum_address(address))}
                async with opened(load_watch(file, {}), present, console) as session:
                    await session.once()
        return console.getvalue()

    said = asyncio.run(story())
    assert said.startswith("A NAME HAS MOVED\n")
    assert OTHER.lower() in said.lower()


def test_what_the_file_does_not_keep_goes_and_the_watch_goes_on_as_before(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as at:
            at.health("eth", 120)
            for _ in range(3):
                await at.turn(1)
            keep = dict.fromkeys(("readings", "quotes", "holdings", "terms", "transitions", "cycles"), 60)
            upkeep.prune(at.journal.store, keep, GENESIS + 12 * at.node.head + 86_400)
            assert at.kept() == []
            at.restart()
            assert (await at.turn(1)).transitions == ()
            at.health("eth", 105)
            (change,) = (await at.turn(1)).transitions
            assert (change.before, change.after) == (Status.WARN, Status.DANGER)
            assert len(outbox.transitions(at.journal.store, chain=CHAIN)) == 2

    asyncio.run(story())


def test_the_test_message_is_said_on_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch(tmp_path, f'[[wallets]]\naddress = "{OWNER}"\n')
    assert main(["alert", "test", "--config", str(tmp_path / "watcher.toml")]) == Exit.OK
    out, err = capsys.readouterr()
    assert out.startswith("watcher: a test\n")
    assert err == "console: sent\n"


def test_a_file_without_any_channel_is_refused_by_the_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch(tmp_path, f'[[wallets]]\naddress = "{OWNER}"\n[channels]\nconsole = false\n')
    assert main(["alert", "test", "--config", str(tmp_path / "watcher.toml")]) == Exit.CONFIG
    assert "nobody would hear of anything" in capsys.readouterr().err


def test_a_channel_that_fails_is_named_and_exits_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "jsons://127.0.0.1:9/hook")
    text = f'[[wallets]]\naddress = "{OWNER}"\n[channels.hook]\nurl = "env:HOOK"\n'
    (tmp_path / "watcher.toml").write_text(text, encoding="utf-8")
    assert main(["alert", "test", "--config", str(tmp_path / "watcher.toml")]) == Exit.SOURCE
    out, err = capsys.readouterr()
    assert out.startswith("watcher: a test\n")
    assert "hook: FAILED" in err
    assert "127.0.0.1:9" not in err
