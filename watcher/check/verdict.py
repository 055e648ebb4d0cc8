"""What an audit comes to: one line when all figures are equal, else one finding per difference. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.check.audit import Audit, Audited, accounts
from watcher.check.finding import About, Finding, Result, Verdict
from watcher.check.market import listed

ADVICE: Final = "believe neither figure; ask another endpoint, and if it stays, report it with the block"


def audit_findings(chain: str, done: Audit) -> tuple[Finding, ...]:
    """The summary first. Accounts missing from what was asked, and positions that could not be compared, are never passed over."""
    differing = tuple(finding for one in done.rows for finding in differences(chain, one))
    return (_summary(chain, done), *_shortage(chain, done), *differing)


def _summary(chain: str, done: Audit) -> Finding:
    compared = _compared(done)
    figures = sum(one.figures for one in compared)
    wrong = len(accounts(one for one in done.rows if one.row.mismatches or _one_sided(one)))
    at = f"block {done.block.number}" if done.block is not None else "no block"
    facts = {
        "accounts": len(accounts(compared)),
        "figures": figures,
        "mismatched": wrong,
        "block": done.block and done.block.number,
    }
    text = f"{len(accounts(compared))} accounts, {figures} figures"
    if wrong:
        verdict = Verdict(Result.FAIL, f"{text}, {wrong} accounts DIFFER from the contract, {at}", ADVICE)
    elif compared:
        verdict = Verdict(Result.OK, f"{text}, all equal, {at}")
    else:
        verdict = Verdict(Result.UNKNOWN, f"nothing could be compared, {at}", "name another endpoint with --rpc URL")
    return Finding(chain, About.AUDIT, chain, "audit", verdict, facts)


def _compared(done: Audit) -> list[Audited]:
    return [one for one in done.rows if one.figures and one.row.reading.valuation is not None]


def _one_sided(one: Audited) -> bool:
    """We have figures for a position and the contract has none."""
    return not one.reported and one.row.reading.valuation is not None


def _shortage(chain: str, done: Audit) -> Iterator[Finding]:
    compared = len(accounts(_compared(done)))
    if compared >= done.asked and not done.errors:
        return
    reached = ", ".join(
        f"{address} ({'none was read' if block is None else f'back to block {block}'})"
        for address, block in done.reached.items()
    )
    causes = tuple(dict.fromkeys(str(error) for error in done.errors))
    detail = f"{compared} of {done.asked} accounts: {done.found} were found in the Borrow logs of {reached}"
    if causes:
        detail += f"; {listed(causes)}"
    advice = "ask for fewer, give it more time with --timeout, or name an endpoint that serves more logs"
    yield Finding(chain, About.AUDIT, chain, "audited accounts", Verdict(Result.UNKNOWN, detail, advice))


def differences(chain: str, one: Audited) -> Iterator[Finding]:
    """A finding per figure that is not the contract's, or one for a position that only one side can tell. What to do is in the summary."""
    reading = one.row.reading
    who = to_checksum_address(reading.key.key)

    def finding(result: Result, detail: str, **facts: Any) -> Finding:
        verdict = Verdict(result, f"{who} {detail}", "" if result is Result.FAIL else "see the market's oracle")
        return Finding(chain, About.AUDIT, one.row.market.name, "figures", verdict, {"account": who, **facts})

    for wrong in one.row.mismatches:
        text = f"{wrong.field}: the contract says {wrong.theirs}, we compute {wrong.ours}"
        yield finding(Result.FAIL, text, field=wrong.field, ours=wrong.ours, contract=wrong.theirs)
    if _one_sided(one):
        yield finding(Result.FAIL, "has figures by us and none by the contract, whose view reverts")
    if reading.valuation is None:
        yield finding(Result.UNKNOWN, f"has no figures by us: {reading.reason}")
