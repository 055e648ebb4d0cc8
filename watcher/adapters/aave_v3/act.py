"""What an Aave pool does to an account that acts for itself: exact scaled amounts, flags, and every refusal in the words of V3.

The block is the quote's moment: accrue to the time of the transaction. Allowances and wallets are not looked at. Debt is repaid at the
variable rate where there is any, else at the stable one.
"""

from __future__ import annotations

from dataclasses import replace

from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.aave_v3 import rules
from watcher.adapters.aave_v3.account import stable_debt
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, State, Terms
from watcher.adapters.aave_v3.market import stable_total
from watcher.adapters.aave_v3.pool import committed, moved, placed
from watcher.adapters.aave_v3.rules import Denied
from watcher.adapters.aave_v3.seat import now
from watcher.errors import AnswerError, Overflow
from watcher.formula.aave import token
from watcher.formula.aave.version import Version
from watcher.units import MAX, RAY, Raw, Ray, checked, mul_div_half_up

Result = Acted[Quote, Holding]


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Result | Refusal:
    """The world after the action, or why the pool would revert. 2**256 - 1 withdraws or repays everything.

    Rates are set anew where the strategy is one of the default ones (see `pool.moved`). `AnswerError` where it would depend on a deposit
    that the holding left out.
    """
    if not holding.complete and isinstance(action, Supply | Withdraw):
        raise AnswerError("deposits that are not collateral were not read: read fewer accounts at once")
    try:
        match action:
            case SetMode(category):
                return _set_mode(terms, quote, holding, category)
            case Supply(asset, amount):
                return _supply(terms, quote, holding, rules.place(terms, asset), amount)
            case Withdraw(asset, amount):
                return _withdraw(terms, quote, holding, rules.place(terms, asset), amount)
            case Borrow(asset, amount):
                return _borrow(terms, quote, holding, rules.place(terms, asset), amount)
            case Repay(asset, amount):
                return _repay(terms, quote, holding, rules.place(terms, asset), amount)
    except Denied as denied:
        return Refusal(denied.reason)
    except Overflow:
        return Refusal("arithmetic underflow or overflow")


def changed(holding: Holding, balance: Balance, *, borrows: bool | None = None, secures: bool | None = None) -> Holding:
    """The holding with one balance and its two flags replaced; None keeps a flag."""
    flags = holding.flags
    for bit, wanted in ((2 * balance.id, borrows), (2 * balance.id + 1, secures)):
        if wanted is not None:
            flags = flags | 1 << bit if wanted else flags & ~(1 << bit)
    others = [other for other in holding.balances if other.id != balance.id]
    kept = [balance] if balance.deposit or balance.debt or balance.principal else []
    return replace(holding, flags=flags, balances=tuple(sorted((*others, *kept), key=lambda held: held.id)))


def _supply(terms: Terms, quote: Quote, holding: Holding, place: int, amount: int) -> Result:
    reserve, state = terms.reserves[place], committed(terms, quote, place)
    scaled = token.minted_deposit(terms.version, amount, state.index)
    rules.check_supply(terms, reserve, state, amount, scaled)
    state = moved(terms, place, state, now(quote).timestamp, added=amount)
    state = replace(state, deposits=state.deposits + scaled)
    before = holding.balance(reserve.id)
    secures = True if before.deposit == 0 and rules.secures_by_itself(terms, holding, reserve) else None
    after = changed(holding, replace(before, deposit=before.deposit + scaled), secures=secures)
    return Acted(placed(quote, place, state), after)


def _withdraw(terms: Terms, quote: Quote, holding: Holding, place: int, amount: int) -> Result:
    version, reserve, state = terms.version, terms.reserves[place], committed(terms, quote, place)
    before = holding.balance(reserve.id)
    whole = token.deposit(version, before.deposit, state.index)
    wanted = whole if amount == MAX else amount
    scaled = token.burnt_deposit(version, wanted, state.index)
    if amount == MAX and version >= Version.V3_5:
        scaled = before.deposit
    directed = version >= Version.V3_5
    rules.check_withdraw(reserve, scaled if directed else wanted, before.deposit if directed else whole)
    secured = holding.secures(reserve.id)
    if version is Version.V2 and secured and rules.borrows_any(holding):
        rules.check_decrease(terms, quote, holding, place, wanted)
    state = moved(terms, place, state, now(quote).timestamp, taken=wanted)
    rules.deny(scaled == 0, "InvalidBurnAmount")
    state = replace(state, deposits=checked(state.deposits - scaled))
    left = checked(before.deposit - scaled)
    emptied = left == 0 if directed else wanted == whole
    after = changed(holding, replace(before, deposit=left), secures=False if secured and emptied else None)
    world = Acted(placed(quote, place, state), after)
    if version > Version.V2 and secured and rules.borrows_any(after):
        rules.check_health(terms, world.quote, after, withdrawn=reserve)
    return world


def _borrow(terms: Terms, quote: Quote, holding: Holding, place: int, amount: int) -> Result:
    version, reserve, state = terms.version, terms.reserves[place], committed(terms, quote, place)
    scaled = token.minted_debt(version, amount, state.debt_index)
    rules.check_borrow(terms, placed(quote, place, state), holding, place, amount, scaled)
    isolated = rules.isolation(terms, holding)
    rules.deny(scaled == 0, "InvalidMintAmount")
    state = replace(state, debts=state.debts + scaled)
    state = moved(terms, place, state, now(quote).timestamp, taken=amount)
    before = holding.balance(reserve.id)
    after = changed(holding, replace(before, debt=before.debt + scaled), borrows=True)
    world = placed(quote, place, state)
    if isolated is not None:
        world = rules.isolate(terms, world, isolated, reserve, amount)
    if version >= Version.V3_5:
        rules.check_covered(terms, world, after)
    return Acted(world, after)


def _repay(terms: Terms, quote: Quote, holding: Holding, place: int, amount: int) -> Result:
    version, reserve, state = terms.version, terms.reserves[place], committed(terms, quote, place)
    moment = now(quote)
    before = holding.balance(reserve.id)
    variable = token.debt(version, before.debt, state.debt_index)
    stable = stable_debt(version, before, moment)
    owed = variable or stable
    rules.check_repay(reserve, amount, owed)
    paid = min(amount, owed)
    if variable:
        scaled = token.burnt_debt(version, paid, state.debt_index)
        rules.deny(scaled == 0, "InvalidBurnAmount")
        state = replace(state, debts=checked(state.debts - scaled))
        rest = replace(before, debt=checked(before.debt - scaled))
    else:
        state = _stable_repaid(version, state, before.rate, paid, moment.timestamp)
        rest = Balance(reserve.id, before.deposit, 0)
        if paid < stable:
            rest = replace(before, principal=stable - paid, since=moment.timestamp)
    state = moved(terms, place, state, moment.timestamp, added=paid)
    done = variable + stable == paid if version < Version.V3_4 else rest.debt == 0
    after = changed(holding, rest, borrows=False if done else None)
    world = placed(quote, place, state)
    isolated = rules.isolation(terms, after)
    if isolated is not None:
        world = rules.isolate(terms, world, isolated, reserve, -paid)
    return Acted(world, after)


def _stable_repaid(version: Version, state: State, rate: int, paid: int, timestamp: int) -> State:
    """The reserve's stable debt and its average rate after a repayment (StableDebtToken.burn); all rays half up."""
    total = stable_total(version, state, timestamp)
    left = max(total - paid, 0)
    digits = 10**9
    first = mul_div_half_up(state.stable_rate, total * digits, RAY)
    second = mul_div_half_up(rate, paid * digits, RAY)
    if left == 0 or second >= first:
        return replace(state, stable_principal=Raw(0), stable_rate=Ray(0), stable_updated=timestamp)
    average = Ray(mul_div_half_up(first - second, RAY, left * digits))
    return replace(state, stable_principal=Raw(left), stable_rate=average, stable_updated=timestamp)


def _set_mode(terms: Terms, quote: Quote, holding: Holding, mode: int) -> Result:
    version = terms.version
    if mode == holding.mode and version >= Version.V3_2:
        return Acted(quote, holding)
    rules.deny(version is Version.V2, "Aave V2 has no e-mode")
    rules.check_mode(terms, holding, mode)
    after = replace(holding, mode=mode)
    if version >= Version.V3_2 or holding.mode:
        rules.check_health(terms, quote, after)
    return Acted(quote, after)
