"""The rules in words, and the logs that change them: every event that is asked for is understood, by the names that the terms use too."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import HexStr

from tests.adapters.situations import ASSETS, SITUATIONS, aave_terms, address
from watcher.adapter import Change, Event, Governance
from watcher.adapters import adapter
from watcher.adapters.aave_v2.events import GOVERNANCE as V2_LOGS
from watcher.adapters.aave_v3.events import GOVERNANCE
from watcher.chain.abi import event
from watcher.formula.aave.version import REVISIONS, Version

VERSIONS = sorted(set(REVISIONS.values()))
SAMPLES: dict[str, Any] = {
    "address": ASSETS[0][0].address,
    "bool": True,
    "string": "label",
    "bytes": bytes(128),
    "bytes32": bytes(32),
}
UNKNOWN_TO_TERMS = {"fallback oracle", "aToken", "rate strategy", "listed", "loan-to-value 0 in e-mode 1"}


def governance(name: str) -> Governance[Any]:
    found = adapter(name).governance
    assert found is not None
    return found


def sample(kind: str) -> Any:
    if kind.startswith("("):
        return tuple(map(sample, kind[1:-1].split(",")))
    return SAMPLES.get(kind, 1)


def read(name: str, terms: Any) -> list[tuple[str, tuple[Change, ...]]]:
    """Every event of the adapter's change logs with plausible arguments, read."""
    found = []
    for query in governance(name).changes(terms):
        for one in query.events:
            args = tuple(map(sample, event(one).types))
            log = Event(one, query.addresses[0], args, 1, HexStr("0x" + "00" * 32), 0)
            found.append((one, query.read(log)))
    return found


def test_every_governance_log_of_aave_sets_something_that_the_terms_name_likewise() -> None:
    terms = aave_terms(Version.V3_7)
    found = read("aave_v3", terms)
    assert {name for name, _ in found} == set(GOVERNANCE)
    assert [name for name, changes in found if not changes] == []
    known = {(setting.token, setting.subject, setting.name) for setting in governance("aave_v3").settings(terms)}
    known |= {(s.token, s.subject, s.name) for s in governance("aave_v3").settings(aave_terms(Version.V3_0))}
    for _, changes in found:
        for change in changes:
            setting = change.setting
            if setting.name not in UNKNOWN_TO_TERMS and not setting.name.endswith("code"):
                assert (setting.token, setting.subject, setting.name) in known or setting.subject.startswith("e-mode")


def test_every_governance_log_of_aave_v2_sets_something_that_the_terms_name_likewise() -> None:
    terms = SITUATIONS["aave_v2"].terms
    found = read("aave_v2", terms)
    assert {name for name, _ in found} == set(V2_LOGS)
    assert [name for name, changes in found if not changes] == []
    known = {(setting.token, setting.subject, setting.name) for setting in governance("aave_v2").settings(terms)}
    for _, changes in found:
        for change in changes:
            setting = change.setting
            if setting.name not in UNKNOWN_TO_TERMS and not setting.name.endswith("code"):
                assert (setting.token, setting.subject, setting.name) in known


def test_every_governance_log_of_morpho_sets_something() -> None:
    found = read("morpho_blue", SITUATIONS["morpho_blue"].terms)
    assert {name.partition(".")[2] for name, _ in found} == {
        *("CreateMarket", "SetFee", "SetOwner", "SetFeeRecipient", "EnableIrm", "EnableLltv"),
    }
    assert [name for name, changes in found if not changes] == []


def test_a_rate_curve_of_another_make_is_shown_as_it_is() -> None:
    (query,) = governance("aave_v3").changes(aave_terms(Version.V3_6))
    args = (ASSETS[0][0].address, address(5), b"\x01\x02")
    log = Event("aave_v3/configurator.ReserveInterestRateDataChanged", address(0x23), args, 1, HexStr("0x"), 0)
    (change,) = query.read(log)
    assert change.setting.value == "0x0102"


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_the_rules_follow_the_version(version: Version) -> None:
    book = governance("aave_v3").rulebook(aave_terms(version))
    clauses = {clause.topic: clause.text for clause in book.clauses}
    whole = "all of a debt, unless" in clauses["close factor"]
    assert whole is (version >= Version.V3_3)
    assert ("written off" in clauses["bad debt"]) is (version >= Version.V3_3)
    assert ("no rule" in clauses["dust"]) is (version < Version.V3_3)
    assert clauses["grace"].startswith("none") is (version < Version.V3_1)
    assert ("self" in clauses) is (version >= Version.V3_4)
    assert ("whole basis point" in clauses["line"]) is (version < Version.V3_5)
    assert ("0.95" in clauses["close factor"], "50 %" in clauses["close factor"]) == (True, True)
    weights = {(weight.token.symbol, weight.mode): weight for weight in book.weights}
    assert weights["WETH", 0].threshold == 8_250
    assert weights["WETH", 1].threshold == 9_350
    assert ("USDC", 1) not in weights  # the e-mode leaves it as it is


def test_the_threshold_of_morpho_is_its_lltv() -> None:
    terms = SITUATIONS["morpho_blue"].terms
    (weight,) = governance("morpho_blue").rulebook(terms).weights
    assert (weight.threshold, weight.fee) == (terms.params.lltv, 0)
