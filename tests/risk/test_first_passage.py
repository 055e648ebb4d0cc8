"""The chance of touching a barrier, against published and independently integrated cases (risk note, section 12)."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import invgauss

from watcher.risk.first_passage import (
    BGK,
    below,
    log_drift,
    ratio_volatility,
    safe_health,
    touched,
    touched_at,
)

MONTH = 30 / 365
NEAR = 1e-6
TO_EIGHT = 5.1e-9  # the cases are printed with eight digits

CASES = {  # price, barrier, volatility, years, growth, touched, below
    "R1": (100, 80, 0.8, 7 / 365, 0.0, 0.04913013, 0.02507070),
    "R2": (100, 80, 0.8, MONTH, 0.0, 0.36835856, 0.19537712),
    "R3": (100, 60, 0.8, MONTH, 0.0, 0.03330593, 0.01731875),
    "R4": (100, 90, 0.6, 1 / 365, 0.0, 0.00083695, 0.00042018),
    "R5": (100, 80, 0.8, MONTH, 0.5, 0.31014659, 0.14976722),
}


@pytest.mark.parametrize("case", CASES)
def test_r1_to_r5_a_falling_price_touches_its_barrier(case: str) -> None:
    price, barrier, sigma, years, growth, ever, finally_ = CASES[case]
    room, drift = log(price / barrier), log_drift(growth, sigma)
    assert float(touched(room, sigma, years, drift)) == pytest.approx(ever, abs=TO_EIGHT)
    assert float(below(room, sigma, years, drift)) == pytest.approx(finally_, abs=TO_EIGHT)


def test_r6_a_loan_of_a_month() -> None:
    assert float(touched(log(2000 / 1204.8193), 0.75, MONTH, log_drift(0, 0.75))) == pytest.approx(
        0.02362259, abs=TO_EIGHT
    )


@given(st.floats(0.02, 1.5), st.floats(0.1, 1.5), st.floats(0.01, 1.0), st.floats(-1.0, -0.01))
def test_it_is_the_integral_of_the_inverse_gaussian_density(
    room: float, sigma: float, years: float, drift: float
) -> None:
    mean, shape = room / -drift, (room / sigma) ** 2
    law = invgauss(mean / shape, scale=shape)
    assert float(touched(room, sigma, years, drift)) == pytest.approx(law.cdf(years), rel=1e-6, abs=1e-9)


def test_r7_the_constant_of_the_correction() -> None:
    assert pytest.approx(0.5825971579, abs=1e-10) == BGK
    count = 50
    zeta = sum(n**-0.5 for n in range(1, count + 1))  # of one half, by Euler and Maclaurin
    zeta += -2 * count**0.5 - count**-0.5 / 2 + count**-1.5 / 24 - count**-3.5 / 384
    assert zeta == pytest.approx(-1.4603545088, abs=1e-10)
    assert pytest.approx(-zeta / sqrt(2 * np.pi), abs=1e-10) == BGK


def test_r8_looking_now_and_then_misses_some_touches() -> None:
    drift = log_drift(0, 0.8)
    assert float(touched_at(log(1.25), 0.8, MONTH, drift, 30)) == pytest.approx(0.316263, abs=1e-6)
    assert float(touched_at(log(1.25), 0.8, 7 / 365, drift, 168)) == pytest.approx(0.044204, abs=1e-6)
    with pytest.raises(ValueError, match="7 looks"):
        touched_at(log(1.25), 0.8, 7 / 365, drift, 7)


@pytest.mark.parametrize(("years", "looks", "exact"), [(MONTH, 30, 0.318504), (7 / 365, 168, 0.044370)])
def test_r8_the_exact_chance_by_convolving_the_killed_density(years: float, looks: int, exact: float) -> None:
    """The correction is off by as much as the case says: the truth is integrated here, on its own."""
    found = killed(log(1.25), 0.8, years, log_drift(0, 0.8), looks)
    assert found == pytest.approx(exact, abs=1e-5)
    assert float(touched_at(log(1.25), 0.8, years, log_drift(0, 0.8), looks)) == pytest.approx(found, rel=0.01)


def test_r8_why_seven_looks_are_not_corrected() -> None:
    years, drift = 7 / 365, log_drift(0, 0.8)
    corrected = float(touched(log(1.25) + BGK * 0.8 * sqrt(years / 7), 0.8, years, drift))
    assert corrected == pytest.approx(0.028780, abs=1e-5)
    assert killed(log(1.25), 0.8, years, drift, 7) == pytest.approx(0.031962, abs=1e-5)  # a tenth more


def killed(room: float, sigma: float, years: float, drift: float, looks: int) -> float:
    """1 − P(above the barrier at every look)."""
    _, weight, density = survivors(room, sigma, years, drift, looks)
    return 1 - float(weight @ density)


def survivors(
    room: float, sigma: float, years: float, drift: float, looks: int, points: int = 600
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places above the barrier, their weights and the density that survived every look, by Gauss–Legendre quadrature."""
    step = years / looks
    spread = sigma * sqrt(step)
    top = room + 8 * sigma * sqrt(years)
    nodes, weights = np.polynomial.legendre.leggauss(points)
    place, weight = (nodes + 1) / 2 * top, weights / 2 * top

    def law(distance: np.ndarray) -> np.ndarray:
        return np.exp(-((distance - drift * step) ** 2) / (2 * spread**2)) / (spread * sqrt(2 * np.pi))

    density = law(place - room)
    kernel = law(place[:, None] - place[None, :]) * weight[None, :]
    for _ in range(looks - 1):
        density = kernel @ density
    return place, weight, density


R9 = [
    (85, 6.308, 6.322),
    (90, 5.977, 6.098),
    (93, 5.277, 5.585),
    (95, 4.398, 4.907),
    (97, 3.060, 3.836),
    (99, 1.171, 2.271),
]


@pytest.mark.parametrize(("barrier", "continuous", "corrected"), R9)
def test_r9_down_and_out_calls_of_the_paper(barrier: float, continuous: float, corrected: float) -> None:
    """Broadie, Glasserman, Kou 1997: the call is integrated over the law that `touched` implies, S = K = 100, m = 50."""

    def call(edge: float) -> float:
        rate, sigma, years = 0.1, 0.3, 0.2
        drift, spread = log_drift(rate, sigma), sigma * sqrt(years)
        room = log(100 / edge)

        def density(x: float) -> float:
            straight = np.exp(-((x - drift * years) ** 2) / (2 * spread**2))
            image = np.exp(-2 * drift * room / sigma**2 - (x + 2 * room - drift * years) ** 2 / (2 * spread**2))
            return float((straight - image) / (spread * sqrt(2 * np.pi)))

        survived = quad(density, -room, 8 * spread)[0]
        assert survived == pytest.approx(1 - float(touched(room, sigma, years, drift)), abs=1e-7)
        paid = quad(lambda x: (100 * np.exp(x) - 100) * density(x), max(0.0, -room), 8 * spread)[0]
        return float(np.exp(-rate * years) * paid)

    assert call(barrier) == pytest.approx(continuous, abs=1e-3)
    assert call(barrier * np.exp(-BGK * 0.3 * sqrt(0.2 / 50))) == pytest.approx(corrected, abs=1e-3)


R9_TRUE = [(85, 6.322), (90, 6.098), (93, 5.584), (95, 4.907), (97, 3.834), (99, 2.336)]


@pytest.mark.parametrize(("barrier", "true"), R9_TRUE)
def test_r9_the_true_price_with_fifty_looks(barrier: float, true: float) -> None:
    """By convolution, as the correction is judged there: it is off by 0.065 at 99, by two thousandths or less elsewhere."""
    room = log(100 / barrier)
    place, weight, density = survivors(room, 0.3, 0.2, log_drift(0.1, 0.3), 50)
    paid = np.maximum(100 * np.exp(place - room) - 100, 0)
    assert float(np.exp(-0.1 * 0.2) * (weight * paid) @ density) == pytest.approx(true, abs=1e-3)


def test_r10_two_assets_as_one_ratio() -> None:
    sigma = ratio_volatility(0.8, 0.6, 0.8)
    drift = -(0.8**2 - 0.6**2) / 2
    assert sigma == pytest.approx(0.48166378, rel=NEAR)
    assert float(touched(log(1.2), sigma, MONTH, drift)) == pytest.approx(0.20799875, abs=TO_EIGHT)
    assert float(touched_at(log(1.2), sigma, MONTH, drift, 720)) == pytest.approx(0.20040, abs=5e-6)


def test_r47_health_for_a_chance() -> None:
    assert safe_health(0.8, 1 / 8760, 0.01) == pytest.approx(1.022261, rel=NEAR)
    assert safe_health(0.8, 7 / 365, 0.05) == pytest.approx(1.2425186, rel=NEAR)


ROOM, SIGMA, YEARS = st.floats(1e-3, 2), st.floats(0.05, 2), st.floats(1e-3, 1)


@given(ROOM, SIGMA, YEARS, st.floats(-1, 1))
def test_ever_is_at_least_as_likely_as_finally(room: float, sigma: float, years: float, drift: float) -> None:
    assert float(touched(room, sigma, years, drift)) >= float(below(room, sigma, years, drift)) - 1e-12


@given(ROOM, SIGMA, YEARS, st.floats(1.0, 2.0))
def test_more_time_more_volatility_or_less_room_never_make_it_less_likely(
    room: float, sigma: float, years: float, more: float
) -> None:
    one = float(touched(room, sigma, years, -(sigma**2) / 2))
    assert float(touched(room, sigma, years * more, -(sigma**2) / 2)) >= one - 1e-12
    assert float(touched(room, sigma * more, years, -((sigma * more) ** 2) / 2)) >= one - 1e-12
    assert float(touched(room / more, sigma, years, -(sigma**2) / 2)) >= one - 1e-12


def test_at_the_line_it_is_certain_and_without_volatility_the_drift_decides() -> None:
    assert touched(np.array([0.0, -0.5]), 0.5, 1.0, 0.3).tolist() == [1.0, 1.0]
    assert touched(np.array([0.1, 0.3]), 0.0, 1.0, -0.2).tolist() == [1.0, 0.0]
    assert below(np.array([0.1, 0.3]), 0.0, 1.0, -0.2).tolist() == [1.0, 0.0]
    assert float(touched(1.0, 1e-6, 1.0, -1e-9)) == 0.0  # no overflow


@pytest.mark.parametrize("cushion", [float("inf"), float("-inf"), float("nan")])
def test_without_debt_or_collateral_there_is_no_barrier(cushion: float) -> None:
    for asked in (touched, below):
        with pytest.raises(ValueError, match="no line to touch"):
            asked(np.array([0.1, cushion]), 0.5, 1.0, -0.1)
    with pytest.raises(ValueError, match="no line to touch"):
        touched_at(cushion, 0.5, 1.0, -0.1, 100)
