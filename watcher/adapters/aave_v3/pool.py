"""How an Aave V3 pool changes when it is used: one reserve brought up to date, its liquidity and rates moved (ReserveLogic)."""

from __future__ import annotations

from dataclasses import replace

from watcher.adapters.aave_v3.facts import Quote, Reserve, State, Terms
from watcher.adapters.aave_v3.market import stable_total
from watcher.adapters.aave_v3.seat import now
from watcher.formula.aave import rate, token
from watcher.formula.aave.version import Version
from watcher.units import BPS, RAY, Raw, Ray, checked, mul_div_down, mul_div_half_up


def committed(terms: Terms, quote: Quote, place: int) -> State:
    """The reserve after updateState at the quote's moment: indices stored, the treasury's share booked.

    An index whose rate (deposits) or scaled debt (debt) is zero is not stored anew, as the contract does; in V2 neither is while deposits
    earn nothing, and the treasury's share is minted at once.
    """
    reserve, state = terms.reserves[place], quote.states[place]
    moment = now(quote).timestamp
    if state.updated == moment:
        return state
    index = state.income if state.rate else state.index
    version = terms.version
    debt_index = state.owed if state.debts and (state.rate or version > Version.V2) else state.debt_index
    accrued = _accrued(version, reserve, state, debt_index, moment)
    share = token.minted_deposit(version, mul_div_half_up(accrued, reserve.rules.factor, BPS), index)
    at_once = share if version is Version.V2 else 0
    return replace(
        state,
        index=index,
        debt_index=debt_index,
        income=index,
        owed=debt_index,
        deposits=state.deposits + at_once,
        treasury=state.treasury + share - at_once,
        updated=moment,
    )


def _accrued(version: Version, reserve: Reserve, state: State, debt_index: int, moment: int) -> int:
    """Interest on all debt since the last change (_accrueToTreasury): a difference of balances, from 3.5 of indices, rounded down."""
    if reserve.rules.factor == 0:
        return 0
    if version >= Version.V3_5:
        return mul_div_down(state.debts, debt_index - state.debt_index, RAY)
    before = token.debt(version, state.debts, state.debt_index) + stable_total(version, state, state.updated)
    return checked(token.debt(version, state.debts, debt_index) + stable_total(version, state, moment) - before)


def moved(terms: Terms, place: int, state: State, timestamp: int, *, added: int = 0, taken: int = 0) -> State:
    """The reserve with liquidity added or taken and its rates set anew (updateInterestRatesAndVirtualBalance).

    Under a strategy of another make the rates stay as they were stored: later interest is then an estimate. A reserve of 3.1 to 3.3
    without virtual accounting keeps no liquidity and pays the base rate. `Overflow` where more is taken than there is.
    """
    reserve, version = terms.reserves[place], terms.version
    if Version.V3_1 <= version <= Version.V3_3 and not reserve.rules.accounted:
        base = reserve.strategy.base if reserve.strategy else state.debt_rate
        return replace(state, rate=Ray(0), debt_rate=base)
    free = checked(state.free + added - taken)
    if reserve.strategy is None:
        return replace(state, free=Raw(free))
    earned, paid = rate.rates(
        version,
        reserve.strategy,
        rate.Pooled(
            free=free,
            variable=token.debt(version, state.debts, state.debt_index),
            stable=stable_total(version, state, timestamp),
            stable_rate=state.stable_rate,
            unbacked=state.deficit + (state.unbacked if version < Version.V3_4 else 0),
            factor=reserve.rules.factor,
        ),
    )
    return replace(state, free=Raw(free), rate=earned, debt_rate=paid)


def placed(quote: Quote, place: int, state: State) -> Quote:
    """The quote with another state in that place."""
    return replace(quote, states=(*quote.states[:place], state, *quote.states[place + 1 :]))
