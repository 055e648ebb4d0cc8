"""US dollars on the edge: exact text for programs, cents for people, rounded towards danger."""

from __future__ import annotations

from fractions import Fraction

from watcher.figures import exact, fixed


def dollars(amount: Fraction, *, up: bool = False) -> str:
    """Thousands separated, with cents; rounded down, or up."""
    scaled = amount * 100
    cents = -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    return fixed(cents, 2, 2)


def exactly(amount: Fraction) -> str:
    """The decimal that a sum over feeds and oracles is, in full: their denominators are powers of ten."""
    places = 0
    while 10**places % amount.denominator:
        places += 1
    return exact(amount.numerator * (10**places // amount.denominator), places)


def cut(amount: Fraction, places: int = 18) -> str:
    """A ratio as a decimal of at most `places` digits, cut towards zero."""
    scaled = abs(amount.numerator) * 10**places // amount.denominator
    return exact(scaled if amount >= 0 else -scaled, places)


def signed(amount: Fraction, places: int) -> str:
    """In per cent with its sign, cut towards zero."""
    scaled = abs(amount.numerator) * 10 ** (places + 2) // amount.denominator
    return f"{'−' if amount < 0 else '+'}{fixed(scaled, places, places)} %"
