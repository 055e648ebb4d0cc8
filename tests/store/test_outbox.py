"""Transitions in a store: they come back as they were, an earlier time to tell wins, and what a reorg took is known till taken back."""

from __future__ import annotations

from dataclasses import replace

from eth_typing import ChecksumAddress, HexAddress, HexStr

from tests.store.scene import Scene, block
from tests.store.test_history import put
from watcher.model import BlockRef, Distance, Fix, Runway, Side, Status, Token, Transition
from watcher.store import deliveries, outbox
from watcher.store.history import orphan
from watcher.store.open import Store
from watcher.units import MAX, WAD, Raw, Wad

TOKEN = Token(ChecksumAddress(HexAddress(HexStr("0x" + "11" * 20))), "WETH", 18)
CHANNELS = ("chat", "mail")


def transition(scene: Scene, number: int, name: str = "a", **values: object) -> Transition:
    at: BlockRef = block(scene.chain, number)
    made = Transition(
        f"{scene.chain}/{number}/{name}",
        scene.key,
        at,
        at.timestamp + 3,
        None,
        Status.WARN,
        None,
        Wad(WAD),
        True,
        due=50,
    )
    return replace(made, **values)  # type: ignore[arg-type]


def test_a_transition_comes_back_with_all_that_is_said_of_it(store: Store) -> None:
    scene = Scene.of("aave_v3")
    full = transition(
        scene,
        1,
        before=Status.SAFE,
        health_before=Wad(2 * WAD),
        health=Wad(MAX),
        confirmed=False,
        retracts="x",
        recovers="y",
        cause="the price of WETH fell by 12 %",
        distance=Distance(83_000, "the price of WETH"),
        runway=Runway(None, 10**12),
        fixes=(Fix(Side.DEBT, TOKEN, Raw(MAX), Wad(WAD)), Fix(Side.COLLATERAL, TOKEN, None, Wad(WAD), "nothing helps")),
    )
    silent = transition(scene, 1, "b", due=None, after=Status.UNKNOWN, health=None)
    put(store, scene, 1, transitions=[full, silent], channels=CHANNELS)
    assert outbox.transitions(store, chain=scene.chain) == (full, silent)
    assert outbox.transitions(store, chain=scene.chain, key=scene.key) == (full, silent)
    assert outbox.transitions(store, chain=scene.chain, key=scene.other()) == ()


def waiting(store: Store, scene: Scene, channel: str) -> list[tuple[str, int]]:
    mine = f"{scene.chain}/"
    return [(one.id, due) for one, _, due in deliveries.waiting(store, channel) if one.id.startswith(mine)]


def test_what_is_to_be_told_waits_on_every_channel_and_an_earlier_time_wins(store: Store) -> None:
    scene = Scene.of("aave_v3")
    one, quiet = transition(scene, 1), transition(scene, 1, "quiet", due=None)
    put(store, scene, 1, transitions=[one, quiet], channels=CHANNELS)
    for due, then in ((60, 50), (40, 40), (None, 40)):
        put(store, scene, 1, transitions=[replace(one, due=due)], channels=CHANNELS)
        for channel in CHANNELS:
            assert waiting(store, scene, channel) == [(one.id, then)]
    put(store, scene, 1, transitions=[replace(quiet, due=70)], channels=CHANNELS[:1])
    assert waiting(store, scene, "chat") == [(one.id, 40), (quiet.id, 70)]
    assert waiting(store, scene, "mail") == [(one.id, 40)]


def test_a_channel_that_is_new_hears_nothing_of_the_past(store: Store) -> None:
    scene = Scene.of("aave_v3")
    put(store, scene, 1, transitions=[transition(scene, 1)], channels=CHANNELS)
    put(store, scene, 2, transitions=[transition(scene, 2)], channels=(*CHANNELS, "pager"))
    assert waiting(store, scene, "pager") == [(transition(scene, 2).id, 50)]


def test_f19_what_a_reorg_took_is_returned_once_and_known_until_it_is_taken_back(store: Store) -> None:
    scene = Scene.of("aave_v3")
    said = [transition(scene, number) for number in (1, 2, 3)]
    for number, one in enumerate(said, start=1):
        put(store, scene, number, transitions=[one], channels=CHANNELS)
    assert orphan(store, scene.chain, 1) == (said[1], said[2])
    assert orphan(store, scene.chain, 1) == ()
    assert outbox.transitions(store, chain=scene.chain) == (said[0],)
    assert outbox.transitions(store, chain=scene.chain, orphaned=True) == (said[1], said[2])
    assert outbox.unretracted(store, scene.chain) == (said[1], said[2])
    put(store, scene, 2, transitions=[transition(scene, 2, "back", retracts=said[1].id)], channels=CHANNELS)
    assert outbox.unretracted(store, scene.chain) == (said[2],)
