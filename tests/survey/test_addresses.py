"""Lists of addresses in the three forms, as people and programs write them."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.adapters.situations import OWNERS
from watcher.errors import UsageError
from watcher.survey.addresses import Form, read, written

MEMBERS = {bytes.fromhex(owner[2:]): since for owner, since in zip(OWNERS, (17, None, 23), strict=True)}


@pytest.mark.parametrize("form", Form)
def test_a_list_that_was_written_is_read_again(form: Form) -> None:
    found = read(written(MEMBERS, form), form, "list")
    assert found == (MEMBERS if form is not Form.TXT else dict.fromkeys(MEMBERS))


def test_other_programs_read_what_is_written() -> None:
    rows = list(csv.DictReader(io.StringIO(written(MEMBERS, Form.CSV))))
    assert [row["address"] for row in rows] == list(OWNERS)
    assert [row["since"] for row in rows] == ["17", "", "23"]
    lines = [json.loads(line) for line in written(MEMBERS, Form.JSONL).splitlines()]
    assert lines[0] == {"address": OWNERS[0], "since": 17}


def test_a_plain_list_may_have_remarks_empty_lines_and_an_address_twice() -> None:
    text = f"# borrowers\n\n{OWNERS[0]}   # the first\n{OWNERS[1].lower()}\n{OWNERS[0]}\n"
    assert list(read(text, Form.TXT, "list")) == list(MEMBERS)[:2]


def test_a_csv_may_have_other_columns() -> None:
    text = f"rank,address,label\n1,{OWNERS[2]},whale\n"
    assert list(read(text, Form.CSV, "list")) == list(MEMBERS)[2:]


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        (Form.TXT, f"{OWNERS[0]}\nnobody.eth\n", "line 2: 'nobody.eth' is no address"),
        (Form.TXT, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB49", "line 1"),  # its checksum is another one's
        (Form.TXT, "# nobody\n", "holds no address"),
        (Form.CSV, "who\n1\n", "no column is called address"),
        (Form.CSV, f"address,since\n{OWNERS[0]},soon\n", "line 2: 'soon' is no block number"),
        (Form.JSONL, "{}\n", "line 1: has no member address"),
        (Form.JSONL, f'{{"address": "{OWNERS[0]}"}}\n[', "line 2: is no JSON"),
    ],
)
def test_the_line_is_named_that_cannot_be_read(form: Form, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"list.*{said}"):
        read(text, form, "list")
