"""`watcher markets`: what is configured, in every format, and no URL anywhere."""

from __future__ import annotations

import csv
import io
import json
import logging
import sys

import pytest

from watcher.__main__ import main


def out(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert main(["markets", "--quiet", *line]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_all_markets_of_both_protocols_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(out(capsys, "--format", "json"))
    assert sum(row["protocol"] == "aave_v3" for row in rows) == 33
    assert sum(row["protocol"] == "morpho_blue" and row["id"] is None for row in rows) == 43
    assert {row["market"] for row in rows} >= {"ethereum/aave-v3/lido", "base/morpho-blue", "ink/aave-v3/whitelabel"}
    assert all(row["source"] for row in rows)


def test_the_formats_tell_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    in_json = json.loads(out(capsys, "--chain", "10", "--format", "json"))
    in_lines = [json.loads(line) for line in out(capsys, "--chain", "10", "--format", "jsonl").splitlines()]
    in_csv = list(csv.DictReader(io.StringIO(out(capsys, "--chain", "optimism", "--format", "csv"))))
    assert in_json == in_lines
    assert [row["market"] for row in in_csv] == [row["market"] for row in in_json]
    assert in_csv[0]["start_block"] == in_json[0]["start_block"] == "4365693"


def test_a_table_in_a_pipe_has_whole_addresses_one_row_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = out(capsys, "--chain", "gnosis").splitlines()
    assert len(lines) == 4  # header, rule, two markets
    assert "0xb50201558B00496A145fE76f7424749556E326D8" in lines[2]


def test_a_table_fits_a_terminal_of_100_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = out(capsys).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert sum("0x" in line for line in lines) > 97


def test_a_market_is_explained_with_its_chain(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "ethereum/morpho-blue/b323495f7e", "--format", "json")
    facts = json.loads(text)
    assert facts["id"] == "0xb323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc"
    assert facts["block_time_s"] == "12"
    assert facts["multicall3"] == "0xcA11bde05977b3631167028862bE2a173976CA11"
    assert "eth.drpc.org" in facts["endpoints"]


def test_a_full_morpho_id_names_its_market(capsys: pytest.CaptureFixture[str]) -> None:
    identity = "0x8793cf302b8ffd655ab97bd1c695dbd967807e8367a65cb2f4edaf1380ba1bda"
    assert json.loads(out(capsys, identity, "--format", "json"))["market"] == "base/morpho-blue/8793cf302b"


def test_f53_no_key_of_an_endpoint_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHER_RPC_100", "https://user:CANARY1@node.example/v3/CANARY2?key=CANARY3")
    for form in ("table", "json", "jsonl", "csv"):
        shown = out(capsys, "gnosis/aave-v3/core", "--format", form)
        assert "node.example" in shown
        assert "CANARY" not in shown


@pytest.mark.parametrize(("flag", "level"), [("-v", logging.INFO), ("-vv", logging.DEBUG)])
def test_verbose_means_the_same_as_for_every_verb(
    flag: str, level: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("watcher")
    for name in ("level", "propagate"):
        monkeypatch.setattr(log, name, getattr(log, name))
    monkeypatch.setattr(log, "handlers", [])
    assert main(["markets", "--chain", "gnosis", flag]) == 0
    assert (log.level, len(log.handlers)) == (level, 1)
    capsys.readouterr()


@pytest.mark.parametrize("word", ["aave-v3", "aave_v3", "AAVE-V3"])
def test_a_list_can_be_of_one_protocol(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(out(capsys, "--protocol", word, "--format", "json"))
    assert {row["protocol"] for row in rows} == {"aave_v3"}
    assert "ethereum/aave-v3/spark" in {row["market"] for row in rows}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SparkLend", {"ethereum/aave-v3/spark", "gnosis/aave-v3/spark"}),
        ("0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2", {"ethereum/aave-v3/core"}),
        ("b323495f7e", {"ethereum/morpho-blue/b323495f7e"}),
    ],
)
def test_a_list_can_be_of_what_matches_a_text(text: str, found: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(out(capsys, "--match", text, "--format", "json"))
    assert {row["market"] for row in rows} == found


def test_chain_protocol_and_text_narrow_a_list_together(capsys: pytest.CaptureFixture[str]) -> None:
    line = ("--chain", "gnosis", "--protocol", "aave-v3", "--match", "core", "--format", "json")
    assert [row["market"] for row in json.loads(out(capsys, *line))] == ["gnosis/aave-v3/core"]


def test_a_protocol_that_is_unknown_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["markets", "--protocol", "aave"]) == 2
    assert "known: aave-v3, aave-v2, compound-v3" in capsys.readouterr().err


def test_what_is_known_of_the_prices_of_a_chain_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(out(capsys, "arbitrum/aave-v3/core", "--format", "json"))
    assert facts["sequencer_feed"] == "0xFdB631F5EE196F0ed6FAa767959853A9F217697D"
    assert int(facts["dollar_feeds"]) > 5
    assert int(facts["known_heartbeats"]) > 5


def test_a_pipe_gets_no_terminal_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in out(capsys)
