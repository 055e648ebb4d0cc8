"""Lists of addresses as text: one to a line, csv with a column `address`, or jsonl with a member of that name. No file is touched here."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from eth_utils.address import is_checksum_address, is_hex_address, to_checksum_address

from watcher.errors import UsageError

Since = Mapping[bytes, int | None]  # by address the first block known to name it


class Form(StrEnum):
    TXT = "txt"
    CSV = "csv"
    JSONL = "jsonl"


def written(members: Since, form: Form) -> str:
    """Every address with its checksum, in the order given; csv and jsonl also say since when."""
    rows = [(to_checksum_address(key), since) for key, since in members.items()]
    match form:
        case Form.TXT:
            return "".join(f"{address}\n" for address, _ in rows)
        case Form.JSONL:
            return "".join(json.dumps({"address": address, "since": since}) + "\n" for address, since in rows)
        case Form.CSV:
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows([("address", "since"), *rows])
            return out.getvalue()


def read(text: str, form: Form, name: str) -> dict[bytes, int | None]:
    """The addresses of a list, each once. `UsageError` names the line of the first that is none; `name` stands for the file."""
    rows = {Form.TXT: _lines, Form.CSV: _csv, Form.JSONL: _jsonl}[form]
    found: dict[bytes, int | None] = {}
    for line, address, since in rows(text, lambda line, what: UsageError(f"{name}, line {line}: {what}")):
        if not _is_address(address):
            raise UsageError(f"{name}, line {line}: {address[:60]!r} is no address")
        found[bytes.fromhex(address.removeprefix("0x").removeprefix("0X"))] = since
    if not found:
        raise UsageError(f"{name} holds no address")
    return found


def _is_address(text: str) -> bool:
    """Letters of both cases are a checksum."""
    plain = text[2:] in (text[2:].lower(), text[2:].upper())
    return is_hex_address(text) and (plain or is_checksum_address(text))


Refuse = Callable[[int, str], UsageError]
Row = tuple[int, str, int | None]  # line, address, since


def _lines(text: str, _: Refuse) -> Iterator[Row]:
    """The first word of every line; what follows # is a remark."""
    for line, row in enumerate(text.splitlines(), 1):
        words = row.partition("#")[0].split()
        if words:
            yield line, words[0], None


def _csv(text: str, refuse: Refuse) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text))
    if "address" not in (reader.fieldnames or ()):
        raise refuse(1, "no column is called address")
    for row in reader:
        yield reader.line_num, (row["address"] or "").strip(), _number(row.get("since"), reader.line_num, refuse)


def _jsonl(text: str, refuse: Refuse) -> Iterator[Row]:
    for line, one in enumerate(text.splitlines(), 1):
        if not one.strip():
            continue
        try:
            row = json.loads(one)
        except ValueError:
            raise refuse(line, "is no JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get("address"), str):
            raise refuse(line, "has no member address")
        yield line, row["address"], _number(row.get("since"), line, refuse)


def _number(value: Any, line: int, refuse: Refuse) -> int | None:
    if value is None or value == "":
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise refuse(line, f"{text[:20]!r} is no block number")
    return int(text)
