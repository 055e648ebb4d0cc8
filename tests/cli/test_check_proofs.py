"""What `watcher check` says of the stored proof of whole markets."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.store.scene import Scene
from watcher.check import Finding, Result, partial
from watcher.cli.check_proofs import check_proofs
from watcher.config import Chain
from watcher.store.open import open_store
from watcher.store.survey import DEBT, Audit, Proof, audited, covered, note

TOKEN = Scene.of("aave_v3").market.address


@pytest.fixture
def scene() -> Scene:
    return Scene.of("aave_v3")


def said(path: Path, scene: Scene, proofs: list[Proof], audits: list[Audit]) -> dict[str, Finding]:
    """By what was checked, out of a store with this history; blocks 10 to 19 and from 30 on were searched."""
    with open_store(path / "watcher.db", write=True, create=True) as store:
        for span in ((10, 19), (30, 200)):
            note(store, scene.market, DEBT, span, {})
        for proof in proofs:
            covered(store, scene.market, [proof])
        for audit in audits:
            audited(store, scene.market, audit)
    market = replace(scene.market, start=10)
    chain = Chain("test", scene.chain, (), Decimal(12), 5, 300, None, markets=(market,))
    found = check_proofs(path / "watcher.db", (chain,))
    assert {(one.chain, one.subject) for one in found} <= {("test", scene.market.name)}
    return {one.check: one for one in found}


def test_a_proof_that_holds_stands_with_its_block_and_takes_the_place_of_an_earlier_failure(
    tmp_path: Path, scene: Scene
) -> None:
    found = said(
        tmp_path,
        scene,
        [Proof(100, TOKEN, 6, 7), Proof(101, TOKEN, 7, 7)],
        [Audit(100, 60, 2), Audit(101, 61, 0)],
    )
    assert {one.result for one in found.values()} == {Result.OK}
    assert found["coverage"].verdict.detail == "every share of debt is owed by somebody in the book, block 101"
    assert found["stored audit"].verdict.detail == "61 positions were what the contract said, block 101"
    assert not partial(found.values())


def test_debt_that_nobody_owes_fails_and_names_the_blocks_to_ask_again(tmp_path: Path, scene: Scene) -> None:
    found = said(tmp_path, scene, [Proof(100, TOKEN, 7, 7), Proof(101, TOKEN, 4, 7)], [])
    verdict = found["coverage"].verdict
    assert (verdict.result, verdict.detail) == (
        Result.FAIL,
        f"nobody in the book owes 3 of 7 shares of {TOKEN}, block 101",
    )
    assert verdict.advice.endswith("asked for again: 20 to 29")
    assert partial(found.values())


def test_an_audit_that_found_a_difference_fails(tmp_path: Path, scene: Scene) -> None:
    found = said(tmp_path, scene, [], [Audit(100, 60, 0), Audit(101, 61, 1)])
    verdict = found["stored audit"].verdict
    assert verdict.result is Result.FAIL
    assert verdict.detail == "the contract said otherwise of 1 of 61 positions, block 101"
    assert partial(found.values())


def test_an_audit_that_was_not_answered_is_not_called_good(tmp_path: Path, scene: Scene) -> None:
    found = said(tmp_path, scene, [], [Audit(101, 0, 0)])
    assert found["stored audit"].result is Result.WARN


def test_a_market_that_was_never_opened_is_no_finding(tmp_path: Path, scene: Scene) -> None:
    assert said(tmp_path, scene, [], []) == {}
