"""Comet's arithmetic against what the real contract answered, and the laws that follow from its rounding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import Overflow
from watcher.formula.comet import (
    INDEX_SCALE,
    INT104,
    Curve,
    Sale,
    Seized,
    Totals,
    absorbed,
    accrued,
    balance,
    bought,
    bounded,
    factored,
    moved,
    owed_value,
    present,
    principal_of,
    quoted,
    rate,
    reserves,
    utilisation,
)
from watcher.units import WAD

VECTORS = Path(__file__).parent / "vectors"
INDICES = st.integers(INDEX_SCALE, 4 * INDEX_SCALE)
PRINCIPALS = st.integers(-(10**24), 10**24)


def vectors(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"comet_{name}.json").read_text())
    return found


def weighed(row: list[Any], assets: list[list[int]], factor: int) -> tuple[int, int]:
    """What the collateral of an account row comes to by one of its factors, and what it owes."""
    _, borrow_index, principal, prices, held = row
    worth = 0
    for place, amount in held:
        decimals, *factors = assets[place]
        worth += factored(quoted(amount, prices[place], 10**decimals), factors[factor])
    return worth, owed_value(present(max(0, -principal), borrow_index), prices[-1], 10**6)


def test_interest_is_what_comet_accrued() -> None:
    found = vectors("interest")
    supply, borrow = Curve(*found["supply"]), Curve(*found["borrow"])
    for (supplied, borrowed, supply_index, borrow_index, elapsed), answer in found["rows"]:
        totals = Totals(supplied, borrowed, supply_index, borrow_index)
        used = utilisation(totals)
        after = accrued(totals, supply, borrow, elapsed)
        mine = [used, rate(supply, used), rate(borrow, used), after.supply_index, after.borrow_index]
        assert mine == answer[:5]
    assert len(found["rows"]) == 71


def test_principals_and_totals_round_as_comet_rounds_them() -> None:
    rows = vectors("principal")["rows"]
    against = 0
    for (supply_index, borrow_index, supplied, borrowed, principal, amount), answer in rows:
        totals, after = moved(Totals(supplied, borrowed, supply_index, borrow_index), principal, amount)
        assert [after, totals.supplied, totals.borrowed] == answer
        against += (after - principal) * amount < 0 or (amount == 0 and after != principal)
    assert len(rows) == 160 and against > 3  # rounding moved a principal the other way


def test_accounts_are_liquidatable_when_comet_says_so() -> None:
    found = vectors("accounts")
    verdicts = set()
    for row, (liquidatable, may_borrow, _) in found["rows"]:
        by_line, owed = weighed(row, found["assets"], 1)
        by_limit, _ = weighed(row, found["assets"], 0)
        assert (by_line < owed, by_limit >= owed) == (liquidatable, may_borrow)
        verdicts.add((liquidatable, may_borrow))
    assert verdicts == {(True, False), (False, False), (False, True)}


def test_an_absorption_pays_and_credits_what_comet_did() -> None:
    found = vectors("accounts")
    credited = short = 0
    for (supply_index, borrow_index, principal, prices, held), (liquidatable, _, answer) in found["rows"]:
        assert (answer is not None) == liquidatable
        if answer is None:
            continue
        paid, value, after, values = answer
        seized = [Seized(n, 10 ** found["assets"][p][0], prices[p], found["assets"][p][3]) for p, n in held]
        done = absorbed(principal, Totals(10**20, 10**20, supply_index, borrow_index), prices[-1], 10**6, seized)
        assert (done.paid, done.principal, list(done.values)) == (paid, after, values)
        assert quoted(done.paid, prices[-1], 10**6) == value
        credited += done.credit > 0
        short += done.shortfall > 0
    assert credited > 5 and short > 5


def test_absorbed_collateral_costs_what_comet_asked() -> None:
    found = vectors("sale")
    for (place, price, base_price, amount), answer in found["rows"]:
        decimals, factor = found["assets"][place]
        assert bought(Sale(price, 10**decimals, base_price, 10**6, factor, found["store_front"]), amount) == answer


@pytest.mark.parametrize("name", ["usdc", "usdt"])
def test_every_move_of_base_in_a_play_is_ours(name: str) -> None:
    """Supplies, withdrawals and absorptions of the recorded play: principal and totals before give those after."""
    users: dict[str, int] = {}
    totals, checked = [INDEX_SCALE, INDEX_SCALE, 0, 0, 0, 0, 0], 0
    for (_, verb, *rest), (*said, after, _, changed) in vectors(f"play_{name}")["rows"]:
        logs = said[0] if said and isinstance(said[0], list) else []
        sums = {log[0]: log[-1] for log in logs if log[0] in ("Supply", "Withdraw")}
        if sums and verb in ("supply", "withdraw"):
            (amount,) = sums.values()
            before = Totals(totals[4], totals[5], after[0], after[1])
            then, principal = moved(before, users.get(rest[0], 0), amount if verb == "supply" else -amount)
            told = {f"actor {place}": user[0] for place, user in changed}
            assert told.get(rest[0], users.get(rest[0], 0)) == principal
            assert (then.supplied, then.borrowed) == (after[4], after[5])
            checked += 1
        users |= {f"actor {place}": user[0] for place, user in changed}
        totals = after
    assert checked > 15


@given(PRINCIPALS, INDICES, INDICES)
def test_a_deposit_there_and_back_loses_a_principal_at_most_and_a_debt_stays(
    principal: int, supply_index: int, borrow_index: int
) -> None:
    totals = Totals(10**30, 10**30, supply_index, borrow_index)
    value = balance(principal, totals)
    back = principal_of(value, totals)
    assert abs(back) <= abs(principal)
    lost = value - balance(back, totals)
    assert 0 <= lost <= 1 + supply_index // INDEX_SCALE if principal > 0 else lost == 0


@given(st.integers(0, 10**20), INDICES, INDICES)
def test_a_debt_is_never_less_than_was_borrowed(amount: int, supply_index: int, borrow_index: int) -> None:
    totals = Totals(10**30, 10**30, supply_index, borrow_index)
    owed = -balance(principal_of(-amount, totals), totals)
    assert amount <= owed <= amount + borrow_index // INDEX_SCALE


@given(st.integers(0, 2 * WAD), st.integers(0, 2 * WAD))
def test_a_rate_never_falls_when_more_is_used(one: int, other: int) -> None:
    curve = Curve(*vectors("interest")["borrow"])
    low, high = sorted((one, other))
    assert rate(curve, low) <= rate(curve, high)


@given(st.integers(1, 10**15), st.integers(1, 10**12), st.integers(1, 10**15), st.integers(0, WAD))
def test_an_absorption_loses_nothing_on_the_way(owed: int, price: int, amount: int, factor: int) -> None:
    """What is paid out is the debt and the credit; the credit is never more than the collateral's share of its value."""
    totals = Totals(10**20, 10**20, INDEX_SCALE, INDEX_SCALE)
    done = absorbed(-owed, totals, 10**8, 10**6, [Seized(amount, 10**8, price, factor)])
    assert done.paid == owed + done.credit
    assert done.credit == 0 or done.shortfall == 0
    assert done.paid <= max(owed, quoted(amount, price, 10**8) * 10**6 // 10**8)


def test_reserves_are_what_is_left_when_all_have_been_paid() -> None:
    assert reserves(30, Totals(100, 80, INDEX_SCALE, INDEX_SCALE)) == 10
    assert reserves(10, Totals(100, 80, INDEX_SCALE, INDEX_SCALE)) == -10


def test_what_the_contract_refuses_to_hold_is_an_overflow() -> None:
    flat = Curve(WAD, 0, 0, 2**64)
    with pytest.raises(Overflow, match="64-bit"):
        rate(flat, 0)
    with pytest.raises(Overflow, match="64-bit"):
        accrued(Totals(1, 1, 2**63, 2**63), Curve(WAD, 0, 0, WAD), Curve(WAD, 0, 0, WAD), 10)
    with pytest.raises(Overflow, match="104-bit"):
        principal_of(INT104 + 1, Totals(0, 0, INDEX_SCALE, INDEX_SCALE))
    with pytest.raises(Overflow, match="256-bit"):
        owed_value(2**200, 2**60, 1)
    with pytest.raises(Overflow, match="underflow"):
        bounded(-1, 104)
