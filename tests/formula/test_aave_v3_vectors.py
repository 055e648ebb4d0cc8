"""Aave V3 of every version against answers of that version's own source: see vectors/README.md for how they came about."""

from __future__ import annotations

import pytest

from tests.formula.aave_v3_rows import Row, position, rows, vectors
from watcher.adapter import Acted, Action, Borrow, Liquidation, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.aave_v3.account import Account, account, zero_ltv
from watcher.adapters.aave_v3.act import act
from watcher.adapters.aave_v3.facts import Holding, Quote, State, Terms
from watcher.adapters.aave_v3.liquidate import liquidate
from watcher.adapters.aave_v3.seat import applied
from watcher.adapters.aave_v3.value import value
from watcher.formula.aave import health, interest, liquidation, rate
from watcher.formula.aave.rate import Pooled, Strategy
from watcher.formula.aave.version import Version, version
from watcher.model import Blocked
from watcher.units import MAX, RAY, WAD, Ray

RELEASES = ("3_0", "3_1", "3_2", "3_3", "3_4", "3_5", "3_6", "3_7")
GENERATIONS = (("3_0", "3_1", "3_2", "3_3"), ("3_4",), ("3_5", "3_6", "3_7"))


@pytest.mark.parametrize("release", RELEASES)
def test_interest_is_what_that_version_charges(release: str) -> None:
    which = version(vectors(release)["pool_revision"])
    for row in rows(release, "interest"):
        seconds = row["now"] - row["last"]
        assert {
            "income_index": interest.income(row["index"], row["rate"], seconds),
            "debt_index": interest.owed(which, row["index"], row["rate"], seconds),
            "compounded": interest.compounded(which, row["rate"], seconds),
            "linear": interest.linear(row["rate"], seconds),
        }.items() <= row.items()


@pytest.mark.parametrize("release", RELEASES)
def test_rates_are_what_that_versions_default_strategy_sets(release: str) -> None:
    which = version(vectors(release)["pool_revision"])
    for number, row in enumerate(rows(release, "rates")):
        strategy = Strategy(*(Ray(row[name]) for name in ("optimal", "base", "slope1", "slope2")))
        pooled = Pooled(*(row[name] for name in ("free", "variable", "stable", "stable_rate", "unbacked", "factor")))
        assert rate.rates(which, strategy, pooled) == (row["liquidity_rate"], row["borrow_rate"]), f"row {number}"


@pytest.mark.parametrize("release", RELEASES)
def test_every_field_of_an_account_is_what_that_version_answers(release: str) -> None:
    for number, row in enumerate(rows(release, "accounts")):
        known, at, held = position(release, row)
        seen = value(known, at, held)
        ours = {
            "collateral": seen.collateral,
            "debt": seen.debt,
            "available": seen.available,
            "threshold": seen.threshold,
            "ltv": seen.ltv,
            "health": MAX if seen.health is None else seen.health,
            "zero_ltv": int(zero_ltv(known, at, held)),
        }
        assert ours == row["out"], f"row {number}"


@pytest.mark.parametrize("release", RELEASES)
def test_an_account_is_liquidatable_exactly_when_that_version_puts_it_below_one(release: str) -> None:
    for row in rows(release, "accounts"):
        seen = value(*position(release, row))
        assert seen.liquidatable == (seen.line.weighted < seen.line.owed) == (row["out"]["health"] < WAD)


def said(reason: str) -> str:
    """The name of an error whatever its spelling: until 3.3 the pool answers with the number of a constant, the vectors with its name."""
    return {"Panic(17)": "arithmetic underflow or overflow"}.get(reason, reason.replace("_", "").casefold())


BLOCKED = {
    "reserveinactive": Blocked.PAUSED,
    "reservepaused": Blocked.PAUSED,
    "liquidationgracesentinelcheckfailed": Blocked.GRACE,
    "priceoraclesentinelcheckfailed": Blocked.SENTINEL,
}


@pytest.mark.parametrize("release", RELEASES)
def test_the_largest_liquidation_is_what_an_unlimited_call_does(release: str) -> None:
    """Where it would leave dust, the vectors hold the largest call that goes through, found by bisection on the contract."""
    for number, row in enumerate(rows(release, "liquidations")):
        if row["cover"] != MAX or row["self"]:
            continue
        known, at, held = position(release, row)
        debt, collateral = (known.reserves[row[side]].token.address for side in ("debt_id", "collateral_id"))
        ours = liquidate(known, at, held, debt, collateral)
        error = said(row["error"] or "")
        if error in BLOCKED:
            assert isinstance(ours, Liquidation) and ours.blocked is BLOCKED[error], f"row {number}"
        elif row["error"] and not row["largest"]:
            assert isinstance(ours, Refusal) and said(ours.reason) == error, f"row {number}: {ours}"
        else:
            repay, seized, fee = row["largest"][1:] if row["largest"] else (row["repay"], row["collateral"], row["fee"])
            assert isinstance(ours, Liquidation) and ours.blocked is None, f"row {number}: {ours}"
            assert (ours.repay, ours.seize, ours.fee) == (repay, seized + fee, fee), f"row {number}"
            if not row["largest"] and known.version >= Version.V3_3:
                assert ours.deficit == row["deficits"][row["debt_id"]], f"row {number}"


@pytest.mark.parametrize("release", RELEASES)
def test_a_call_for_part_of_the_debt_takes_what_that_version_takes_or_leaves_dust(release: str) -> None:
    seen = []
    for number, row in enumerate(rows(release, "liquidations")):
        dust = said(row["error"] or "") == "mustnotleavedust"
        if row["cover"] == MAX or row["self"] or (row["error"] and not dust):
            continue
        known, at, held = position(release, row)
        owner, pair = pair_of(known, at, held, row)
        factor = health.health_factor(known.version, owner.sums)
        assert factor is not None and factor < WAD
        most = min(row["cover"], liquidation.closable(known.version, pair, owner.sums, factor))
        taken = liquidation.seizure(known.version, pair, most)
        assert liquidation.leaves_dust(known.version, pair, taken) == dust, f"row {number}"
        if not dust:
            final = liquidation.moved(known.version, pair, taken)
            assert (final.repay, final.collateral, final.fee) == (row["repay"], row["collateral"], row["fee"])
        seen.append(dust)
    assert len(seen) >= 5 and (any(seen) or vectors(release)["pool_revision"] < 7)


def pair_of(known: Terms, at: Quote, held: Holding, row: Row) -> tuple[Account, liquidation.Pair]:
    """The pair of a liquidation row, no e-mode with its own price source among them."""
    owner = account(known, at, held)
    debt, secured = (known.reserves[row[side]] for side in ("debt_id", "collateral_id"))
    mode = known.category(held.mode)
    assert mode is None or mode.price_source is None
    return owner, liquidation.Pair(
        debt=owner.debt(debt),
        debt_price=row["reserves"][debt.id]["price"],
        debt_unit=debt.unit,
        scaled=held.balance(secured.id).deposit,
        index=at.states[secured.id].income,
        price=row["reserves"][secured.id]["price"],
        unit=secured.unit,
        bonus=applied(known.version, secured, mode)[2],
        fee=secured.rules.fee,
    )


@pytest.mark.parametrize("release", RELEASES)
def test_an_action_leaves_what_that_version_leaves_or_is_refused_for_the_same_reason(release: str) -> None:
    for number, row in enumerate(rows(release, "actions")):
        known, at, held = position(release, row)
        ours = act(known, at, held, action(known, row))
        if row["error"]:
            assert isinstance(ours, Refusal) and said(ours.reason) == said(row["error"]), f"row {number}: {ours}"
            continue
        assert isinstance(ours, Acted), f"row {number}: {ours}"
        after = ours.holding
        assert after.flags == row["flags"] and after.mode == row["mode_after"], f"row {number}"
        balances = [after.balance(reserve.id) for reserve in known.reserves]
        assert [each.deposit for each in balances] == row["scaled_balances"], f"row {number}"
        assert [each.debt for each in balances] == row["scaled_debts"], f"row {number}"
        states = [stored(state)[: len(row["states"][0])] for state in ours.quote.states]
        assert states == row["states"], f"row {number}"
        seen = value(known, ours.quote, after)
        figures = [
            seen.collateral,
            seen.debt,
            seen.available,
            seen.threshold,
            seen.ltv,
            MAX if seen.health is None else seen.health,
        ]
        assert figures == row["account"], f"row {number}"


def stored(state: State) -> list[int]:
    """What the pool keeps of a reserve; of 3.0 without the liquidity, which is no word of its storage there."""
    return [state.index, state.debt_index, state.deposits, state.debts, state.treasury, state.free]


def action(known: Terms, row: Row) -> Action:
    if row["action"] == "mode":
        return SetMode(row["amount"])
    kinds: dict[str, type[Supply | Withdraw | Borrow | Repay]] = {
        "supply": Supply,
        "withdraw": Withdraw,
        "borrow": Borrow,
        "repay": Repay,
    }
    return kinds[row["action"]](known.reserves[row["reserve_id"]].token.address, row["amount"])


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_vectors_of_a_generation_cover_what_could_go_wrong(generation: tuple[str, ...]) -> None:
    charged = [row for release in generation for row in rows(release, "interest")]
    assert len(charged) >= 200
    assert {0, 1, 2} <= {row["now"] - row["last"] for row in charged}
    assert max(row["now"] - row["last"] for row in charged) > 31_536_000
    found = [row for release in generation for row in rows(release, "accounts")]
    assert len(found) >= 200
    assert counted(found).keys() == {name for name, times in counted(found).items() if times >= 5}


def counted(found: list[Row]) -> dict[str, int]:
    """How many rows show each case of the list in the issue."""
    held = [[each for each in row["reserves"] if each["collateral"]] for row in found]
    modes = [row["categories"][row["mode"] - 1] if row["mode"] else None for row in found]
    gaps = [row["out"]["health"] - WAD for row in found]
    return {
        "no debt": sum(row["out"]["health"] == MAX for row in found),
        "dust": sum(0 < row["out"]["debt"] < 10**8 for row in found),
        "several collaterals": sum(len(each) > 1 for each in held),
        "in e-mode": sum(mode is not None for mode in modes),
        "disabled collateral": sum(
            any(each["scaled_balance"] and not each["collateral"] for each in row["reserves"]) for row in found
        ),
        "loan-to-value 0": sum(row["out"]["zero_ltv"] for row in found),
        "threshold 0": sum(any(each["lt"] == 0 for each in reserves) for reserves in held),
        "threshold 0 in e-mode": sum(map(listed_without_threshold, found)),
        "just below one": sum(-(10**12) < gap < 0 for gap in gaps),
        "just at or above one": sum(0 <= gap < 10**12 for gap in gaps),
        **{
            f"{digits} decimals": sum(any(each["decimals"] == digits for each in reserves) for reserves in held)
            for digits in (2, 6, 8, 18)
        },
        "fresh, one and two seconds old": min(
            sum(any(row["now"] - each["last"] == age for each in row["reserves"]) for row in found) for age in range(3)
        ),
        "an index that has grown": sum(any(each["borrow_index"] > RAY for each in row["reserves"]) for row in found),
    }


def listed_without_threshold(row: Row) -> bool:
    """A collateral whose base threshold is 0, in the category that the account has chosen."""
    bitmap = row["categories"][row["mode"] - 1]["collateral_bitmap"] if row["mode"] else 0
    return any(
        each["collateral"]
        and each["lt"] == 0
        and row["mode"]
        and (bitmap >> place & 1 or each["category"] == row["mode"])
        for place, each in enumerate(row["reserves"])
    )
